from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.dataset import pseudo_collate
from mmseg.datasets.transforms import LoadAnnotations

from mmsemi.datasets import PseudoLabelDataset, SemiDataset, UnlabeledDataset
from mmsemi.datasets.unlabeled import only
from mmsemi.pseudo_labels.codes import decode_confidence, encode_confidence
from mmsemi.registry import DATASETS

PACK = dict(type='PackSemiInputs')


def camvid_config(root: Path, pipeline, lines='a\nseq/b\n') -> dict:
    """Two 6x8 images, one in a sub-folder, with masks of class 1 and 2."""
    for k, stem in enumerate(['a', 'seq/b'], start=1):
        for folder, array in (
            ('images', np.full((6, 8, 3), 40 * k)),
            ('annotations', np.full((6, 8), k)),
        ):
            path = root / folder / f'{stem}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), array.astype(np.uint8))
    (root / 'list.txt').write_text(lines)
    return dict(
        type='CamVidDataset',
        img_suffix='.png',
        ann_file=str(root / 'list.txt'),
        data_prefix=dict(
            img_path=str(root / 'images'),
            seg_map_path=str(root / 'annotations'),
        ),
        pipeline=pipeline,
    )


@pytest.fixture
def opened(monkeypatch):
    """Paths given to the file reader of mmseg's loading transforms."""
    import mmengine.fileio as fileio

    paths, get = [], fileio.get

    def recording(path, *args, **kwargs):
        paths.append(str(path))
        return get(path, *args, **kwargs)

    monkeypatch.setattr(fileio, 'get', recording)
    return paths


def test_unlabeled_dataset_opens_no_mask(tmp_path, opened):
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='InitValidMap'),
        dict(type='PadSegFields', size=(8, 8)),
        PACK,
    ]
    data = DATASETS.build(
        dict(
            type='UnlabeledDataset', dataset=camvid_config(tmp_path, pipeline)
        )
    )
    assert isinstance(data, UnlabeledDataset) and len(data) == 2
    assert [data.get_stem(i) for i in range(2)] == ['a', 'seq/b']
    assert 'seg_map_path' not in data.get_data_info(0)
    sample = data[1]['data_samples']
    assert not any('annotations' in path for path in opened)
    assert 'seg_map_path' not in sample.metainfo
    valid = sample.gt_sem_seg.data[0]
    assert (valid[:6] == 0).all() and (valid[6:] == 255).all()
    # A pipeline that wants the mask cannot have it.
    data.pipeline.transforms[1] = LoadAnnotations()
    with pytest.raises(KeyError, match='seg_map_path'):
        data[0]


def test_dropped_image_is_an_error(tmp_path):
    data = UnlabeledDataset(camvid_config(tmp_path, []))
    data.pipeline.transforms = [lambda info: None]
    with pytest.raises(RuntimeError, match='b.png: the pipeline dropped'):
        data[1]


def test_audit_reads_the_mask_for_reports(tmp_path):
    config = camvid_config(tmp_path, [])
    data = UnlabeledDataset(config)
    assert (data.audit_map(1) == 2).all()
    (tmp_path / 'annotations/a.png').unlink()
    assert data.audit_path(0) is None and data.audit_map(0) is None
    mapped = UnlabeledDataset(
        config,
        audit_pipeline=[
            dict(type='LoadAnnotations'),
            dict(type='MapLabels', table=[255, 255, 7]),
        ],
    )
    assert (mapped.audit_map(1) == 7).all()
    config['data_prefix'].pop('seg_map_path')
    assert UnlabeledDataset(config).audit_path(1) is None


def store(folder: Path, stem: str, confidence=True) -> None:
    for kind, array in (
        ('labels', np.full((6, 8), 3, np.uint8)),
        ('confidence', encode_confidence(np.full((6, 8), 0.75, np.float32))),
    ):
        if kind == 'labels' or confidence:
            path = folder / kind / f'{stem}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), array)


def pseudo_pipeline(**kwargs):
    return [
        dict(type='LoadImageFromFile'),
        dict(type='LoadPseudoLabel', **kwargs),
        dict(type='RandomFlip', prob=1.0),
        dict(type='PadSegFields', size=(8, 8)),
        dict(type='MultiBranch', pseudo=PACK),
    ]


