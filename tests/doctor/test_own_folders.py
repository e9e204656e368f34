"""What the doctor says of images and masks: one clear sentence each."""

import json
import math
import shutil
import struct

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from mmsemi.apis import doctor
from mmsemi.cli import main
from mmsemi.cli.main import build_parser
from mmsemi.doctor.classes import check_classes, check_holdout
from mmsemi.doctor.photos import examine
from mmsemi.io.image_files import read_pixels
from mmsemi.prepare.masks import convert_masks
from mmsemi.utils.errors import UsageError
from tests.prepare import own_folders as own
from tests.prepare.own_folders import SIZE, lookup, masks, photo, put

IDS = lookup(0, 1, 2)


def kind(ending, mode='RGB', size=SIZE, **kwargs):
    """Another image in the folder, without a mask."""

    def make(root) -> None:
        put(root / f'images/x{ending}', photo(size, mode), **kwargs)

    return make


def deep(ending):
    def make(root) -> None:
        array = np.arange(48 * 64, dtype=np.uint16).reshape(SIZE) * 9
        put(root / f'images/x{ending}', array)

    return make


def turned(root) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    put(root / 'images/x.jpg', photo((64, 48)), exif=exif)


def damaged(ending, change):
    def make(root) -> None:
        path = root / f'images/x{ending}'
        put(path, photo())
        path.write_bytes(change(path.read_bytes()))

    return make


