"""Images of every kind people have, compared pixel by pixel."""

from importlib.util import find_spec

import cv2
import numpy as np
import pytest
import tifffile
from mmcv.transforms import LoadImageFromFile
from mmengine.dataset import Compose
from PIL import Image

from mmsemi.datasets.recipe import Recipe
from mmsemi.datasets.transforms import LoadAnyImage
from mmsemi.io.image_files import read_pixels, show_file, turned
from mmsemi.utils.errors import UsageError

SHAPE = (30, 40)
rng = np.random.default_rng(0)
GRAY = rng.integers(0, 256, SHAPE, dtype=np.uint8)
RGB = rng.integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
RGBA = rng.integers(0, 256, (*SHAPE, 4), dtype=np.uint8)
DEEP = rng.integers(0, 65536, SHAPE, dtype=np.uint16)
DEEP_RGB = rng.integers(0, 65536, (*SHAPE, 3), dtype=np.uint16)
BANDS = rng.integers(0, 65536, (*SHAPE, 7), dtype=np.uint16)
BYTES = rng.integers(0, 256, (*SHAPE, 5), dtype=np.uint8)
HEIGHTS = rng.uniform(-50, 900, SHAPE).astype(np.float32)
COLORS = rng.integers(0, 256, (16, 3), dtype=np.uint8)
INDEX = rng.integers(0, 16, SHAPE, dtype=np.uint8)
CMYK = rng.integers(0, 256, (*SHAPE, 4), dtype=np.uint8)
BITS = GRAY > 127
SMOOTH = cv2.resize(RGB[:4, :5], SHAPE[::-1], interpolation=cv2.INTER_CUBIC)


def pillow(array, mode=None, **options):
    def write(path):
        picture = Image.fromarray(array)
        if mode:
            picture = Image.frombytes(
                mode, array.shape[1::-1], array.tobytes()
            )
        picture.save(path, **options)

    return write


def palette(path):
    picture = Image.fromarray(INDEX, 'P')
    picture.putpalette(COLORS.ravel().tolist())
    picture.save(path)


def one_bit(path):
    Image.fromarray(GRAY).point(lambda v: 255 * (v > 127)).convert('1').save(
        path
    )


def opencv(array):
    return lambda path: cv2.imwrite(str(path), array)


def tiff(array, **options):
    return lambda path: tifffile.imwrite(path, array, **options)


def turn_tag(number):
    exif = Image.Exif()
    exif[0x0112] = number
    return exif


def white_is_zero(path):
    tifffile.imwrite(path, 65535 - DEEP, photometric='miniswhite')


def bgr(values):
    return np.ascontiguousarray(values[..., ::-1])


def three(values):
    return np.repeat(values[..., None], 3, 2)


def of_16(values):
    return (values.astype(np.float64) / 257).astype(np.float32)


def naive_cmyk():
    return bgr(
        np.asarray(
            Image.frombytes('CMYK', SHAPE[::-1], CMYK.tobytes()).convert('RGB')
        )
    )


def in_range(values, low, high):
    found = (values.astype(np.float64) - low) * (255 / (high - low))
    return found.clip(0, 255).astype(np.float32)


