import os
import shutil

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmsemi.datasets.splits import list_hash, set_data_root
from mmsemi.doctor import masks
from mmsemi.doctor.data import check_data
from mmsemi.doctor.lists import collect
from mmsemi.utils.errors import UsageError
from tests.configs import dataset_config


def leaf(root, name, folder='train', **kwargs):
    return dict(
        type='CamVidDataset',
        img_suffix='.png',
        ann_file=f'{root}/{name}.txt',
        data_prefix=dict(
            img_path=f'{root}/images/{folder}',
            seg_map_path=f'{root}/masks/{folder}',
        ),
        pipeline=[dict(type='LoadImageFromFile')],
        **kwargs,
    )


@pytest.fixture
def root(tmp_path):
    """Four training images (two labeled, with masks) and one for val."""
    rng = np.random.default_rng(0)
    for folder, stem in [
        ('train', 'a'),
        ('train', 'b'),
        ('train', 'c'),
        ('train', 'd'),
        ('val', 'v'),
    ]:
        for kind in ('images', 'masks'):
            (tmp_path / kind / folder).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(
            str(tmp_path / f'images/{folder}/{stem}.png'),
            rng.integers(0, 255, (5, 7, 3)).astype(np.uint8),
        )
        mask = rng.integers(0, 11, (5, 7)).astype(np.uint8)
        mask[0] = 255
        if stem not in 'cd':
            cv2.imwrite(str(tmp_path / f'masks/{folder}/{stem}.png'), mask)
    (tmp_path / 'labeled.txt').write_text('a\nb\n')
    (tmp_path / 'unlabeled.txt').write_text('c\nd\n')
    (tmp_path / 'val.txt').write_text('v\n')
    return tmp_path


@pytest.fixture
def cfg(root):
    unlabeled = leaf(root, 'unlabeled')
    return Config(
        dict(
            train_dataloader=dict(dataset=leaf(root, 'labeled')),
            semi_dataloader=dict(
                dataset=dict(
                    type='SemiDataset',
                    labeled=leaf(root, 'labeled'),
                    unlabeled=dict(
                        type='PseudoLabelDataset', dataset=unlabeled
                    ),
                )
            ),
            label_dataloader=dict(
                dataset=dict(type='UnlabeledDataset', dataset=unlabeled)
            ),
            val_dataloader=dict(dataset=leaf(root, 'val', 'val')),
        )
    )


def write_mask(root, name, array):
    cv2.imwrite(str(root / f'masks/{name}.png'), np.array(array))


def test_good_data(cfg):
    messages = check_data(cfg)
    assert [line.split(',')[0] for line in messages[:3]] == [
        'labeled: 2 images',
        'unlabeled: 2 images',
        'val: 1 image',
    ]
    digest = list_hash(['a', 'b'])[:12]
    assert messages[0].endswith(f'labeled.txt, sha256 {digest}')


def test_no_mask_of_an_unlabeled_image_is_opened(cfg, root, monkeypatch):
    write_mask(root, 'train/c', np.full((2, 2), 77, np.uint8))
    opened, original = [], masks.Image.open
    monkeypatch.setattr(
        masks.Image, 'open', lambda path: opened.append(path) or original(path)
    )
    check_data(cfg)
    assert sorted({os.path.basename(p) for p in opened}) == [
        'a.png',
        'b.png',
        'v.png',
    ]


def broken_value(root):
    mask = np.full((5, 7), 255, np.uint8)
    mask[:2, :2] = 13
    write_mask(root, 'train/b', mask)


def broken_channels(root):
    write_mask(root, 'val/v', np.zeros((5, 7, 3), np.uint8))


def broken_size(root):
    write_mask(root, 'train/a', np.zeros((7, 5), np.uint8))


def broken_sixteen_bits(root):
    write_mask(root, 'train/a', np.full((5, 7), 300, np.uint16))


def broken_file(root):
    (root / 'masks/train/a.png').write_bytes(b'no image')


def one_class(root):
    for name in 'ab':
        write_mask(root, f'train/{name}', np.full((5, 7), 3, np.uint8))


def all_ignored(root):
    for name in 'ab':
        write_mask(root, f'train/{name}', np.full((5, 7), 255, np.uint8))