def half(content):
    return content[: len(content) // 2]


def pages(shape, **kwargs):
    """A TIFF file with several pages."""

    def make(root) -> None:
        values = np.arange(math.prod(shape)) % 251
        values = values.reshape(shape).astype(np.uint8)
        tifffile.imwrite(root / 'images/x.tif', values, **kwargs)

    return make


# (what it is, how it is made, kind of finding, severity, words of it)
IMAGES = [
    ('color', kind('.png'), None, '', ''),
    ('JPEG', kind('.JPEG'), None, '', ''),
    ('BMP', kind('.bmp'), None, '', ''),
    ('WebP', kind('.webp'), None, '', ''),
    ('color TIFF', kind('.tif'), None, '', ''),
    ('gray', kind('.png', 'L'), 'image-gray', 'note', 'x.png: gray image'),
    ('1 bit', kind('.png', '1'), 'image-gray', 'note', 'gray image'),
    ('gray JPEG', kind('.jpg', 'L'), 'image-gray', 'note', 'gray'),
    ('alpha', kind('.png', 'RGBA'), 'image-alpha', 'note', 'transparency'),
    ('gray alpha', kind('.png', 'LA'), 'image-alpha', 'note', 'transp'),
    ('CMYK', kind('.jpg', 'CMYK'), 'image-cmyk', 'note', 'CMYK'),
    ('palette', kind('.png', 'P'), 'image-palette', 'note', 'palette'),
    ('GIF', kind('.gif', 'P'), 'image-palette', 'note', 'palette'),
    ('16-bit PNG', deep('.png'), 'image-deep', 'warning', '16 bits'),
    ('16-bit TIFF', deep('.tiff'), 'image-deep', 'warning', '16 bits'),
    ('turned', turned, 'image-turned', 'note', 'masks must fit'),
    ('4 bands', lambda r: own.tiff(r / 'images/x.tif', 4), 'image-bands',
     'warning', '4 bands'),
    ('9 bands', lambda r: own.tiff(r / 'images/x.tif', 9, 16), 'image-bands',
     'warning', '9 bands'),
    ('a page a band', pages((5, *SIZE)), 'image-page-a-band', 'warning',
     'x.tif: TIFF file with 5 pages. They are taken as bands'),
    ('colors on pages', pages((7, *SIZE, 3), photometric='rgb'),
     'image-pages', 'error', 'with 7 pages of 3 bands each, which is no sin'),
    ('mixed bands', lambda r: own.tiff(r / 'images/x.tif', 5),
     'image-bands-differ', 'error', 'x.tif: image with 5 bands, but .*a.png'),
    ('tiny', kind('.png', size=(9, 40)), 'image-small', 'warning', '40x9'),
    ('large', kind('.png', size=(2, 10001)), 'image-large', 'note',
     '10001x2'),
    ('sizes', kind('.png', size=(90, 99)), 'image-sizes', 'note',
     '2 sizes, 64x48 to 99x90'),
    ('half a PNG', damaged('.png', half), 'image-unreadable', 'error',
     r'x.png: image cannot be read \('),
    ('half a JPEG', damaged('.jpg', half), 'image-unreadable', 'error', 'x'),
    ('half a WebP', damaged('.webp', half), 'image-unreadable', 'error', 'x'),
    ('half a BMP', damaged('.bmp', half), 'image-unreadable', 'error', 'x'),
    ('half a TIFF', lambda r: own.tiff(r / 'images/x.tif', 3, cut=400),
     'image-unreadable', 'error', 'it is cut off'),
    ('a TIFF without pixels', damaged('.tif', lambda b: b[:8] + b'\xff' * 9),
     'image-unreadable', 'error', 'x.tif'),
    ('empty', damaged('.png', lambda b: b''), 'image-unreadable', 'error',
     'it is empty'),
    ('a web page', damaged('.jpg', lambda b: b'<html>404</html>'),
     'image-unreadable', 'error', 'no known image format'),
    ('a photo of an iPhone', lambda r: (r / 'images/x.HEIC').touch(),
     'image-other-format', 'warning', 'x.HEIC: images of this format are n'),
    ('a name that begins with a blank', lambda r: put(
        r / 'images/ x.png', photo()), 'image-name', 'error',
     'images/ x.png: image whose name no list can hold'),
    ('a name that is no text', lambda r: put(
        r / 'images/x\udcff.png', photo()), 'image-name', 'error',
     'image whose name no list can hold'),
    ('a broken link', lambda r: (r / 'images/x.png').symlink_to('nowhere'),
     'image-unreadable', 'error', 'No such file'),
]  # fmt: skip


@pytest.mark.parametrize('row', IMAGES, ids=[row[0] for row in IMAGES])
def test_kinds_of_images(tmp_path, row) -> None:
    _, make, name, severity, words = row
    own.images(tmp_path)
    masks(tmp_path, IDS)
    make(tmp_path)
    result = doctor(str(tmp_path / 'images'), str(tmp_path / 'masks'))
    found = {f.kind: f for f in result.findings}
    about = {key for key in found if key.startswith('image-')}
    if name is None:
        assert not about
        assert examine(result.pairs.pairs[-1].image).size == SIZE
        return
    assert name in about
    finding = found[name]
    assert finding.severity == severity
    assert words_in(words, finding.sentence), finding.sentence
    assert '\n' not in finding.sentence
    assert (result.exit_code == 1) == ('error' in {
        f.severity for f in result.findings})  # fmt: skip


def words_in(words, sentence) -> bool:
    import re

    return re.search(words, sentence) is not None


def test_an_image_is_measured_as_it_is_turned(tmp_path) -> None:
    turned(tmp_path)
    assert examine(str(tmp_path / 'images/x.jpg')).size == SIZE


def of(make, **kwargs):
    return lambda root: masks(root, make, **kwargs)


def all_of(*steps):
    def make(root) -> None:
        for step in steps:
            step(root)

    return make


def fine(root) -> None:
    masks(root, IDS)


def renamed(old, new):
    return lambda root: (root / old).rename(root / new)


def unlink(*names):
    def make(root) -> None:
        for name in names:
            (root / name).unlink()

    return make


def coco(**changes):
    return lambda root: own.coco(
        root / 'masks/x.json', own.box_polygon, **changes
    )


def labelme(**changes):
    return lambda root: own.labelme(root / 'masks', **changes)


def shape(**changes):
    item = dict(label='cat', points=[[1, 1], [9, 9]], shape_type='polygon')
    return labelme(shapes=[{**item, **changes}])


def prefixed(root) -> None:
    for name, ids in own.truths().items():
        put(root / f'masks/{name}_seg.png', ids)


def unlike(root) -> None:
    put(root / 'masks/other.png', own.truth())


def noise(ids):
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)


