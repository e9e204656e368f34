"""Masks as people have them -> ids pixel by pixel, or one clear sentence."""

import json
import os
import re
import shutil
import tracemalloc
import unicodedata

import cv2
import numpy as np
import pytest
from PIL import Image

from mmsemi.apis import doctor
from mmsemi.prepare import mask_labels
from mmsemi.prepare.encoding import Encoding
from mmsemi.prepare.mask_labels import labels_of
from mmsemi.prepare.mask_writer import MaskWriter
from mmsemi.prepare.masks import convert_masks, read_encoding, threads_for
from mmsemi.prepare.open_masks import open_masks
from mmsemi.prepare.polygons import encode_runs
from mmsemi.utils.errors import UsageError

from . import own_folders as own
from .own_folders import COLORS, SIZE, lookup, masks, photo, put, smooth

IDS = lookup(0, 1, 2)
RGB = lookup(*COLORS)
BLUE = lookup((0, 0, 0), (0, 0, 200), (0, 0, 255))


def ids_with_border(ids):
    """A row of ignored pixels on top."""
    ids = ids.copy()
    ids[:4] = 255
    return ids


def folders_of_classes(root, last=False, soft=False):
    ids = own.truths()
    for name, labels in ids.items():
        for number, label in ((1, 'cat'), (2, 'dog')):
            place = f'{name}/{label}' if last else f'{label}/{name}'
            white = (labels == number).astype(np.uint8) * 255
            put(root / f'masks/{place}.png', smooth(white) if soft else white)
    return ids


def overlapping(root):
    ids = own.truths()
    for name, labels in ids.items():
        cat = labels == 1
        dog = np.roll(cat, 6, 1)
        put(root / f'masks/cat/{name}.png', cat.astype(np.uint8))
        put(root / f'masks/dog/{name}.png', dog.astype(np.uint8))
        labels[:] = cat + 2 * dog
        labels[cat & dog] = 255
    return ids


def palettes_that_differ(root):
    ids = own.truths()
    for (name, labels), order in zip(ids.items(), ([0, 1, 2], [2, 0, 1])):
        indices = np.argsort(order).astype(np.uint8)[labels]
        picture = Image.fromarray(indices)
        picture.putpalette([v for k in order for v in COLORS[k]])
        put(root / f'masks/{name}.png', picture)
    # In the order of colors: black, green, red.
    return {name: lookup(0, 2, 1)(labels) for name, labels in ids.items()}


def palette_png(ids):
    picture = Image.fromarray(ids)
    picture.putpalette([v for color in COLORS for v in color])
    return picture


def rgba(ids):
    """Drawn on a transparent white sheet."""
    colors = lookup((255, 255, 255), *COLORS[1:])(ids)
    alpha = np.where(ids > 0, 255, 0).astype(np.uint8)
    return np.dstack([colors, alpha])


def gray_and_color(root):
    """The mask of an image with nothing in it, stored as gray."""
    own.images(root, ('d',))
    ids = masks(root, RGB)
    put(root / 'masks/d.png', np.zeros(SIZE, np.uint8))
    return {
        'd': np.zeros(SIZE, np.uint8),
        **{n: lookup(0, 2, 1)(m) for n, m in ids.items()},
    }


def in_order(ids):
    """Colors are sorted, so green comes before red."""
    return {name: lookup(0, 2, 1)(labels) for name, labels in ids.items()}


def border(ids):
    return {name: ids_with_border(labels) for name, labels in ids.items()}


def shapes(root):
    """Labelme's rectangle and stored mask, and a label to ignore."""
    ids = own.labelme(root / 'masks')
    for name, labels in ids.items():
        path = root / f'masks/{name}.json'
        data = json.loads(path.read_text())
        first, second = data['shapes']
        first['points'] = [first['points'][0], first['points'][2]]
        first['shape_type'] = 'rectangle'
        corner = second['points'][0]
        second.update(
            shape_type='mask',
            points=[corner, second['points'][2]],
            mask=own.shape_mask(np.ones((24, 20))),
        )
        data['shapes'].append(
            dict(
                label='__ignore__',
                points=[[0, 0], [63, 2]],
                shape_type='rectangle',
            )
        )
        path.write_text(json.dumps(data))
        labels[:3] = 255
    return ids