@pytest.mark.parametrize(
    'spoil, words',
    [
        (
            lambda r: (r / 'masks/train/b.png').unlink(),
            [
                'masks/train/b.png',
                'labeled mask',
                'labeled.txt',
                'Put it there',
            ],
        ),
        (
            lambda r: (r / 'images/train/d.png').unlink(),
            ['images/train/d.png', 'unlabeled image', 'unlabeled.txt'],
        ),
        (
            lambda r: shutil.rmtree(r / 'images/val'),
            ['images/val', 'no such folder', 'data_root'],
        ),
        (
            lambda r: (r / 'labeled.txt').unlink(),
            ['labeled.txt', 'mmsemi splits'],
        ),
        (
            lambda r: (r / 'unlabeled.txt').write_text(''),
            ['unlabeled', 'empty'],
        ),
        (
            lambda r: (r / 'labeled.txt').write_text('a\nb\na\n'),
            ["labeled.txt: 'a' is listed twice"],
        ),
        (
            lambda r: (r / 'unlabeled.txt').write_text('b\nc\n'),
            [
                'train/b.png',
                'the labeled (',
                'the unlabeled (',
                'unlabeled.txt',
                ') images. Remove',
            ],
        ),
        (broken_value, ['train/b.png', '4 pixels have the value 13', '0..10']),
        (broken_sixteen_bits, ['train/a.png', 'value 300']),
        (broken_channels, ['val/v.png', '3 channels']),
        (broken_size, ['train/a.png', '5x7', '7x5']),
        (broken_file, ['train/a.png', 'cannot be read']),
        (one_class, ['labeled.txt', 'only road', '2 classes']),
        (all_ignored, ['labeled.txt', 'no class']),
    ],
)
def test_one_clear_error(cfg, root, spoil, words):
    spoil(root)
    with pytest.raises(UsageError) as error:
        check_data(cfg)
    assert all(word in str(error.value) for word in words), error.value
    assert '\n' not in str(error.value)


def test_heads_with_another_number_of_classes(cfg):
    cfg.model = dict(
        student=dict(
            decode_head=dict(num_classes=11),
            auxiliary_head=[dict(num_classes=11), dict(num_classes=5)],
        )
    )
    with pytest.raises(
        UsageError,
        match='auxiliary_head.num_classes=5, but '
        '.*labeled.txt.* have 11 classes',
    ):
        check_data(cfg)
    cfg.model.student.auxiliary_head = dict(type='STDCHead', num_classes=2)
    check_data(cfg)


def test_overlap_with_val(cfg, root):
    cfg.val_dataloader.dataset = leaf(root, 'val')
    (root / 'val.txt').write_text('b\n')
    with pytest.raises(UsageError, match='b.png. is in both .*val'):
        check_data(cfg)


def test_labeled_set_without_mask_folder(cfg):
    del cfg.train_dataloader.dataset.data_prefix['seg_map_path']
    with pytest.raises(UsageError, match='have no masks.*seg_map_path'):
        check_data(cfg)


def test_ids_are_mapped_as_loading_does(cfg, root):
    write_mask(root, 'train/a', np.full((5, 7), 33, np.uint8))
    with pytest.raises(UsageError, match='value 33'):
        check_data(cfg)
    for key in ('train_dataloader', 'semi_dataloader'):
        dataset = cfg[key].dataset
        dataset = dataset.get('labeled', dataset)
        dataset.pipeline = [
            dict(type='LoadAnnotations'),
            dict(type='MapLabels', table=[1, 2] * 17),
        ]
    assert check_data(cfg)[3].startswith('labeled: no pixel of sky, road')
    write_mask(root, 'train/a', np.full((5, 7), 11, np.uint8))
    for dataset in (
        cfg.train_dataloader.dataset,
        cfg.semi_dataloader.dataset.labeled,
    ):
        dataset.pipeline = []
        dataset.reduce_zero_label = True
    check_data(cfg)


def test_absent_classes_are_reported(cfg, root):
    write_mask(root, 'train/a', np.full((5, 7), 0, np.uint8))
    write_mask(root, 'train/b', np.full((5, 7), 3, np.uint8))
    lines = check_data(cfg)[3:]
    assert lines[0].startswith('labeled: no pixel of building, ')
    assert lines[1].startswith('val: no pixel of ')