def numbered(ids):
    return np.arange(ids.size, dtype=np.uint16).reshape(SIZE) // 8


def turned_with_raw_mask(root) -> None:
    fine(root)
    turned(root)
    put(root / 'masks/x.png', np.zeros((64, 48), np.uint8))


def text(name, content):
    return lambda root: (root / name).write_bytes(content)


# (what it is, how it is made, options, words of the sentence)
BAD = [
    ('no folder of images', renamed('images', 'photos'), {},
     'images: no such folder. Give the folder of images'),
    ('no folder of masks', lambda r: None, {}, 'masks: no such folder'),
    ('a file as folder', text('masks', b''), {}, 'masks: a file, not a fold'),
    ('no image', all_of(fine, unlink(
        'images/a.png', 'images/b.png', 'images/c.png')), {},
     'images: no image in it'),
    ('no image that can be read', lambda r: (
        fine(r), [p.rename(p.with_suffix('.dng')) for p in sorted(
            (r / 'images').iterdir())]), {},
     r'images: no image in it \(a.dng is of a format that is not read\)'),
    ('no mask', lambda r: (r / 'masks').mkdir(), {}, 'masks: no mask in it'),
    ('no mask fits', unlike, {},
     "no image of .* has a mask in .*'a.png' and the mask 'other.png'"),
    ('masks with a suffix', prefixed, {}, 'Try --mask-suffix _seg$'),
    ('masks with a suffix like an option', all_of(prefixed, *(renamed(
        f'masks/{x}_seg.png', f'masks/{x}-seg.png') for x in 'ab')), {},
     'Try --mask-suffix=-seg$'),
    ('masks in parts', all_of(fine, *(lambda r, x=x, part=part: (
        (r / 'masks' / part).mkdir(), (r / f'masks/{x}.png').rename(
            r / f'masks/{part}/{x}.png')) for x, part in zip(
                'ab', ('train', 'val')))), {},
     'lie in train and val, which are no classes, and the images do not'),
    ('another suffix', prefixed, dict(mask_suffix='_m'),
     "no name of a mask ends with '_m'"),
    ('masks in upper case', all_of(prefixed, *(
        renamed(f'masks/{x}_seg.png', f'masks/{x.upper()}.png')
        for x in 'ab')), {}, 'upper and lower case'),
    ('one folder for both', fine, dict(masks='images'),
     'no mask in it. Say with --mask-suffix'),
    ('two images of one name', all_of(fine, kind('.png'), kind('.jpg')), {},
     'x.png and x.jpg: two images of one name'),
    ('two masks of one name', all_of(fine, lambda r: put(
        r / 'masks/a.bmp', own.truth())), {},
     'a.bmp and a.png: two masks of one name for a.png'),
    ('a mask without image', all_of(fine, unlike), {},
     'masks/other.png: no image of .* fits this mask'),
    ('a damaged mask', all_of(fine, text('masks/a.png', b'\x89PNG\r\n\x1a\n')),
     {}, 'masks/a.png: mask cannot be read'),
    ('a mask of another size', all_of(fine, lambda r: put(
        r / 'masks/b.png', np.zeros((9, 8), np.uint8))), {},
     'masks/b.png: mask of 8x9 for an image of 64x48'),
    ('a mask that is not turned', turned_with_raw_mask, {},
     "x.png: mask is not turned, but the camera's tag turns the image"),
    ('photos as masks', of(noise), {}, 'too many for classes. Are these pho'),
    ('numbers of objects', of(numbered), {}, 'numbers of objects'),
    ('ids in 16 bits a color', lambda r: [
        (r / 'masks').mkdir(), *(cv2.imwrite(
            str(r / f'masks/{n}.png'), np.stack([m.astype(np.uint16)] * 3, 2))
            for n, m in own.truths().items())], {},
     'a.png: mask with 16 bits for each color, of which 8 are read'),
    ('fractions', of(lambda i: i.astype(np.float32) / 3, ending='.tif'), {},
     'mask holds fractions, such as 0.333'),
    ('a mask of pages', all_of(fine, lambda r: tifffile.imwrite(
        r / 'masks/c.tif', np.stack([own.truth()] * 3),
        photometric='minisblack')), {},
     'c.tif: mask with 3 pages. Save one mask, with all classes, a file'),
    ('negative', of(lambda i: i.astype(np.int32) - 1, ending='.tif'), {},
     'mask holds the value -1'),
    ('ids in JPEG', of(IDS, ending='.jpg'), {},
     'a.jpg: this format changes values, and those of the classes are too'),
    ('only ignored', of(lambda i: np.full(SIZE, 255, np.uint8)), {},
     'hold only 255, which means "ignored"'),
    ('only background', of(lambda i: np.zeros(SIZE, np.uint8)), {},
     'the masks hold only background; training needs two classes'),
    ('only background, left out', of(lambda i: np.zeros(SIZE, np.uint8)),
     dict(background='ignore'), 'hold only background, and --background'),
    ('too few names', fine, dict(classes='x'),
     r'hold 3 values \(0, 1, 2\), but 1 class is named'),
    ('too many names of colors', of(lookup(*own.COLORS)),
     dict(classes='a,b,c,d,e'), r'#000000, #00ff00, #ff0000\), but 5 classes'),
    ('a value without name', fine, dict(classes='0=x,1=y'),
     'a.png: mask holds the value 2, which --classes does not name'),
    ('numbers for colors', of(lookup(*own.COLORS)), dict(classes='0=x,1=y'),
     '--classes gives numbers, but .* hold colors'),
    ('a name twice', fine, dict(classes='x,y,x'), "'x' comes twice"),
    ('a value twice', fine, dict(classes='1=x,1=y'), 'the same value'),
    ('a name without value', fine, dict(classes='1=x,y'), "'y' has none"),
    ('no name behind the value', fine, dict(classes='0=,1=y'), 'no name beh'),
    ('no file of names', fine, dict(classes='names.txt'),
     'names.txt: the file of class names does not exist'),
    ('a bad value', fine, dict(ignore_value='void'),
     "'void' is no value of a mask"),
    ('a number to ignore in colors', of(lookup(*own.COLORS)),
     dict(ignore_value=7), r'--ignore-value 7 is a number, but .* hold col'),
    ('a color to ignore in numbers', fine, dict(ignore_value='#ff0000'),
     '--ignore-value #ff0000 is a color, but .*a.png and .* hold numbers'),
    ('a blue class without name', of(lookup(
        (0, 0, 0), (255, 0, 0), (0, 0, 255))),
     dict(classes='#000000=a,#ff0000=b'), 'the value #0000ff, which --cl'),
    ('a value to ignore in labels', labelme(), dict(ignore_value='7'),
     '--ignore-value 7: .*a.json and .* hold labels, of which __ignore__'),
    ('one class but for background', of(lookup(0, 1, 1)),
     dict(background='ignore'), 'Do without --background ignore'),
    ('only background, named and left out', fine,
     dict(classes='0=none', background='ignore'),
     '--classes names only none, and --background ignore leaves it out'),
    ('a bad background', fine, dict(background='no'), "got 'no'"),
    ('COCO of other images', coco(images=[dict(id=0, file_name='q.png')]), {},
     'x.json: none of its images is in'),
    ('COCO without categories', coco(categories=[]), {},
     'has the category 7, which "categories" lacks'),
    ('COCO with boxes only', lambda r: own.coco(
        r / 'masks/x.json', lambda m: []), {}, 'cannot be drawn'),
    ('COCO runs that end early', lambda r: own.coco(
        r / 'masks/x.json', lambda m: dict(size=SIZE, counts=[5, 5])), {},
     'its runs cover 10 pixels of 3072'),
    ('COCO without annotations', all_of(fine, text('x.json', b'{}')),
     dict(masks='x.json'), 'no COCO JSON'),
    ('COCO and labelme', all_of(labelme(), coco()), {},
     r'a.json and .*x.json: two masks for .*images/a.png. Keep the one that'),
    ('two COCO files', all_of(coco(), lambda r: own.coco(
        r / 'masks/y.json', own.box_polygon)), {},
     r'x.json and .*y.json: two masks for .*images/a.png. Keep the one that'),
    ('COCO of another size', coco(images=[
        dict(id=0, file_name='a.png', height=9, width=9)]), {},
     'annotations for 9x9 pixels, but .* has 64x48'),
    ('damaged JSON', all_of(
        labelme(), text('masks/a.json', b'{"shapes": [')), {},
     'a.json: JSON cannot be read'),
    ('other JSON', labelme(shapes=None), {}, 'no JSON of labelme'),
    ('labelme of another size', labelme(imageHeight=9), {},
     'a.json: annotations for 64x9 pixels, but .*a.png has 64x48'),
    ('labelme with two points', shape(), {},
     r'shape 1 \(cat\) is a polygon of 2 points, which covers no area'),
    ('labelme without points', shape(points=None), {}, 'shape 1 cannot be'),
    ('JSON and images of other names', all_of(labelme(), lambda r: put(
        r / 'masks/c.png', own.truth())), {},
     "a.json: its label 'cat' is no class of the masks beside it"),
    ('a label that is not named', labelme(), dict(classes='cat,cow'),
     "hold the label 'dog', which --classes does not name"),
    ('one labeled image', all_of(fine, unlink('masks/b.png')), {},
     'only one image has a mask, so none is left to measure on'),
]  # fmt: skip