def layout(root, mask_name, image_name='{}.png', names=('a', 'b')):
    """Images and masks under other names."""
    shutil.rmtree(root / 'images')
    ids = {}
    for name, labels in zip(names, own.truths().values()):
        put(root / 'images' / image_name.format(name), photo(), 'PNG')
        put(root / 'masks' / mask_name.format(name), labels, 'PNG')
        ids[image_name.format(name).rpartition('.')[0]] = labels
    put(root / 'images/c.png', photo())
    return ids


def links(root):
    ids = masks(root, IDS)
    for folder in ('images', 'masks'):
        (root / folder).rename(root / f'real_{folder}')
        (root / folder).mkdir()
        (root / folder / 'deep').symlink_to(root / f'real_{folder}')
    return {f'deep/{name}': labels for name, labels in ids.items()}


def read_only(root):
    """Nothing can be written there (but by root, who may do anything)."""
    ids = masks(root, IDS)
    os.chmod(root / 'images', 0o555)
    os.chmod(root / 'masks', 0o555)
    return ids


def in_one_bit(root):
    """Black and white, in one of the files with 1 bit."""
    ids = masks(root, lookup(0, 255), classes=2)
    put(root / 'masks/a.png', Image.fromarray(ids['a'] * 255).convert('1'))
    return ids


def white_in_one_bit(root):
    """The mask of an image in colors of which there is only white."""
    own.images(root, ('d',))
    ids = masks(root, lookup((0, 0, 0), (255, 255, 255), (255, 0, 0)))
    ids['d'] = own.truth(2)
    put(root / 'masks/d.png', Image.fromarray(ids['d'] * 255).convert('1'))
    return {n: lookup(0, 2, 1)(m) for n, m in ids.items()}


def thin_classes(root):
    """Lines, none of which fills an area, beside two classes that do."""
    ids = own.truths(2)
    for name, labels in ids.items():
        for row, label in enumerate(range(2, 8)):
            labels[40 + row, label:-label] = label
        put(root / f'masks/{name}.png', labels)
    return ids


def objects_of_classes(root):
    """Files of classes with the numbers of their objects."""
    ids = own.truths()
    for name, labels in ids.items():
        objects = (labels == 1).astype(np.uint8)
        objects[20:, :] *= 2
        objects[30:, :] *= 2
        put(root / f'masks/cat/{name}.png', objects)
        put(root / f'masks/dog/{name}.png', (labels == 2).astype(np.uint8))
    return ids


def upside_down(root):
    """Masks with a tag that says how to turn them."""
    exif = Image.Exif()
    exif[0x112] = 3
    ids = own.truths()
    for name, labels in ids.items():
        put(root / f'masks/{name}.png', np.rot90(labels, 2), exif=exif)
    return ids


def composed(root):
    """Letters taken apart in one folder, as macOS does it."""
    apart = unicodedata.normalize('NFD', 'Grün 1')
    ids = layout(root, '{}.png', names=(apart, 'b'))
    old = root / f'masks/{apart}.png'
    old.rename(root / f'masks/{unicodedata.normalize("NFC", apart)}.png')
    return {unicodedata.normalize('NFC', n): m for n, m in ids.items()}


def of(make, **kwargs):
    return lambda root: masks(root, make, **kwargs)


