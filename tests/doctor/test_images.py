import io
import os
import struct
import time

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from mmsemi.apis.pictures import photo_of
from mmsemi.doctor.data import check_data
from mmsemi.doctor.images import deep_images, is_deep
from mmsemi.engine.hooks.class_frequency_hook import count_classes
from mmsemi.registry import DATASETS, TRANSFORMS
from mmsemi.utils.errors import UsageError

STEP = dict(type='LoadImageFromFile')
FORMATS = ('JPEG', 'PNG', 'BMP', 'TIFF', 'WEBP')


def encoded(kind, size=(64, 48), mode='RGB'):
    noise = np.random.default_rng(0).integers(0, 255, (*size, 3))
    stream = io.BytesIO()
    image = Image.fromarray(noise.astype(np.uint8)).convert(mode)
    image.save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize('mode', ['RGB', 'L', 'P'])
@pytest.mark.parametrize('kind', FORMATS)
def test_whole_files_are_accepted(tmp_path, kind, mode):
    if kind == 'JPEG' and mode == 'P' or kind == 'WEBP' and mode != 'RGB':
        pytest.skip('no such file')
    path = tmp_path / 'x'
    path.write_bytes(encoded(kind, mode=mode))
    assert is_deep(str(path), STEP) is False


DAMAGES = {
    'half': lambda b: b[: len(b) // 2],
    'all but the end': lambda b: b[:-40],
    'head only': lambda b: b[:40],
    'empty': lambda b: b'',
    'page': lambda b: b'<!DOCTYPE html><html>404</html>',
    'noise': lambda b: np.random.default_rng(1).bytes(len(b)),
    'zeros': lambda b: bytes(len(b)),
}


@pytest.mark.parametrize('damage', DAMAGES)
@pytest.mark.parametrize('kind', FORMATS)
def test_damaged_files_are_refused(tmp_path, kind, damage):
    path = tmp_path / 'x.jpg'
    path.write_bytes(DAMAGES[damage](encoded(kind)))
    with pytest.raises(UsageError, match='x.jpg: image cannot be read') as e:
        is_deep(str(path), STEP)
    assert '\n' not in str(e.value)


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP', 'BMP'])
def test_bytes_behind_the_image_do_no_harm(tmp_path, kind):
    path = tmp_path / 'x'
    path.write_bytes(encoded(kind) + b'camera maker')
    assert is_deep(str(path), STEP) is False


@pytest.fixture
def data(tmp_path):
    """A labeled, an unlabeled and a validation image, in their order."""
    cfg = {}
    for k, role in enumerate(('labeled', 'unlabeled', 'val')):
        (tmp_path / 'images').mkdir(exist_ok=True)
        (tmp_path / 'masks').mkdir(exist_ok=True)
        (tmp_path / f'images/{role}.png').write_bytes(encoded('PNG'))
        mask = np.zeros((64, 48), np.uint8)
        mask[k : k + 9] = 1
        cv2.imwrite(str(tmp_path / f'masks/{role}.png'), mask)
        (tmp_path / f'{role}.txt').write_text(f'{role}\n')
        cfg[role] = dict(
            type='BaseSegDataset',
            metainfo=dict(classes=('no', 'yes')),
            img_suffix='.png',
            ann_file=f'{tmp_path}/{role}.txt',
            data_prefix=dict(
                img_path=f'{tmp_path}/images', seg_map_path=f'{tmp_path}/masks'
            ),
            pipeline=[dict(STEP), dict(type='LoadAnnotations')],
        )
    semi = dict(
        type='SemiDataset',
        labeled=cfg['labeled'],
        unlabeled=dict(type='UnlabeledDataset', dataset=cfg['unlabeled']),
    )
    return tmp_path, Config(
        dict(
            train_dataloader=dict(dataset=semi),
            val_dataloader=dict(dataset=cfg['val']),
            test_dataloader=dict(dataset=cfg['val']),
        )
    )


def leaves(cfg):
    semi = cfg.train_dataloader.dataset
    return [
        semi.labeled,
        semi.unlabeled.dataset,
        cfg.val_dataloader.dataset,
        cfg.test_dataloader.dataset,
    ]


@pytest.mark.parametrize('role', ['labeled', 'unlabeled', 'val'])
@pytest.mark.parametrize('damage', ['half', 'empty', 'page'])
def test_a_damaged_image_of_any_list_is_found(data, role, damage):
    root, cfg = data
    check_data(cfg)
    path = root / f'images/{role}.png'
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(UsageError, match=f'images/{role}.png: image cannot'):
        check_data(cfg)


@pytest.mark.parametrize('content', [b'', b'no image', None])
def test_a_test_looks_at_its_own_data(data, content):
    root, cfg = data
    messages = check_data(cfg, roles=('test',))
    assert len(messages) == 1 and messages[0].startswith('test: 1 image,')
    if content is not None:
        (root / 'images/val.png').write_bytes(content)
        with pytest.raises(UsageError, match='images/val.png: image cannot'):
            check_data(cfg, roles=('test',))
        return
    mask = np.zeros((64, 48), np.uint8)
    mask[:2] = 100
    cv2.imwrite(str(root / 'masks/val.png'), mask)
    with pytest.raises(UsageError, match='96 pixels have the value 100'):
        check_data(cfg, roles=('test',))


def test_a_hidden_test_set_needs_no_masks(data):
    root, cfg = data
    (root / 'masks/val.png').unlink()
    with pytest.raises(UsageError, match='test mask'):
        check_data(cfg, roles=('test',))
    cfg.test_evaluator = dict(type='IoUMetric', format_only=True)
    check_data(cfg, roles=('test',))
    del cfg.test_dataloader.dataset.data_prefix['seg_map_path']
    check_data(cfg, roles=('test',))


@pytest.mark.parametrize('kind', ['0 and 255', '255'])
def test_validation_masks_of_one_class_are_refused(data, kind):
    root, cfg = data
    mask = np.full((64, 48), 255, np.uint8)
    if kind != '255':
        mask[9:] = 0
    cv2.imwrite(str(root / 'masks/val.png'), mask)
    words = 'only no' if kind != '255' else 'no class, only 255'
    with pytest.raises(
        UsageError, match=f'the val masks hold {words}.*value 255.*MapLabels'
    ):
        check_data(cfg)
    for leaf in leaves(cfg):
        leaf.pipeline.append(
            dict(type='MapLabels', table=[0, 1] + [255] * 253 + [1])
        )
    if kind != '255':
        check_data(cfg)


def test_classes_validation_lacks_are_named(data):
    root, cfg = data
    for leaf in leaves(cfg):
        leaf.metainfo.classes = ('no', 'yes', 'maybe')
    assert 'val: no pixel of maybe' in check_data(cfg)


def deep(root, factor):
    for path in (root / 'images').glob('*.png'):
        image = cv2.imread(str(path)).astype(np.uint16)
        cv2.imwrite(str(path), image * factor)


def test_sixteen_bits_are_noted_and_darkness_refused(data):
    root, cfg = data
    deep(root, 257)
    notes = [line for line in check_data(cfg) if '16 bits' in line]
    assert len(notes) == 3 and 'LoadAnyImage' in notes[0]
    for path in (root / 'images').glob('*.png'):
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), image // 16)
    with pytest.raises(UsageError, match='nearly black.*LoadAnyImage'):
        check_data(cfg)
    for leaf in leaves(cfg):
        leaf.pipeline[0].color_type = 'unchanged'
    assert not [line for line in check_data(cfg) if '16 bits' in line]
    for leaf in leaves(cfg):
        leaf.pipeline[0] = dict(type='LoadAnyImage', value_range=(0, 4095))
    assert not [line for line in check_data(cfg) if '16 bits' in line]