@pytest.mark.parametrize('row', BAD, ids=[row[0] for row in BAD])
def test_bad_input_is_one_sentence(tmp_path, row) -> None:
    _, make, options, words = row
    own.images(tmp_path)
    make(tmp_path)
    options = dict(options)
    place = str(tmp_path / options.pop('masks', 'masks'))
    try:
        result = doctor(str(tmp_path / 'images'), place, **options)
    except UsageError as error:
        sentences = [str(error)]
    else:
        assert result.exit_code == 1
        sentences = [
            f.sentence for f in result.findings if f.severity == 'error'
        ]
    assert any(words_in(words, s) for s in sentences), sentences
    for sentence in sentences:
        assert '\n' not in sentence and len(sentence) < 500
        assert '..' not in sentence.replace('../', '').replace('...', '')


def test_numbers_are_said(tmp_path) -> None:
    own.images(tmp_path, ('a', 'b'))
    fine(tmp_path)
    result = doctor(str(tmp_path / 'images'), str(tmp_path / 'masks'))
    kinds = {f.kind for f in result.findings}
    assert {'no-unlabeled-images', 'few-labeled-images'} <= kinds
    assert result.exit_code == 0
    assert result.text().startswith('2 images: 2 with a mask, 0 without\n')
    assert result.pixels[0].tolist() == [
        (own.truth() == k).sum() for k in range(3)
    ]