# (what it is, masks -> expected ids, options, kinds of findings to expect)
GOOD = [
    ('ids', of(IDS), {}, ['mask-encoding']),
    ('ids and 255', lambda r: border(masks(
        r, lambda i: ids_with_border(i))), {}, []),
    ('ids with gaps', of(lookup(0, 3, 7)), {}, []),
    ('ids of thin lines', thin_classes, {}, []),
    ('0 and 255', of(lookup(0, 255), classes=2), {}, ['mask-white-is-class']),
    ('0 and 255, one name', of(lookup(0, 255), classes=2),
     dict(classes='crack'), []),
    ('0 and 1', of(lookup(0, 1), classes=2), {}, []),
    ('1-bit', of(lambda i: Image.fromarray(i * 255).convert('1'), classes=2),
     {}, []),
    ('1-bit, named', of(
        lambda i: Image.fromarray(i * 255).convert('1'), classes=2),
     dict(classes='0=none,255=cat'), []),
    ('1-bit among others', in_one_bit, {}, []),
    ('1-bit among colors', white_in_one_bit, {}, []),
    ('from one', of(lookup(1, 2, 3)), {}, []),
    ('from one and 255', lambda r: border(masks(
        r, lambda i: ids_with_border(np.where(i < 255, i + 1, i)))), {}, []),
    ('from one, names', of(lookup(1, 2, 3)),
     dict(classes='x,y,z,w'), ['class-absent']),
    ('0 is nothing', lambda r: {n: np.where(m, m - 1, 255) for n, m in masks(
        r, IDS).items()}, dict(background='ignore'), []),
    ('gray steps', of(lookup(0, 127, 255)), {}, []),
    ('a gray step to ignore', lambda r: {n: lookup(0, 255, 1)(m) for n, m in
     masks(r, lookup(0, 127, 255)).items()}, dict(ignore_value='127'), []),
    ('black steps to ignore', lambda r: {n: lookup(255, 0, 1)(m) for n, m in
     masks(r, lookup(0, 127, 255)).items()}, dict(ignore_value='0'), []),
    ('uneven gray', of(lookup(10, 100, 180)), {}, []),
    ('gray as color', of(lambda i: np.repeat(i[..., None], 3, 2)), {}, []),
    ('gray with alpha', of(lambda i: Image.fromarray(i).convert('LA')), {},
     []),
    ('16 bits', of(lookup(0, 1000, 40000)), {}, []),
    ('16 bits, 65535', lambda r: border(masks(r, lambda i: np.where(
        ids_with_border(i) == 255, 65535, i * np.uint16(300)))), {},
     []),
    ('32 bits', of(lambda i: i.astype(np.int32) * 70000, ending='.tif'), {},
     []),
    ('16-bit TIFF', of(lookup(0, 300, 2), ending='.tif'), {}, None),
    ('whole floats', of(lambda i: i.astype(np.float32), ending='.tif'), {},
     []),
    ('BMP', of(IDS, ending='.bmp'), {}, []),
    ('GIF', of(IDS, ending='.gif'), {}, None),
    ('colors', lambda r: in_order(masks(r, RGB)), {}, []),
    ('colors, named', of(RGB),
     dict(classes='#000000=none,#ff0000=cat,#00ff00=dog'), []),
    ('a color to ignore', lambda r: {n: lookup(0, 1, 255)(m) for n, m in masks(
        r, RGB).items()}, dict(ignore_value='#00ff00'), []),
    ('blue to ignore', lambda r: {n: lookup(0, 1, 255)(m) for n, m in masks(
        r, BLUE).items()}, dict(ignore_value='#0000ff'), []),
    ('black to ignore', lambda r: {n: lookup(255, 0, 1)(m) for n, m in masks(
        r, BLUE).items()}, dict(ignore_value='#000000'), []),
    ('transparent', lambda r: in_order(masks(r, rgba)), {}, []),
    ('half transparent', lambda r: in_order(masks(r, lambda i: np.dstack([
        RGB(i), np.full(SIZE, 100, np.uint8)]))), {}, []),
    ('turned', upside_down, {}, []),
    ('gray and color', gray_and_color, {}, []),
    ('palette', of(palette_png), {}, []),
    ('palettes that differ', palettes_that_differ, {}, []),
    ('values, named', of(lookup(40, 9, 70)),
     dict(classes='40=none,9=cat,70=dog'), []),
    ('values, named, without background', lambda r: {
        n: lookup(255, 0, 1)(m) for n, m in masks(r, IDS).items()},
     dict(classes='0=none,1=cat,2=dog', background='ignore'), []),
    ('values, named but for background', lambda r: {
        n: lookup(255, 0, 1)(m) for n, m in masks(r, IDS).items()},
     dict(classes='1=cat,2=dog', background='ignore'), []),
    ('smoothed', of(lambda i: smooth(lookup(0, 255)(i)), classes=2), {},
     ['mask-damaged']),
    ('all shades', of(lambda i: cv2.GaussianBlur(
        lookup(0, 255)(i), (0, 0), 1.3), classes=2), {}, ['mask-damaged']),
    ('smoothed steps', of(lambda i: smooth(lookup(0, 127, 255)(i))), {},
     ['mask-damaged']),
    ('smoothed colors', lambda r: in_order(masks(
        r, lambda i: smooth(RGB(i)))), {}, ['mask-damaged']),
    ('smoothed values, named', of(lambda i: smooth(lookup(40, 9, 200)(i))),
     dict(classes='40=none,9=cat,200=dog'), ['mask-damaged']),
    ('JPEG', of(lookup(0, 255), classes=2, ending='.jpg', quality=75), {},
     ['mask-damaged']),
    ('JPEG steps', of(lookup(0, 127, 255), ending='.jpg', quality=80), {},
     ['mask-damaged']),
    ('JPEG colors', lambda r: in_order(masks(
        r, RGB, ending='.jpg', quality=90, subsampling=0)), {},
     ['mask-damaged']),
    ('a folder a class', folders_of_classes, {}, []),
    ('a folder an image', lambda r: folders_of_classes(r, last=True), {}, []),
    ('a folder a class, smoothed', lambda r: folders_of_classes(
        r, soft=True), {}, []),
    ('a folder a class, objects', objects_of_classes, {}, []),
    ('classes that overlap', overlapping, {}, ['mask-overlap']),
    ('labelme', lambda r: own.labelme(r / 'masks'), {}, []),
    ('labelme beside images', lambda r: own.labelme(r / 'images'),
     dict(masks='images'), []),
    ('labelme, named', lambda r: {n: lookup(0, 2, 1)(m) for n, m in
     own.labelme(r / 'masks').items()}, dict(classes='background,dog,cat'),
     []),
    ('labelme shapes', shapes, {}, []),
    ('COCO polygons', lambda r: own.coco(
        r / 'masks/x.json', own.box_polygon), {}, []),
    ('COCO runs', lambda r: own.coco(
        r / 'masks/x.json',
        lambda m: dict(size=SIZE, counts=encode_runs(m))), {}, []),
    ('COCO runs, compressed', lambda r: own.coco(
        r / 'x.json', lambda m: dict(
            size=SIZE, counts=own.compress(encode_runs(m)))),
     dict(masks='x.json'), []),
    ('upper case suffix', lambda r: layout(
        r, '{}.PNG', '{}.TIFF'), {}, []),
    ('mask suffix', lambda r: layout(r, '{}_mask.png'),
     dict(mask_suffix='_mask'), []),
    ('mask suffix with .png', lambda r: layout(r, '{}_mask.png'),
     dict(mask_suffix='_mask.png'), []),
    ('sub-folders', lambda r: layout(r, 'x/{}.png', 'x/{}.jpg'), {}, []),
    ('spaces and dots', lambda r: layout(
        r, '{}.png', '{}.png', ('a 1.v2', 'b (2)')), {}, []),
    ('name of the image file', lambda r: layout(
        r, '{}.jpg.png', '{}.jpg'), {}, []),
    ('unicode', composed, {}, []),
    ('links', links, {}, []),
    ('read-only', read_only, {}, []),
]  # fmt: skip


