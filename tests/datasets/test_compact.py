"""Compact infos are what mmseg gives, in a tenth of the memory."""

import copy
import pickle

import pytest

from mmsemi.datasets import UnlabeledDataset
from mmsemi.datasets.compact import CompactInfos, build_dataset
from mmsemi.registry import DATASETS

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
    ],
)
def test_infos_are_those_of_mmseg(tmp_path, changes):
    cfg = config(tmp_path, **changes)
    if cfg['data_root'] is None:
        cfg['ann_file'] = str(tmp_path / 'list.txt')
        cfg['data_prefix'] = dict(img_path=str(tmp_path / 'images'))
    plain, compact = DATASETS.build(copy.deepcopy(cfg)), build_dataset(cfg)
    assert isinstance(compact.data_list, CompactInfos)
    assert len(plain) == len(compact) == 4
    for index in (0, 1, 2, 3, -1):
        assert plain.get_data_info(index) == compact.get_data_info(index)
    compact.get_data_info(0)['seg_fields'].append('changed')
    assert compact.get_data_info(0)['seg_fields'] == []
    again = pickle.loads(pickle.dumps(compact))
    assert again.get_data_info(2) == plain.get_data_info(2)


@pytest.mark.parametrize(
    'changes',
    [
        dict(indices=2),
        dict(serialize_data=False),
        dict(ann_file=''),
        dict(type='ListsItself'),
    ],
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