def test_pseudo_labels_and_confidence(tmp_path, opened):
    config = camvid_config(tmp_path, pseudo_pipeline())
    data = DATASETS.build(dict(type='PseudoLabelDataset', dataset=config))
    assert isinstance(data, PseudoLabelDataset)
    with pytest.raises(RuntimeError, match='pseudo_label_dir'):
        data[0]
    data.pseudo_label_dir = str(tmp_path / 'round_1')
    with pytest.raises(FileNotFoundError, match='seq/b.png'):
        data[1]
    store(tmp_path / 'round_1', 'seq/b')
    item = data[1]
    assert list(item['inputs']) == ['pseudo']
    sample = item['data_samples']['pseudo']
    assert sample.is_pseudo
    assert (sample.gt_sem_seg.data[0, :6] == 3).all()
    assert (sample.gt_sem_seg.data[0, 6:] == 255).all()
    confidence = sample.gt_confidence.data
    expected = decode_confidence(encode_confidence(np.float32([0.75])))[0]
    assert confidence.shape == (1, 8, 8)
    assert (confidence[0, :6] == float(expected)).all()
    assert (confidence[0, 6:] == 0).all()
    assert not any('annotations' in path for path in opened)


def test_confidence_wanted_or_not(tmp_path):
    store(tmp_path / 'r', 'a', confidence=False)

    def sample(**kwargs):
        config = camvid_config(tmp_path, pseudo_pipeline(**kwargs))
        data = PseudoLabelDataset(config, str(tmp_path / 'r'))
        return data[0]['data_samples']['pseudo']

    assert 'gt_confidence' not in sample()
    with pytest.raises(FileNotFoundError, match='confidence/a.png'):
        sample(with_confidence=True)
    store(tmp_path / 'r', 'a')
    assert 'gt_confidence' in sample()
    assert 'gt_confidence' not in sample(with_confidence=False)


def test_pseudo_label_of_another_size_or_kind(tmp_path):
    (tmp_path / 'r/labels').mkdir(parents=True)
    path = str(tmp_path / 'r/labels/a.png')
    cv2.imwrite(path, np.zeros((3, 4), np.uint8))
    config = camvid_config(tmp_path, pseudo_pipeline())
    with pytest.raises(ValueError, match='4x3 for an image of 8x6'):
        PseudoLabelDataset(config, str(tmp_path / 'r'))[0]
    config['pipeline'] = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadPseudoLabel', match_image=False),
        dict(type='TorchResize', scale=(5, 7)),
        PACK,
    ]
    sample = PseudoLabelDataset(config, str(tmp_path / 'r'))[0]['data_samples']
    assert sample.gt_sem_seg.shape == (7, 5)
    cv2.imwrite(path, np.zeros((6, 8, 3), np.uint8))
    with pytest.raises(ValueError, match='one channel of uint8'):
        PseudoLabelDataset(config, str(tmp_path / 'r'))[0]


def test_semi_dataset_order_and_collation(tmp_path):
    store(tmp_path / 'r', 'a')
    store(tmp_path / 'r', 'seq/b')
    labeled = camvid_config(
        tmp_path / 'l',
        [
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(type='MultiBranch', sup=PACK),
        ],
    )
    other = camvid_config(tmp_path / 'u', pseudo_pipeline())
    data = DATASETS.build(
        dict(
            type='SemiDataset',
            labeled=labeled,
            unlabeled=dict(
                type='PseudoLabelDataset',
                dataset=other,
                pseudo_label_dir=str(tmp_path / 'r'),
            ),
        )
    )
    assert isinstance(data, SemiDataset)
    assert data.cumulative_sizes == [2, 4] and len(data) == 4
    assert data.metainfo['classes'][0] == 'sky'
    assert data.get_data_info(3)['is_pseudo']
    assert 'is_pseudo' not in data.get_data_info(1)
    batch = pseudo_collate([data[0], data[3]])
    assert batch['inputs']['sup'][0].shape == (3, 6, 8)
    assert batch['inputs']['sup'][1] is None
    assert batch['inputs']['pseudo'][0] is None
    assert batch['data_samples']['pseudo'][1].is_pseudo


def test_semi_dataset_with_different_classes(tmp_path):
    config = camvid_config(tmp_path, [])
    other = dict(config, metainfo=dict(classes=('sky', 'road')))
    with pytest.raises(ValueError, match='different classes'):
        SemiDataset(config, other)