def run(root, options):
    options = dict(options)
    place = str(root / options.pop('masks', 'masks'))
    return doctor(str(root / 'images'), place, **options), place


@pytest.mark.parametrize('row', GOOD, ids=[row[0] for row in GOOD])
def test_masks_become_ids(tmp_path, row) -> None:
    _, make, options, kinds = row
    own.images(tmp_path)
    expected = make(tmp_path)
    before = snapshot(tmp_path)
    result, place = run(tmp_path, options)
    assert [f for f in result.findings if f.severity == 'error'] == []
    found = {f.kind for f in result.findings}
    assert set(kinds or ()) <= found
    damaged = 'mask-damaged' in (kinds or ())
    assert ('mask-damaged' in found) == damaged
    out = tmp_path / 'run/masks'
    inputs = [str(tmp_path / 'images'), place]
    shares = convert_masks(
        result.pairs.labeled, result.source, result.encoding, out, inputs
    )
    assert bool(shares) == damaged
    files = {
        path.relative_to(out).as_posix()[:-4]: np.array(Image.open(path))
        for path in out.rglob('*.png')
    }
    assert files.keys() == expected.keys()
    for name, labels in expected.items():
        wrong = (files[name] != labels).mean()
        if row[0] == '16-bit TIFF':  # values in their order: 0, 2, 300
            wrong = (files[name] != lookup(0, 2, 1)(labels)).mean()
        # A smoothed corner has lost its last pixel.
        assert wrong <= (0.01 if damaged or 'smoothed' in row[0] else 0), name
    assert snapshot(tmp_path, 'run') == before
    # What was counted is what was written.
    if not damaged:
        total = sum((m == 1).sum() for m in files.values())
        assert result.pixels[:, 1].sum() == total
    _and_back(tmp_path, result, files, options)
    for folder in (tmp_path / 'images', tmp_path / 'masks'):
        if folder.is_dir():
            folder.chmod(0o755)  # or pytest could not clean up


