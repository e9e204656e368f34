import pytest
from mmengine.config import Config

from mmsemi.datasets.splits import (
    check_disjoint,
    config_datasets,
    list_hash,
    read_list,
    set_data_root,
    set_split,
)
from mmsemi.utils.errors import UsageError
from tests.configs import dataset_config


def test_read_list(tmp_path):
    path = tmp_path / 'labeled.txt'
    path.write_text('a\n b/c \n\nd')
    assert read_list(str(path)) == ['a', 'b/c', 'd']
    path.write_text('\n')
    with pytest.raises(UsageError, match='empty.*mmsemi splits'):
        read_list(str(path))
    assert read_list(str(path), allow_empty=True) == []
    path.write_text('a\nb\na\nb\n')
    with pytest.raises(UsageError, match="'a' is listed twice .and 1 more"):
        read_list(str(path))
    with pytest.raises(
        UsageError, match='list does not exist.*mmsemi import-splits'
    ):
        read_list(str(tmp_path / 'absent.txt'))
    with pytest.raises(UsageError, match=r'mmsemi splits voc .* --aug'):
        read_list(str(tmp_path / 'aug.txt'))


def test_hash_ignores_line_ends_not_order(tmp_path):
    one, two = tmp_path / 'one', tmp_path / 'two'
    one.write_bytes(b'a\r\nb')
    two.write_bytes(b'a\nb\n')
    assert list_hash(read_list(str(one))) == list_hash(read_list(str(two)))
    assert list_hash(['a', 'b']) != list_hash(['b', 'a'])


def test_disjoint():
    check_disjoint(labeled=['a'], unlabeled=['b'], val=[])
    with pytest.raises(
        UsageError, match="'b' .and 1 more. is in both the labeled and the val"
    ):
        check_disjoint(
            labeled=['a', 'b', 'c'], unlabeled=['d'], val=['c', 'b']
        )


@pytest.fixture
def cfg():
    return dataset_config('camvid')


def test_roles_in_a_config(cfg):
    assert [role for role, _ in config_datasets(cfg)] == [
        'labeled',
        'labeled',
        'unlabeled',
        'unlabeled',
        'val',
    ]


def test_set_split(cfg, tmp_path):
    (tmp_path / 'labeled.txt').write_text('a\n')
    with pytest.raises(
        UsageError, match='unlabeled.txt: the list does not exist'
    ):
        set_split(cfg.copy(), str(tmp_path))
    (tmp_path / 'unlabeled.txt').write_text('b\n')
    val = dict(cfg.val_dataloader.dataset)
    set_split(cfg, str(tmp_path))
    labeled = [
        cfg.train_dataloader.dataset,
        cfg.semi_dataloader.dataset.labeled,
    ]
    others = [
        cfg.semi_dataloader.dataset.unlabeled.dataset,
        cfg.label_dataloader.dataset.dataset,
    ]
    assert {d.ann_file for d in labeled} == {str(tmp_path / 'labeled.txt')}
    assert {d.ann_file for d in others} == {str(tmp_path / 'unlabeled.txt')}
    assert dict(cfg.val_dataloader.dataset) == val
    assert cfg.split == str(tmp_path)


def test_set_split_below_a_data_root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'labeled.txt').write_text('a\n')
    cfg = Config(
        dict(
            train_dataloader=dict(
                dataset=dict(
                    type='PascalVOCDataset',
                    data_root='elsewhere',
                    ann_file='x.txt',
                )
            )
        )
    )
    set_split(cfg, '.')
    assert cfg.train_dataloader.dataset.ann_file == str(
        tmp_path / 'labeled.txt'
    )
    generated = Config(dict(train_dataloader=dict(dataset=dict(type='X'))))
    with pytest.raises(UsageError, match='reads its images from lists'):
        set_split(generated, '.')


def test_set_data_root(cfg):
    set_data_root(cfg, '/elsewhere/camvid', 'data/camvid')
    for dataset in (
        cfg.train_dataloader.dataset,
        cfg.val_dataloader.dataset,
        cfg.label_dataloader.dataset.dataset,
        cfg.test_dataloader.dataset,
    ):
        for path in [dataset.get('ann_file', '/elsewhere/camvid/')] + list(
            dataset.data_prefix.values()
        ):
            assert path.startswith('/elsewhere/camvid/'), path
            assert not path.startswith('/elsewhere/camvid/data')