def test_folders_may_lie_in_each_other(tmp_path) -> None:
    """Masks below the images are no images, and the other way around."""
    own.images(tmp_path)
    fine(tmp_path)
    inside = tmp_path / 'images/masks'
    shutil.copytree(tmp_path / 'masks', inside)
    wanted = doctor(f'{tmp_path}/images', str(inside)).as_data()
    around = tmp_path / 'masks/images'
    shutil.rmtree(inside)
    inside.symlink_to(tmp_path / 'masks')
    linked = doctor(f'{tmp_path}/images', str(inside)).as_data()
    inside.unlink()
    apart = doctor(f'{tmp_path}/images', f'{tmp_path}/masks').as_data()
    shutil.copytree(tmp_path / 'images', around)
    found = doctor(str(around), f'{tmp_path}/masks').as_data()
    for key in ('images', 'labeled', 'unlabeled', 'classes', 'encoding'):
        assert wanted[key] == apart[key] == found[key] == linked[key], key


def test_background_that_is_left_out_is_not_unknown(tmp_path) -> None:
    own.images(tmp_path)
    fine(tmp_path)
    folders = f'{tmp_path}/images', f'{tmp_path}/masks'
    result = doctor(*folders, background='ignore')
    kinds = {f.kind for f in result.findings}
    assert 'mask-partly' not in kinds and result.ignored.all()
    assert not result.unknown.any()
    # As a value that is ignored, it is.
    result = doctor(*folders, ignore_value='0')
    assert 'mask-partly' in {f.kind for f in result.findings}
    assert (result.unknown == result.ignored).all()