def _and_back(root, result, files, options) -> None:
    """Predictions in the user's own encoding read as the same ids."""
    again = root / 'again'
    encoding = read_encoding(root / 'run/masks')
    pairs = {p.name: p.image for p in result.pairs.labeled}
    with MaskWriter(again, encoding) as writer:
        for name, labels in files.items():
            writer.write(name, labels, pairs[name])
    if encoding.source == 'image folders':
        assert (again / 'a/cat.png').is_file()
    options = {k: v for k, v in options.items() if k != 'mask_suffix'}
    options['masks'] = 'again'
    back, _ = run(root, options)
    assert back.encoding.classes == encoding.classes
    out = root / 'back'
    convert_masks(back.pairs.labeled, back.source, back.encoding, out, [again])
    for name, labels in files.items():
        read = np.array(Image.open(out / f'{name}.png'))
        if encoding.source in (
            'folders',
            'image folders',
            'coco',
        ):  # ignored pixels are background
            labels = np.where(labels == 255, 0, labels)
        np.testing.assert_array_equal(read, labels)


def snapshot(root, but='-'):
    return {
        path.relative_to(root): path.read_bytes()
        for path in sorted(root.rglob('*'))
        if path.is_file() and but not in path.parts
        and {'again', 'back'}.isdisjoint(path.parts)
    }  # fmt: skip


def test_strips_leave_no_seam(tmp_path, monkeypatch) -> None:
    """Large masks are worked on in strips; the result is that of one piece."""
    rng = np.random.default_rng(0)
    ids = np.repeat(np.repeat(rng.integers(0, 3, (25, 12)), 8, 0), 8, 1)
    put(tmp_path / 'images/a.png', photo(ids.shape))
    put(tmp_path / 'masks/a.png', smooth(lookup(0, 127, 255)(ids)))
    result, _ = run(tmp_path, {})
    mask = result.source.read(result.pairs.pairs[0])
    whole, changed = labels_of(mask, result.encoding)
    assert changed and (whole == ids).mean() > 0.95
    monkeypatch.setattr(mask_labels, '_STRIP', 1)
    parts, number = labels_of(mask, result.encoding)
    np.testing.assert_array_equal(parts, whole)
    assert number == changed


def test_small_objects_of_coco_lie_on_large_ones(tmp_path) -> None:
    own.images(tmp_path)
    inner, outer = np.zeros((2, *SIZE), bool)
    inner[10:20, 10:20], outer[5:40, 5:50] = True, True
    own.coco(
        tmp_path / 'x.json',
        own.box_polygon,
        annotations=[
            dict(
                id=k,
                image_id=0,
                category_id=category,
                segmentation=own.box_polygon(mask),
            )
            for k, (category, mask) in enumerate([(7, inner), (3, outer)])
        ],
    )
    result, _ = run(tmp_path, dict(masks='x.json'))
    pair = result.pairs.labeled[0]
    labels, _ = labels_of(result.source.read(pair), result.encoding)
    np.testing.assert_array_equal(labels, np.where(inner, 1, 2 * outer))