@pytest.mark.parametrize('kind', ['joined', 'repeated'])
def test_joined_and_repeated_sets_without_masks(tmp_path, kind, opened):
    load = dict(type='LoadImageFromFile')
    one = camvid_config(tmp_path / 'one', [load, PACK])
    two = camvid_config(
        tmp_path / 'two',
        [load, dict(type='RandomFlip', prob=1.0), PACK],
        lines='seq/b\n',
    )
    config = dict(
        joined=dict(type='ConcatDataset', datasets=[one, two]),
        repeated=dict(type='RepeatDataset', dataset=one, times=2),
    )[kind]
    stems = dict(
        joined=['a', 'seq/b', 'seq/b'], repeated=['a', 'seq/b', 'a', 'seq/b']
    )[kind]
    dataset = UnlabeledDataset(config)
    assert list(dataset.stems()) == stems
    assert [dataset.get_stem(k) for k in range(len(dataset))] == stems
    samples = [dataset[k]['data_samples'] for k in range(len(dataset))]
    # Each goes through the pipeline of its own set.
    flips = [sample.get('flip', False) for sample in samples]
    assert flips == [False, False, kind == 'joined', False][: len(stems)]
    assert not any('gt_sem_seg' in sample for sample in samples)
    assert not any('annotations' in path for path in opened)
    assert (dataset.audit_map(2) == (2 if kind == 'joined' else 1)).all()
    pseudo = PseudoLabelDataset(config, str(tmp_path / 'labels'))
    names = [pseudo.get_data_info(k)['seg_map_path'] for k in range(3)]
    assert names[1] == str(tmp_path / 'labels/labels/seq/b.png')


def test_a_run_on_joined_sets(tmp_path):
    """Branches of the items are found in the parts."""
    views = dict(
        type='MultiBranch', unsup_teacher=[PACK], unsup_student=[PACK]
    )
    load = dict(type='LoadImageFromFile')
    labels = dict(type='LoadAnnotations')
    unlabeled = [
        camvid_config(
            tmp_path / name, [load, dict(type='InitValidMap'), views]
        )
        for name in ('one', 'two')
    ]
    dataset = SemiDataset(
        camvid_config(
            tmp_path / 'one',
            [load, labels, dict(type='MultiBranch', sup=[PACK])],
        ),
        dict(
            type='UnlabeledDataset',
            dataset=dict(type='ConcatDataset', datasets=unlabeled),
        ),
    )
    assert dataset.branches == ['sup', 'unsup_teacher', 'unsup_student']
    batch = pseudo_collate([dataset[k] for k in range(len(dataset))])
    given = [image is not None for image in batch['inputs']['unsup_student']]
    assert given == [False] * 2 + [True] * 4


@pytest.mark.parametrize(
    'before, chosen', [(None, [1, 0]), (2, [1, 0]), ([1, 0], [0, 1])]
)
def test_some_images_in_an_order(tmp_path, before, chosen) -> None:
    """Numbers are those of the images that the config chose before."""
    inner = camvid_config(tmp_path, [dict(type='LoadImageFromFile'), PACK])
    if before is not None:
        inner['indices'] = before
    config = dict(type='UnlabeledDataset', dataset=inner)
    dataset = DATASETS.build(only(config, np.array(chosen)))
    assert list(dataset.stems()) == ['seq/b', 'a']
    assert list(DATASETS.build(only(config, chosen[:1])).stems()) == ['seq/b']
    assert inner.get('indices') == before


def test_two_streams_of_one_image(tmp_path) -> None:
    """Each with its own crop; views of a stream share theirs."""
    pack = [PACK]

    def stream(name):
        views = {f'{name}_teacher': pack, f'{name}_student': pack}
        return [
            dict(type='RandomCrop', crop_size=(4, 5)),
            dict(type='MultiBranch', **views),
        ]

    start = [dict(type='LoadImageFromFile'), dict(type='InitValidMap')]
    streams = dict(type='MultiStream', streams=[stream('a'), stream('b')])
    config = camvid_config(tmp_path, start + [streams])
    dataset = UnlabeledDataset(config)
    labeled = camvid_config(
        tmp_path,
        [
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(type='MultiBranch', sup=pack),
        ],
    )
    rows = np.arange(48, dtype=np.uint8).reshape(6, 8, 1).repeat(3, 2)
    cv2.imwrite(str(tmp_path / 'images/a.png'), rows)
    names = ['a_teacher', 'a_student', 'b_teacher', 'b_student']
    both = SemiDataset(labeled, dataset)
    assert both.branches == ['sup', *names]
    np.random.seed(0)
    differ = 0
    for _ in range(8):
        inputs = both[2]['inputs']
        assert inputs['sup'] is None
        assert (inputs['a_teacher'] == inputs['a_student']).all()
        assert (inputs['b_teacher'] == inputs['b_student']).all()
        differ += (inputs['a_teacher'] != inputs['b_teacher']).any().item()
    assert differ >= 6
    twice = dict(type='MultiStream', streams=[stream('a'), stream('a')])
    with pytest.raises(ValueError, match='two streams make a_'):
        UnlabeledDataset(camvid_config(tmp_path, start + [twice]))