def test_names_are_asked_for_where_there_are_none(tmp_path) -> None:
    own.images(tmp_path)
    fine(tmp_path)
    for options, asked in (({}, True), (dict(classes='a,b,c'), False)):
        result = doctor(f'{tmp_path}/images', f'{tmp_path}/masks', **options)
        assert ('--classes' in result.text()) is asked


def test_a_number_may_be_left_out_behind_the_folders(capsys) -> None:
    parser = build_parser()
    words = ['fit', '--out', 'run', '--cross-validate', 'images', 'masks']
    with pytest.raises(SystemExit):
        parser.parse_args(words)
    assert "'images' is no number. Give one, or" in capsys.readouterr().err
    words = ['fit', 'images', 'masks', '--out', 'run', '--cross-validate']
    assert parser.parse_args(words).cross_validate == 'auto'
    assert parser.parse_args([*words, '3']).cross_validate == 3


def test_rare_and_empty() -> None:
    counts = np.array([[9, 1, 0], [10**6, 0, 5], [0, 0, 0], [90, 10, 0]])
    ignored = np.array([90, 0, 7, 0])
    files = ['a', 'b', 'c', 'd']
    found = {
        f.kind: f
        for f in check_classes(['x', 'y', 'z'], counts, ignored, files)
        if f.kind != 'class-rare' or 'z' in f.value
    }
    assert found['class-rare'].sentence.startswith('b: z is in 1 mask only')
    assert found['mask-empty'].file == 'c'
    assert '10.0% is labeled' in found['mask-partly'].text
    assert found['mask-nearly-empty'].file == 'b'
    assert check_classes(['x', 'y'], counts[[3] * 4, :2], ignored * 0, files
                         ) == []  # fmt: skip


def test_unknown_parts_are_unlabeled_images_too(tmp_path) -> None:
    """What fit learns from as if it had no mask is not missed."""
    own.images(tmp_path, 'ab')
    for unknown, partly in ((6, False), (30, True)):

        def draw(ids, rows=unknown):
            return np.where(np.arange(48)[:, None] < rows, 255, ids + 0)

        own.masks(tmp_path, lambda ids: draw(ids).astype(np.uint8))
        result = doctor(f'{tmp_path}/images', f'{tmp_path}/masks')
        found = {f.kind: f for f in result.findings}
        assert ('no-unlabeled-images' in found) is not partly
        assert ('mask-partly' in found) is partly
    assert found['mask-partly'].sentence.endswith(
        'a.png (and 1 more): mask of which 37.5% is labeled. The rest is '
        'learned from like an unlabeled image'
    )


def test_classes_of_a_hold_out() -> None:
    trained, held = np.array([[5, 5, 0]]), np.array([[5, 0, 5]])
    first, second = check_holdout(['x', 'y', 'z'], trained, held)
    assert first.severity == 'error' and first.value == ['z']
    assert second.severity == 'warning' and second.value == ['y']
    assert check_holdout(['x', 'y', 'z'], trained, trained) == []
    (found,) = check_holdout(
        ['x', 'y'], np.array([[5, 5]]), np.array([[5, 0]])
    )
    assert found.severity == 'error'
    assert 'the images to measure on hold only x, and' in found.sentence