def test_unchanged_data_are_not_read_again(cfg, root, monkeypatch):
    work_dir = str(root / 'work')
    first = check_data(cfg, work_dir)
    monkeypatch.setattr(masks.Image, 'open', None)
    assert check_data(cfg, work_dir) == first
    monkeypatch.undo()
    broken_value(root)
    os.utime(root / 'masks/train/b.png', (1, 1))
    with pytest.raises(UsageError, match='value 13'):
        check_data(cfg, work_dir)
    (root / 'work/data_check.json').write_text('{"half')
    with pytest.raises(UsageError, match='value 13'):
        check_data(cfg, work_dir)


def test_voc_remedies(root):
    for folder in (
        'JPEGImages',
        'SegmentationClassAug',
        'ImageSets/Segmentation',
    ):
        (root / folder).mkdir(parents=True)
    (root / 'ImageSets/Segmentation/train.txt').write_text('a\n')
    cv2.imwrite(str(root / 'JPEGImages/a.jpg'), np.zeros((4, 4, 3), np.uint8))
    dataset = dict(
        type='PascalVOCDataset',
        data_root=str(root),
        ann_file='ImageSets/Segmentation/train.txt',
        data_prefix=dict(
            img_path='JPEGImages', seg_map_path='SegmentationClassAug'
        ),
    )
    cfg = Config(dict(train_dataloader=dict(dataset=dataset)))
    with pytest.raises(UsageError, match='copy SegmentationClass/'):
        check_data(cfg)
    cfg.train_dataloader.dataset.ann_file = 'ImageSets/Segmentation/aug.txt'
    with pytest.raises(UsageError, match=r'mmsemi splits voc .*--aug'):
        check_data(cfg)


def test_camvid(data_dir):
    cfg = dataset_config('camvid')
    set_data_root(cfg, str(data_dir / 'camvid'), 'data/camvid')
    messages = check_data(cfg)
    assert [line.split(',')[0] for line in messages] == [
        'labeled: 23 images',
        'unlabeled: 344 images',
        'val: 233 images',
    ]


def test_plain_training_ignores_unlabeled_lists(data_dir, monkeypatch):
    """All labels overlap the unlabeled list, which nothing reads."""
    monkeypatch.chdir(data_dir.parent)
    cfg = dataset_config('camvid', split='all')
    cfg.label_dataloader.dataset.dataset.ann_file = (
        'data/camvid/splits/1_16/seed0/unlabeled.txt'
    )
    cfg.train_cfg = dict(type='IterBasedTrainLoop')
    roles = [images.role for images in collect(cfg)]
    assert roles == ['labeled', 'val']
    cfg.train_cfg = dict(type='SelfTrainingLoop')
    roles = [images.role for images in collect(cfg)]
    assert 'unlabeled' in roles


# Classes without annotation.
ZERO = dict(classes=['sky', 'road', 'car'], num_seen=2)
HIDE = dict(type='MapZeroLabels', file_classes=['sky', 'road', 'car'], **ZERO)


def zero_label_config(root, *steps):
    part = leaf(root, 'labeled', metainfo=ZERO)
    part.update(type='BaseSegDataset')
    part['pipeline'] += [dict(type='LoadAnnotations'), *steps]
    for name in 'ab':
        write_mask(
            root,
            f'train/{name}',
            np.tile(np.uint8([0, 1, 2, 2, 255, 0, 1]), (5, 1)),
        )
    return Config(dict(train_dataloader=dict(dataset=part)))


def test_unlabeled_pixels_are_accepted_where_they_are_mapped(root):
    messages = check_data(zero_label_config(root, HIDE))
    # Absent is what was to be there; the unseen class was not.
    assert not any('no pixel' in line for line in messages)
    merged = dict(HIDE, merge_ignore=True)
    assert check_data(zero_label_config(root, merged))


def test_unseen_class_in_training_labels_is_refused(root):
    with pytest.raises(UsageError, match="10 pixels of 'car'.*MapZeroLabels"):
        check_data(zero_label_config(root))
    # Validation needs them.
    cfg = zero_label_config(root)
    check_data(Config(dict(val_dataloader=cfg.train_dataloader)))