def write_bands(path, bands=6):
    """A TIFF that Pillow does not know."""
    height, width = 64, 48
    pixels = np.zeros((height, width, bands), '<u2').tobytes()
    start = 8
    tags = [
        (256, 3, 1, width),
        (257, 3, 1, height),
        (258, 3, bands, start + len(pixels)),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, start),
        (277, 3, 1, bands),
        (278, 3, 1, height),
        (279, 4, 1, len(pixels)),
        (284, 3, 1, 1),
    ]
    bits = struct.pack(f'<{bands}H', *[16] * bands)
    place = start + len(pixels) + len(bits)
    head = b'II*\0' + struct.pack('<I', place)
    entries = b''.join(struct.pack('<HHII', *tag) for tag in tags)
    path.write_bytes(
        head
        + pixels
        + bits
        + struct.pack('<H', len(tags))
        + entries
        + bytes(4)
    )


@TRANSFORMS.register_module(force=True)
class LoadImageOfBands:
    """Stands for a loader that knows more than Pillow."""

    def __call__(self, results):
        with open(results['img_path'], 'rb') as file:
            content = file.read()
        if not content.startswith(b'II*\0'):
            raise ValueError('no TIFF')
        results['img'] = np.frombuffer(content[8:][: 64 * 48 * 12], '<u2')
        results['img'] = results['img'].reshape(64, 48, 6)
        return results


def test_what_the_pipeline_reads_is_accepted(data):
    root, cfg = data
    for path in list((root / 'images').glob('*.png')):
        write_bands(path.with_suffix('.tif'))
        path.unlink()
    for leaf in leaves(cfg):
        leaf.img_suffix = '.tif'
        leaf.pipeline[0] = dict(type='LoadImageOfBands')
    check_data(cfg)
    (root / 'images/unlabeled.tif').write_bytes(b'cut')
    with pytest.raises(UsageError, match='unlabeled.tif.*cannot be read'):
        check_data(cfg)