CONTIG = dict(photometric='minisblack', planarconfig='contig')
SEPARATE = dict(photometric='minisblack', planarconfig='separate')
# Name of the file, how it is written, settings, what comes out.
KINDS = dict(
    color_png=('a.png', pillow(RGB), {}, bgr(RGB)),
    upper_case=('A.PNG', pillow(RGB), {}, bgr(RGB)),
    color_bmp=('a.bmp', pillow(RGB), {}, bgr(RGB)),
    color_webp=('a.webp', pillow(RGB, lossless=True), {}, bgr(RGB)),
    color_tiff=('a.tif', pillow(RGB), {}, bgr(RGB)),
    color_tiff_lzw=(
        'a.tif',
        pillow(RGB, compression='tiff_lzw'),
        {},
        bgr(RGB),
    ),
    color_tiff_planes=(
        'a.tif',
        tiff(
            RGB.transpose(2, 0, 1).copy(),
            photometric='rgb',
            planarconfig='separate',
        ),
        {},
        bgr(RGB),
    ),
    gray_png=('a.png', pillow(GRAY), {}, three(GRAY)),
    gray_alone=('a.png', pillow(GRAY), dict(bands=1), GRAY[..., None]),
    gray_alpha=(
        'a.png',
        pillow(RGBA[..., :2].copy(), 'LA'),
        {},
        three(RGBA[..., 0]),
    ),
    rgba_png=('a.png', pillow(RGBA), {}, bgr(RGBA[..., :3])),
    rgba_tiff=('a.tif', pillow(RGBA), {}, bgr(RGBA[..., :3])),
    rgba_all=('a.png', pillow(RGBA), dict(bands=4), RGBA),
    one_bit_png=('a.png', one_bit, {}, three(BITS * np.uint8(255))),
    one_bit_tiff=('a.tif', one_bit, {}, three(BITS * np.uint8(255))),
    palette_png=('a.png', palette, {}, bgr(COLORS[INDEX])),
    palette_gif=('a.gif', palette, {}, bgr(COLORS[INDEX])),
    palette_tiff=('a.tif', palette, {}, bgr(COLORS[INDEX])),
    animation=(
        'a.gif',
        pillow(
            GRAY, save_all=True, append_images=[Image.fromarray(255 - GRAY)]
        ),
        {},
        three(GRAY),
    ),
    cmyk_tiff=('a.tif', pillow(CMYK, 'CMYK'), {}, naive_cmyk()),
    color_as_gray=(
        'a.png',
        pillow(RGB),
        dict(bands=1),
        cv2.cvtColor(RGB, cv2.COLOR_RGB2GRAY)[..., None],
    ),
    deep_png=('a.png', pillow(DEEP), {}, of_16(three(DEEP))),
    deep_color_png=('a.png', opencv(bgr(DEEP_RGB)), {}, of_16(bgr(DEEP_RGB))),
    deep_rgba_png=(
        'a.png',
        opencv(np.dstack([bgr(DEEP_RGB), DEEP])),
        {},
        of_16(bgr(DEEP_RGB)),
    ),
    deep_tiff=('a.tif', tiff(DEEP), {}, of_16(three(DEEP))),
    deep_tiff_lzw=('a.tif', opencv(DEEP), {}, of_16(three(DEEP))),
    deep_color_tiff=(
        'a.tif',
        tiff(DEEP_RGB, photometric='rgb'),
        {},
        of_16(bgr(DEEP_RGB)),
    ),
    deep_big_endian=(
        'a.tif',
        tiff(DEEP, byteorder='>'),
        {},
        of_16(three(DEEP)),
    ),
    deep_white_is_zero=('a.tif', white_is_zero, {}, of_16(three(DEEP))),
    deep_range=(
        'a.png',
        pillow(DEEP),
        dict(value_range=(1000, 5000)),
        in_range(three(DEEP), 1000, 5000),
    ),
    float_tiff=(
        'a.tif',
        tiff(HEIGHTS),
        dict(bands=1, value_range=(0, 800)),
        in_range(HEIGHTS, 0, 800)[..., None],
    ),
    bands_tiff=('a.tif', tiff(BANDS, **CONTIG), dict(bands=7), of_16(BANDS)),
    bands_planes=(
        'a.tif',
        tiff(BANDS.transpose(2, 0, 1).copy(), **SEPARATE),
        dict(bands=7),
        of_16(BANDS),
    ),
    bands_pages=(
        'a.tif',
        tiff(BANDS.transpose(2, 0, 1).copy(), photometric='minisblack'),
        dict(bands=7),
        of_16(BANDS),
    ),
    bands_unsaid=(
        'a.tif',
        tiff(BANDS, photometric='minisblack'),
        dict(bands=7),
        of_16(BANDS),
    ),
    bands_big=(
        'a.tif',
        tiff(BANDS, bigtiff=True, **CONTIG),
        dict(bands=7),
        of_16(BANDS),
    ),
    bands_tiled=(
        'a.tif',
        tiff(BANDS, tile=(16, 16), **CONTIG),
        dict(bands=7),
        of_16(BANDS),
    ),
    bands_deflate=(
        'a.tif',
        tiff(BANDS, compression='zlib', predictor=True, **CONTIG),
        dict(bands=7),
        of_16(BANDS),
    ),
    bands_of_bytes=('a.tif', tiff(BYTES, **CONTIG), dict(bands=5), BYTES),
    two_bands=(
        'a.tif',
        tiff(BANDS[..., :2].copy(), **CONTIG),
        dict(bands=2),
        of_16(BANDS[..., :2]),
    ),
    four_bands=(
        'a.tif',
        tiff(BYTES[..., :4].copy(), **CONTIG),
        dict(bands=4),
        BYTES[..., :4],
    ),
    selected=(
        'a.tif',
        tiff(BYTES, **CONTIG),
        dict(select=(4, 0, 2)),
        BYTES[..., [2, 0, 4]],
    ),
    band_ranges=(
        'a.tif',
        tiff(BANDS[..., :2].copy(), **CONTIG),
        dict(bands=2, value_range=[(0, 9000), (100, 200)]),
        np.dstack(
            [
                in_range(BANDS[..., 0], 0, 9000),
                in_range(BANDS[..., 1], 100, 200),
            ]
        ),
    ),
)