def test_mapping_of_every_loader_is_looked_at(root):
    """Round 0 hides the unseen class, later rounds forgot to."""
    cfg = zero_label_config(root, HIDE)
    cfg.semi_dataloader = zero_label_config(root).train_dataloader
    with pytest.raises(UsageError, match="pixels of 'car'.*MapZeroLabels"):
        check_data(cfg)
    # Another augmentation is no other list.
    cfg.semi_dataloader = zero_label_config(
        root, dict(type='RandomFlip', prob=0.9), HIDE
    ).train_dataloader
    assert len(collect(cfg)) == 1


def test_classes_have_one_order_everywhere(root):
    head = dict(type='SemanticEmbeddingHead', **ZERO)
    cfg = zero_label_config(root, HIDE)
    cfg.model = dict(type='SPNet', student=dict(decode_head=head))
    check_data(cfg)
    for change in (dict(classes=['road', 'sky', 'car']), dict(num_seen=1)):
        word = next(iter(change))
        cfg.model.student.decode_head = dict(head, **change)
        with pytest.raises(UsageError, match=f'EmbeddingHead has.*{word}'):
            check_data(cfg)
        with pytest.raises(UsageError, match=f'MapZeroLabels has.*{word}'):
            check_data(zero_label_config(root, dict(HIDE, **change)))


def test_254_is_no_label_without_the_mapping(root, cfg):
    write_mask(root, 'train/a', np.full((5, 7), 254, np.uint8))
    with pytest.raises(UsageError, match='value 254'):
        check_data(cfg)


def test_two_classes_of_one_name(cfg):
    dataset = cfg.train_dataloader.dataset
    dataset.type = 'BaseSegDataset'
    dataset.metainfo = dict(classes=('a', 'b', 'a'), palette=[[0, 0, 0]] * 3)
    with pytest.raises(UsageError, match="two classes .* called 'a'"):
        check_data(cfg)


@pytest.mark.parametrize('link', [os.symlink, os.link])
def test_one_image_under_two_names(root, cfg, link):
    """In lists for different purposes it is refused, in one it is said."""
    check_data(cfg)
    images, masks = root / 'images', root / 'masks'
    link(images / 'train/a.png', images / 'train/e.png')
    (root / 'unlabeled.txt').write_text('c\nd\ne\n')
    with pytest.raises(
        UsageError, match=r'a\.png, of the lab.*e\.png, of.*one'
    ):
        check_data(cfg)
    (root / 'unlabeled.txt').write_text('c\nd\n')
    link(images / 'train/c.png', images / 'val/w.png')
    shutil.copy(masks / 'val/v.png', masks / 'val/w.png')
    (root / 'val.txt').write_text('v\nw\n')
    with pytest.raises(
        UsageError, match=r'w\.png, of the val .* are one file'
    ):
        check_data(cfg)
    (root / 'val.txt').write_text('v\n')
    link(images / 'train/c.png', images / 'train/f.png')
    (root / 'unlabeled.txt').write_text('c\nd\nf\n')
    assert any('c.png and' in line for line in check_data(cfg))
    link(masks / 'train/a.png', masks / 'train/e.png')
    (root / 'labeled.txt').write_text('a\ne\n')
    notes = [line for line in check_data(cfg) if 'are one file' in line]
    assert len(notes) == 2 and 'a.png and ' in notes[0]


def test_long_lists_are_not_looked_at_file_by_file(root, cfg, monkeypatch):
    os.link(root / 'images/train/a.png', root / 'images/train/e.png')
    (root / 'unlabeled.txt').write_text('c\nd\ne\n')
    monkeypatch.setattr('mmsemi.doctor.same_files.MOST', 2)
    check_data(cfg)


def test_an_image_to_learn_from_and_to_validate_on(root, cfg):
    cfg.val_dataloader.dataset.ann_file = f'{root}/val.txt'
    cfg.val_dataloader.dataset.data_prefix = dict(
        img_path=f'{root}/images/train', seg_map_path=f'{root}/masks/train'
    )
    (root / 'val.txt').write_text('a\n')
    with pytest.raises(
        UsageError, match="a.png' is in both the labeled .*val"
    ):
        check_data(cfg)


def test_masks_of_one_bit_hold_ids(tmp_path) -> None:
    """A table of ids that is indexed by them gives ids, not a choice."""
    path = str(tmp_path / 'mask.png')
    Image.new('1', (4, 3), 1).save(path)
    table = np.arange(256) + 1
    assert (table[masks.read_mask(path, {})] == np.full((3, 4), 2)).all()