def test_command(tmp_path, capsys) -> None:
    """Text, JSON, what is written, and the exit code."""
    own.images(tmp_path)
    masks(tmp_path, lookup(0, 255), classes=2)
    words = [str(tmp_path / 'images'), str(tmp_path / 'masks')]
    main('doctor', [*words, '--classes', 'sky,bird'])
    text = capsys.readouterr().out
    assert '255 -> 1 bird' in text and '2 with a mask, 1 without' in text
    assert sorted(p.name for p in tmp_path.iterdir()) == ['images', 'masks']
    out = tmp_path / 'out'
    main('doctor', [*words, '--json', '--out', str(out)])
    data = json.loads(capsys.readouterr().out)
    assert data == json.loads((out / 'doctor.json').read_text())
    assert [c['images'] for c in data['classes']] == [2, 2]
    assert {p.name for p in out.iterdir()} == {
        'doctor.json',
        'doctor.txt',
        'masks.png',
    }
    sheet = np.array(Image.open(out / 'masks.png'))
    assert (sheet == [230, 25, 75]).all(2).any()  # the legend's color
    main('doctor', [*words, '--out', str(out)])  # replaces its own
    put(tmp_path / 'masks/a.png', np.zeros((3, 3), np.uint8))
    with pytest.raises(SystemExit) as stopped:
        main('doctor', words)
    assert stopped.value.code == 1


@pytest.mark.parametrize('place', ['images', 'images/sub', 'masks', 'link'])
def test_nothing_is_written_into_the_folders(tmp_path, place) -> None:
    own.images(tmp_path)
    fine(tmp_path)
    (tmp_path / 'link').symlink_to(tmp_path / 'masks')
    folders = [str(tmp_path / 'images'), str(tmp_path / 'masks')]
    with pytest.raises(UsageError, match='where your data are'):
        doctor(*folders, out=str(tmp_path / place))
    result = doctor(*folders)
    with pytest.raises(UsageError, match='where your data are'):
        convert_masks(
            result.pairs.labeled,
            result.source,
            result.encoding,
            tmp_path / place,
            folders,
        )


def test_big_tiff(tmp_path) -> None:
    tags = [(256, 4, 1, 70), (257, 4, 1, 50), (258, 3, 1, 16), (277, 3, 1, 6)]
    content = struct.pack('<2sHHHQQ', b'II', 43, 8, 0, 16, len(tags))
    for tag in tags:
        content += struct.pack('<HHQQ', *tag)
    path = tmp_path / 'x.tif'
    path.write_bytes(content)
    photo = examine(str(path))
    assert (photo.size, photo.bands, photo.bits) == ((50, 70), 6, 16)


@pytest.mark.parametrize(
    'shape, kwargs, size, bands',
    [
        ((5, 48, 64), {}, (48, 64), 5),
        ((2, 48, 64), {}, (48, 64), 2),
        ((4, 48, 64), dict(bigtiff=True), (48, 64), 4),
        (
            (3, 48, 64),
            dict(byteorder='>', photometric='minisblack'),
            (48, 64),
            3,
        ),
        ((2, 3, 48, 64), dict(imagej=True), (48, 64), 6),
        ((48, 64, 5), dict(photometric='minisblack'), (48, 64), 5),
        ((5, 48, 64), dict(planarconfig='separate'), (48, 64), 5),
        ((1, 48, 64), {}, (48, 64), 1),
    ],
)
def test_pages_are_bands_as_loading_takes_them(
    tmp_path, shape, kwargs, size, bands
) -> None:
    (tmp_path / 'images').mkdir()
    pages(shape, **kwargs)(tmp_path)
    path = str(tmp_path / 'images/x.tif')
    photo = examine(path)
    assert (photo.size, photo.bands, photo.problem) == (size, bands, '')
    assert read_pixels(path).values.shape == (*size, bands)


def test_a_thumbnail_is_no_band(tmp_path) -> None:
    path = tmp_path / 'x.tif'
    with tifffile.TiffWriter(path) as file:
        file.write(np.zeros((48, 64), np.uint8))
        file.write(np.zeros((48, 64), np.uint8), subfiletype=1)
        file.write(np.zeros((24, 32), np.uint8))
    photo = examine(str(path))
    assert (photo.kind, photo.pages, photo.bands) == ('gray', 1, 1)