def test_coco_images_of_one_name_are_told_apart(tmp_path) -> None:
    """By their folders; where these are not there it is an error."""
    data: dict = dict(
        categories=[dict(id=1, name='car')],
        images=[
            dict(id=k, file_name=f'{folder}/1.png', height=9, width=9)
            for k, folder in enumerate('xy')
        ],
        annotations=[
            dict(image_id=0, category_id=1, segmentation=[[0, 0, 4, 0, 4, 4]]),
            dict(image_id=1, category_id=1, segmentation=[[5, 5, 8, 5, 8, 8]]),
        ],
    )
    for place in ('some/x', 'flat'):
        (tmp_path / place).mkdir(parents=True)
        Image.new('RGB', (9, 9)).save(tmp_path / place / '1.png')
    file = tmp_path / 'c.json'
    file.write_text(json.dumps(data))
    pairs, source = open_masks(tmp_path / 'some', file)
    assert pairs.lonely == ['y/1.png']
    drawn = source.read(pairs.labeled[0]).codes
    assert drawn[:4, :4].any() and not drawn[5:, 5:].any()
    with pytest.raises(UsageError, match="'x/1.png' and 'y/1.png' are both"):
        open_masks(tmp_path / 'flat', file)


def test_coco_names_of_the_web(tmp_path) -> None:
    for name in ('a b', 'c%20'):
        put(tmp_path / f'images/{name}.png', photo())
    listed = [
        dict(id=0, file_name='a%20b.png'),
        dict(id=1, file_name='c%20.png'),
    ]
    own.coco(tmp_path / 'x.json', own.box_polygon, images=listed)
    pairs, _ = open_masks(tmp_path / 'images', tmp_path / 'x.json')
    assert [pair.name for pair in pairs.labeled] == ['a b', 'c%20']


def test_coco_tells_images_of_one_name_apart(tmp_path) -> None:
    encoding = Encoding('labels', 'label', ['a'], [1], source='coco')
    with MaskWriter(tmp_path, encoding) as writer:
        for name, file in (
            ('x/a.jpg', 'x/a.jpg'),
            ('x/a.png', 'x/a.png'),
            ('b.v2', 'b.v2.jpg'),
            ('c.jpg', 'c.jpg.jpg'),
        ):
            writer.write(name, np.zeros((2, 2), np.uint8), f'/images/{file}')
    data = json.loads((tmp_path / 'annotations.json').read_text())
    assert [image['file_name'] for image in data['images']] == [
        *('x/a.jpg', 'x/a.png', 'b.v2.jpg', 'c.jpg.jpg')
    ]


def test_many_objects_of_coco_take_little_memory(tmp_path) -> None:
    put(tmp_path / 'images/a.png', Image.new('L', (1500, 2000)))
    boxes = [(20 * k, 20 * k, 20 * k + 9, 20 * k + 9) for k in range(40)]
    annotations = [
        dict(
            id=k,
            image_id=0,
            category_id=7,
            segmentation=[[x0, y0, x1, y0, x1, y1, x0, y1]],
        )
        for k, (x0, y0, x1, y1) in enumerate(boxes)
    ]
    own.coco(
        tmp_path / 'x.json',
        own.box_polygon,
        images=[dict(id=0, file_name='a.png')],
        annotations=annotations,
    )
    pairs, source = open_masks(tmp_path / 'images', tmp_path / 'x.json')
    tracemalloc.start()
    codes = source.read(pairs.labeled[0]).codes
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (codes > 0).sum() == 40 * 81
    assert peak < 10 * codes.size