@pytest.mark.parametrize('kind', KINDS)
def test_kind(kind, tmp_path):
    name, write, settings, wanted = KINDS[kind]
    write(tmp_path / name)
    settings = {**dict(bands=len(settings.get('select', '123'))), **settings}
    found = LoadAnyImage(**settings)(dict(img_path=str(tmp_path / name)))
    assert found['img'].dtype == wanted.dtype
    assert found['img'].flags.c_contiguous
    assert np.array_equal(found['img'], wanted)
    assert found['img_shape'] == found['ori_shape'] == SHAPE
    shown = show_file(str(tmp_path / name))
    assert shown.dtype == np.uint8 and shown.shape == (*SHAPE, 3)


@pytest.mark.parametrize('number', range(1, 9))
@pytest.mark.parametrize(
    'name, array',
    [('a.jpg', SMOOTH), ('a.png', RGB), ('a.tif', RGB), ('a.webp', SMOOTH)],
)
def test_turned_as_opencv_does(number, name, array, tmp_path):
    path = str(tmp_path / name)
    Image.fromarray(array).save(path, exif=turn_tag(number))
    found = LoadAnyImage()(dict(img_path=path))['img']
    if name != 'a.tif':
        usual = LoadImageFromFile()(dict(img_path=path))['img']
        assert np.array_equal(found, usual)
    if name in ('a.png', 'a.tif'):
        assert np.array_equal(found, turned(bgr(RGB), number))
    stored = LoadAnyImage(ignore_orientation=True)(dict(img_path=path))
    if name != 'a.tif':
        assert stored['img_shape'] == SHAPE


@pytest.mark.parametrize('number', (3, 6))
def test_deep_images_are_turned(number, tmp_path):
    tag = [(274, 'H', 1, number, True)]
    tifffile.imwrite(tmp_path / 'a.tif', DEEP, extratags=tag)
    Image.fromarray(DEEP).save(tmp_path / 'a.png', exif=turn_tag(number))
    for name in ('a.tif', 'a.png'):
        found = read_pixels(str(tmp_path / name)).values
        assert np.array_equal(found[..., 0], turned(DEEP, number))


def test_photos_are_as_mmseg_loads_them(tmp_path):
    """JPEG of gray, color and CMYK; CMYK within what rounding does."""
    for array, mode in ((GRAY, 'L'), (SMOOTH, 'RGB')):
        Image.fromarray(array).save(tmp_path / f'{mode}.jpg', quality=90)
        results = dict(img_path=str(tmp_path / f'{mode}.jpg'))
        usual = LoadImageFromFile()(dict(results))['img']
        assert np.array_equal(LoadAnyImage()(results)['img'], usual)
    path = tmp_path / 'c.jpg'
    Image.fromarray(SMOOTH).convert('CMYK').save(path, quality=95)
    found = LoadAnyImage()(dict(img_path=str(path)))['img'].astype(int)
    assert abs(found - bgr(SMOOTH)).mean() < 8


def test_nan_is_the_lowest_value(tmp_path):
    heights = HEIGHTS.copy()
    heights[0, :3] = np.nan, np.inf, -np.inf
    tifffile.imwrite(tmp_path / 'a.tif', heights)
    load = LoadAnyImage(bands=1, value_range=(0, 800))
    found = load(dict(img_path=str(tmp_path / 'a.tif')))['img']
    assert found[0, :3, 0].tolist() == [0, 255, 0]