def test_settings_of_loading_that_read_nothing_are_found(data):
    root, cfg = data
    for leaf in leaves(cfg):
        leaf.pipeline[0].imdecode_backend = 'nonsense'
    with pytest.raises(UsageError, match='cannot be read .*nonsense'):
        check_data(cfg)


@pytest.mark.parametrize(
    'change, words',
    [
        (('labeled.txt', 'labeled.png\n'), 'take it off the lines'),
        (('labeled.txt', 'x.png m.png\n'), 'mmsemi import-splits'),
        (
            ('labeled.txt', 'images/x.png masks/x.png\n'),
            'mmsemi import-splits',
        ),
        (('labeled.txt', 'labeled,labeled\n'), 'one image a line'),
        (('labeled.txt', '# by Ann\nlabeled\n'), 'one image a line'),
        (('labeled.txt', '["labeled"]\n'), 'one image a line'),
        (('labeled.txt', 'labeled.PNG\n'), 'labeled.png is there'),
        (('labeled.txt', 'LABELED\n'), 'labeled.png is there'),
        (('images/labeled.jpg', None), 'labeled.jpg is there'),
    ],
)
def test_lists_and_suffixes_that_do_not_fit(data, change, words):
    root, cfg = data
    name, text = change
    if text is None:
        (root / 'images/labeled.png').rename(root / name)
    else:
        (root / name).write_text(text)
    with pytest.raises(UsageError, match=f'does not exist.*{words}'):
        check_data(cfg)


@pytest.mark.parametrize(
    'put, words',
    [
        (lambda path: path.mkdir(), 'labeled.png is a folder'),
        (lambda path: path.symlink_to('gone'), 'a symbolic link to gone'),
        (lambda path: path.symlink_to(path), 'symbolic link to .*labeled.png'),
        (os.mkfifo, 'labeled.png is no ordinary file'),
    ],
)
def test_what_lies_where_an_image_should(data, put, words):
    root, cfg = data
    path = root / 'images/labeled.png'
    path.unlink()
    put(path)
    with pytest.raises(UsageError, match=f'does not exist.*{words}'):
        check_data(cfg)


@pytest.mark.parametrize(
    'stamp',
    [
        '',
        '{"half',
        '[]',
        'null',
        '3',
        '{"a": "b"}',
        '{"STATE": []}',
        '{"STATE": {}}',
        '{"STATE": {"pixels": [1], "notes": []}}',
        '{"STATE": {"pixels": "x", "notes": []}}',
        '[' * 100000,
        '\ud800',
    ],
)
def test_a_damaged_result_of_the_last_check_is_made_again(data, stamp):
    root, cfg = data
    first = check_data(cfg, str(root / 'work'))
    path = root / 'work/data_check.json'
    whole = path.read_text()
    state = whole.split('"')[1]
    text = stamp.replace('STATE', state)
    path.write_bytes(text.encode('utf-8', 'surrogatepass'))
    assert check_data(cfg, str(root / 'work')) == first
    assert path.read_text() == whole


def test_many_images_take_little_time(tmp_path):
    content = encoded('JPEG')
    paths = [tmp_path / f'{k}.jpg' for k in range(3000)]
    for path in paths:
        path.write_bytes(content)
    start = time.process_time()
    for path in paths:
        is_deep(str(path), STEP)
    assert time.process_time() - start < 0.6


@pytest.mark.parametrize('bands', [1, 2, 6])
def test_what_opencv_cannot_read_can_be_drawn_on(tmp_path, bands):
    inputs = torch.arange(bands * 20.0).reshape(bands, 4, 5) - 7
    photo = photo_of(tmp_path / 'no image', inputs, (8, 10))
    assert photo.shape == (8, 10, 3) and photo.dtype == np.uint8
    assert photo.min() == 0 and photo.max() == 255
    cv2.imwrite(str(tmp_path / 'x.png'), np.full((4, 5, 3), 9, np.uint8))
    assert (photo_of(tmp_path / 'x.png', inputs, (4, 5)) == 9).all()


def test_deep_images_among_damaged_ones(tmp_path):
    paths = [tmp_path / name for name in ('a.png', 'b.png', 'c.png')]
    cv2.imwrite(str(paths[0]), np.zeros((4, 5), np.uint16))
    cv2.imwrite(str(paths[1]), np.zeros((4, 5), np.uint8))
    paths[2].write_bytes(b'')
    assert deep_images(paths, STEP) == [str(paths[0])]


@pytest.mark.filterwarnings('ignore')
def test_classes_are_counted_in_joined_and_repeated_sets(data):
    root, cfg = data
    leaf = leaves(cfg)[0]
    one = count_classes(DATASETS.build(leaf))
    assert one.sum() == 64 * 48
    repeated = dict(type='RepeatDataset', times=3, dataset=leaf)
    joined = dict(type='ConcatDataset', datasets=[leaf, repeated])
    assert (count_classes(DATASETS.build(joined)) == 4 * one).all()