def test_categories_of_coco_keep_their_ids(tmp_path) -> None:
    own.images(tmp_path)
    own.coco(tmp_path / 'x.json', own.box_polygon)
    result, _ = run(tmp_path, dict(masks='x.json', classes='dog,cow,cat'))
    (note,) = [f for f in result.findings if f.kind == 'coco-empty-images']
    assert '1 of its images has no annotation, such as c.png' in note.text
    assert result.encoding.classes == ['background', 'dog', 'cow', 'cat']
    with MaskWriter(tmp_path / 'again', result.encoding) as writer:
        writer.write('a', np.array([[0, 1, 2, 3]] * 2, np.uint8), 'a.png')
    data = json.loads((tmp_path / 'again/annotations.json').read_text())
    names = {c['id']: c['name'] for c in data['categories']}
    assert names == {3: 'dog', 8: 'cow', 7: 'cat'}
    assert [a['category_id'] for a in data['annotations']] == [3, 8, 7]


def test_values_of_labels_are_those_of_the_file_or_refused(tmp_path) -> None:
    own.images(tmp_path)
    own.coco(tmp_path / 'x.json', own.box_polygon)
    own.labelme(tmp_path / 'masks')

    def found(classes, masks='x.json'):
        return run(tmp_path, dict(masks=masks, classes=classes))[0]

    result = found('0=background,3=dog,7=cat')
    assert result.encoding.classes == ['background', 'dog', 'cat']
    for classes, place, words in (
        ('3=cat,7=dog', 'x.json', "'cat' the value 3, but its id .* is 7"),
        ('#000003=dog,#000007=cat', 'x.json', "'dog' the value #000003"),
        ('3=dog,7=cat', 'masks', "'dog' a value, .*alone: --classes dog,cat"),
        ('#ff0000=dog,#00ff00=cat', 'masks', "gives 'dog' a value"),
    ):
        findings = found(classes, place).findings
        (error,) = [f for f in findings if f.severity == 'error']
        said = f'{error.text}. {error.remedy}'
        assert re.search(words, said), said


def test_holes_survive_labelme(tmp_path) -> None:
    """Areas in holes of areas, and single pixels."""
    own.images(tmp_path)
    own.labelme(tmp_path / 'masks')
    result, _ = run(tmp_path, {})
    ids = np.zeros(SIZE, np.uint8)
    for k, label in enumerate((1, 0, 2, 1)):
        ids[4 + 5 * k : 44 - 5 * k, 4 + 6 * k : 60 - 6 * k] = label
    ids[1, 1] = 2
    with MaskWriter(tmp_path / 'again', result.encoding) as writer:
        for name in 'ab':
            writer.write(name, ids, f'{name}.png')
    back, _ = run(tmp_path, dict(masks='again'))
    labels, _ = labels_of(
        back.source.read(back.pairs.labeled[0]), back.encoding
    )
    np.testing.assert_array_equal(labels, ids)


@pytest.mark.parametrize('ending', ['.png', '.jpg'])
def test_edges_are_not_counted_as_classes(tmp_path, ending) -> None:
    """Between two classes there are values of a third; and JPEG moves all."""
    own.images(tmp_path)
    make = lookup((20, 20, 20), (201, 55, 30), (110, 38, 26))
    quality = dict(quality=95) if ending == '.jpg' else {}
    masks(tmp_path, lambda ids: smooth(make(ids)), ending, **quality)
    last = smooth(make(own.truth(2)))
    put(tmp_path / f'masks/c{ending}', last, **quality)
    result, _ = run(tmp_path, {})
    middle = (
        result.encoding.classes.index('#6e261a') if ending == '.png' else 1
    )
    assert len(result.encoding.classes) == 3
    assert (result.pixels[:, middle] > 0).tolist() == [True, True, False]
    true = (own.truth() == 1).sum()
    assert 0.6 * true < result.pixels[0, 2] <= true


def test_large_masks_are_read_one_by_one() -> None:
    assert threads_for([(10_000, 10_000), (9, 9)], 8) == 1
    assert threads_for([(4_000, 5_000)], 8) == 5
    assert threads_for([(30, 30)], 8) == 8
    assert threads_for([], 8) == 8