BAD = dict(
    empty=('a.png', lambda p: p.write_bytes(b''), {}, 'it is empty'),
    text=('a.jpg', lambda p: p.write_text('no image'), {}, 'cannot be read'),
    cut_png=('a.png', pillow(RGB), dict(cut=True), 'cannot be read'),
    cut_deep=('a.png', pillow(DEEP), dict(cut=True), 'cannot be read'),
    cut_tiff=(
        'a.tif',
        tiff(BANDS, **CONTIG),
        dict(cut=True),
        'cannot be read',
    ),
    missing=('a.png', lambda p: None, {}, 'No such file'),
    other_bands=(
        'a.tif',
        tiff(BANDS, **CONTIG),
        dict(bands=5),
        'has 7 bands, but bands=5',
    ),
    too_many=('a.tif', tiff(BYTES, **CONTIG), {}, 'has 5 bands, but bands=3'),
    not_there=(
        'a.png',
        pillow(RGB),
        dict(select=(0, 1, 5)),
        'has 3 bands, but select',
    ),
    no_range=('a.tif', tiff(HEIGHTS), dict(bands=1), 'no usual range'),
    pages=(
        'a.tif',
        tiff(BANDS.transpose(2, 0, 1).copy(), photometric='minisblack'),
        {},
        '7 pages in one TIFF file',
    ),
)


@pytest.mark.parametrize('kind', BAD)
def test_what_cannot_be_loaded_is_one_sentence(kind, tmp_path):
    name, write, settings, message = BAD[kind]
    settings = dict(settings)
    path = tmp_path / name
    write(path)
    if settings.pop('cut', False):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UsageError, match=message) as error:
        LoadAnyImage(**settings)(dict(img_path=str(path)))
    text = str(error.value)
    assert text.startswith(f'{path}: ') and '\n' not in text


@pytest.mark.skipif(
    find_spec('imagecodecs') is not None, reason='imagecodecs is installed'
)
def test_missing_codec_is_named(tmp_path):
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, BANDS, compression='zlib', **CONTIG)
    # The same bytes under the number of another compression.
    with tifffile.TiffFile(path, mode='r+') as file:
        file.pages.first.tags['Compression'].overwrite(5)
    with pytest.raises(UsageError, match='pip install imagecodecs'):
        LoadAnyImage(bands=7)(dict(img_path=str(path)))


@pytest.mark.parametrize(
    'settings, message',
    [
        (dict(bands=0), 'at least 1'),
        (dict(bands=2, select=(0, 1, 2)), 'must name 2 bands'),
        (dict(value_range=(5, 5)), 'value_range must be'),
        (dict(bands=2, value_range=[(0, 1)] * 3), 'each of the 2 bands'),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        LoadAnyImage(**settings)


@pytest.mark.parametrize('size', [(30, 40), (2000, 3000)])
def test_crops_of_any_size_of_image(size, tmp_path) -> None:
    """Cut from large images, padded around small ones."""
    height, width = size
    image = cv2.resize(RGB, (width, height))
    cv2.imwrite(str(tmp_path / 'a.jpg'), image)
    cv2.imwrite(str(tmp_path / 'm.png'), image[..., 0] // 100)
    data = dict(
        load=dict(type='LoadAnyImage'),
        batch=dict(labeled=1, unlabeled=1),
        crop_size=(64, 96),
        augment=[
            dict(type='RandomCrop'),
            dict(type='PadSegFields'),
            dict(type='RandomFlip', prob=0.5),
        ],
    )
    steps = Recipe(data, 'online').sup()
    info = dict(
        img_path=str(tmp_path / 'a.jpg'),
        seg_map_path=str(tmp_path / 'm.png'),
        seg_fields=[],
        reduce_zero_label=False,
        label_map=None,
    )
    item = Compose(steps)(info)
    assert item['inputs']['sup'].shape == (3, 64, 96)
    labels = item['data_samples']['sup'].gt_sem_seg.data[0]
    known = labels != 255
    assert labels.shape == (64, 96)
    assert known.sum() == min(height, 64) * min(width, 96)
