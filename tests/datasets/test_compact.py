"""Compact infos are what mmseg gives, in a tenth of the memory."""

import copy
import pickle

import pytest

from mmsemi.datasets import UnlabeledDataset, names
from mmsemi.datasets.compact import CompactInfos, build_dataset
from mmsemi.datasets.lists import parse, read_names
from mmsemi.datasets.names import Names
from mmsemi.registry import DATASETS
from mmsemi.utils.errors import UsageError

NAMES = ['a/1', 'a/2', 'b/ä 3', 'deep/er/4']


def config(tmp_path, **changes):
    for name in ('images', 'masks'):
        (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / 'list.txt').write_text('\n'.join(NAMES) + '\n\n')
    data = dict(
        type='BaseSegDataset',
        data_root=str(tmp_path),
        ann_file='list.txt',
        data_prefix=dict(img_path='images', seg_map_path='masks'),
        img_suffix='_img.png',
        seg_map_suffix='_ids.png',
        metainfo=dict(classes=('x', 'y')),
        reduce_zero_label=True,
        pipeline=[],
    )
    return dict(data, **changes)


@pytest.mark.parametrize(
    'changes',
    [
        dict(),
        dict(data_prefix=dict(img_path='images')),
        dict(data_root=None, ann_file=None),
        dict(metainfo=None, type='CityscapesDataset'),
        dict(indices=2),
        dict(indices=-3),
        dict(indices=[3, 0, 0, 2]),
        dict(ann_file=''),
        dict(ann_file='', indices=[1, 0]),
        dict(ann_file='', data_prefix=dict(img_path='images')),
    ],
)
def test_infos_are_those_of_mmseg(tmp_path, changes):
    cfg = config(tmp_path, **changes)
    if cfg['data_root'] is None:
        cfg['ann_file'] = str(tmp_path / 'list.txt')
        cfg['data_prefix'] = dict(img_path=str(tmp_path / 'images'))
    # As names, '.' and '/' are not in the order that paths have.
    for name in ('a', 'a-b', 'a/c', 'b'):
        path = tmp_path / f'images/{name}_img.png'
        path.parent.mkdir(exist_ok=True)
        path.touch()
    plain, compact = DATASETS.build(copy.deepcopy(cfg)), build_dataset(cfg)
    assert isinstance(compact.data_list, CompactInfos)
    assert len(plain) == len(compact) > 1
    for index in (*range(len(plain)), -1):
        assert plain.get_data_info(index) == compact.get_data_info(index)
    compact.get_data_info(0)['seg_fields'].append('changed')
    assert compact.get_data_info(0)['seg_fields'] == []
    again = pickle.loads(pickle.dumps(compact))
    assert again.get_data_info(1) == plain.get_data_info(1)


@pytest.mark.parametrize(
    'changes', [dict(serialize_data=False), dict(type='ListsItself')]
)
def test_others_are_built_as_they_are(tmp_path, changes):
    @DATASETS.register_module(force=True)
    class ListsItself(DATASETS.get('BaseSegDataset')):
        def load_data_list(self):
            return [dict(img_path='other', seg_fields=[])]

    cfg = config(tmp_path, **changes)
    (tmp_path / 'images/1_img.png').touch()
    dataset, plain = build_dataset(cfg), DATASETS.build(copy.deepcopy(cfg))
    assert len(dataset) == len(plain) > 0
    assert not isinstance(dataset.data_list, CompactInfos)
    assert dataset.get_data_info(0) == plain.get_data_info(0)


def test_slices(tmp_path):
    infos = build_dataset(config(tmp_path)).data_list
    part = infos[1:3]
    assert list(part) == [infos[1], infos[2]] and len(part) == 2
    with pytest.raises(IndexError):
        infos[4]


def test_stems_are_those_of_each_image(tmp_path):
    for changes in (dict(), dict(ann_file='')):
        cfg = config(tmp_path, **changes)
        (tmp_path / 'images/1_img.png').touch()
        dataset = UnlabeledDataset(cfg)
        stems = [dataset.get_stem(k) for k in range(len(dataset))]
        assert list(dataset.stems()) == stems
        assert stems == (['1'] if changes else NAMES)


def test_memory_is_that_of_the_names(tmp_path):
    cfg = config(tmp_path)
    names = [f'city_{k:05d}/frame' for k in range(2000)]
    (tmp_path / 'list.txt').write_text('\n'.join(names))
    infos = build_dataset(cfg).data_list
    held = infos.names.text.nbytes + infos.names.ends.nbytes
    assert held == sum(len(name) + 1 for name in names) + 8 * 2000


def test_joined_sets_are_compact(tmp_path):
    cfg = config(tmp_path)
    joined = build_dataset(
        dict(type='ConcatDataset', datasets=[cfg, dict(cfg, indices=2)])
    )
    assert len(joined) == 6
    for part in joined.datasets:
        assert isinstance(part.data_list, CompactInfos)
    assert joined.get_data_info(5) == joined.get_data_info(1)


@pytest.mark.parametrize('number', [0, 1, 3, 4, 5, 9])
def test_names_in_pieces(number, monkeypatch):
    monkeypatch.setattr(names, 'PIECE', 4)
    given = [f'ä {k}' for k in range(number)]
    held = Names(iter(given))
    assert list(held) == held.all() == given and len(held) == number
    assert list(Names(held.text.tobytes())) == given
    for part in (slice(1, 3), slice(2, None), slice(-2, None), slice(3, 1)):
        assert list(held[part]) == given[part]
    assert list(held[::2]) == given[::2]


def test_a_line_break_in_a_name():
    with pytest.raises(UsageError, match=r'b.nc.*holds a line break'):
        Names(['a', 'b\nc'])


@pytest.mark.parametrize(
    'text',
    [
        'a\nb c\nd/e\n',
        'a\nb c\nd/e',
        'a \nb c\n\n d/e\n',
        'a\n.//b c\nd/./e\n',
        '\na\r\nb c\r\nd\\e ',
        'a\n\tb c\nd/e\x0c',
        ' a\nb c\nd/e',
    ],
)
def test_plain_lists_are_read_as_all_others(tmp_path, text):
    """Names that are lines as they stand are not taken apart."""
    path = tmp_path / 'list.txt'
    path.write_bytes(text.encode())
    found = list(read_names(str(path)))
    assert found == parse(str(path)) == ['a', 'b c', 'd/e']
