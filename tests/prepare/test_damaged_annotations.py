"""Annotation files that hold no masks, or others than they seem to hold."""

import json
from base64 import b64encode
from io import BytesIO

import pytest
from PIL import Image

from mmsemi.cli.process import prepare
from mmsemi.prepare.open_masks import open_masks
from mmsemi.prepare.polygons import fill_even_odd, labelme_shape
from mmsemi.utils.errors import UsageError

AREA = [0, 0, 4, 0, 4, 4]


def png(image):
    stream = BytesIO()
    image.save(stream, 'PNG')
    return stream.getvalue()


PNG = b64encode(png(Image.new('L', (3, 3), 255))).decode()


def images(folder, names='ab'):
    (folder / 'i').mkdir()
    for name in names:
        Image.new('RGB', (9, 9)).save(folder / f'i/{name}.png')


def coco(folder, change):
    """Open a COCO file of two images after a change, and read its masks."""
    images(folder)
    data: dict = dict(
        categories=[dict(id=1, name='car')],
        images=[
            dict(id=k, file_name=f'{name}.png', height=9, width=9)
            for k, name in enumerate('ab')
        ],
        annotations=[
            dict(id=k, image_id=k, category_id=1, segmentation=[AREA])
            for k in range(2)
        ],
    )
    change(data)
    (folder / 'c.json').write_text(json.dumps(data))
    pairs, source = open_masks(folder / 'i', folder / 'c.json')
    for pair in pairs.labeled:
        assert source.read(pair).codes.any()
    return source


def first(part, **values):
    return lambda data: data[part][0].update(values)


COCO = {
    'two images of one id': (
        first('images', id=1),
        'an id occurs twice in "images"',
    ),
    'two categories of one id': (
        lambda data: data['categories'].append(dict(id=1, name='bus')),
        'an id occurs twice in "categories"',
    ),
    'no name': (first('categories', name=None), 'None, which names no class'),
    'empty name': (first('categories', name=' '), 'label is empty'),
    'half a character': (first('categories', name='\ud800'), 'surrogates'),
    'a line': (
        first('annotations', segmentation=[[1, 1, 5, 5]]),
        'annotation 0 of .* fewer than 3 points',
    ),
    'far away': (
        first('annotations', segmentation=[[-1e308, 1, 1e308, 9, 3, 3]]),
        'a coordinate of 1e[+]308 is in no image',
    ),
    'beyond numbers': (
        first('annotations', segmentation=[[10**400, 1, 5, 9, 3, 3]]),
        'annotation 0 .*too large',
    ),
    'size of one number': (
        first('annotations', segmentation=dict(size=[9], counts=[80, 1])),
        r'annotation 0 .*runs are for an image of .*\[9\]',
    ),
    'run beyond numbers': (
        first('annotations', segmentation=dict(counts=[10**30])),
        'annotation 0 .*too large',
    ),
    # Added up in 64 bits they are as many as the image has pixels, and
    # memory was written to in which they had no place.
    'runs that wrap around': (
        first(
            'annotations',
            segmentation=dict(counts=[2**63 - 1, 2**63 - 1, 2 + 81]),
        ),
        'runs is 9223372036854775807 pixels long, of 81',
    ),
    'negative run': (
        first('annotations', segmentation=dict(counts=[90, -9])),
        'runs is -9 pixels long',
    ),
}


@pytest.mark.parametrize('kind', COCO)
def test_coco(tmp_path, kind):
    change, words = COCO[kind]
    with pytest.raises(UsageError, match=words) as info:
        coco(tmp_path, change)
    assert 'c.json' in str(info.value)


def test_annotations_of_no_image_are_counted(tmp_path):
    """Ids that were numbers here and text there lose a mask."""
    source = coco(tmp_path, first('annotations', image_id='0'))
    (file,) = source.cocos.values()
    found = {f.kind: f for f in file.note_empty(())}
    text = found['coco-stray-annotations'].text
    assert text.startswith('1 annotation is of images') and "'0'" in text
    assert found['coco-empty-images'].number == 1


@pytest.mark.parametrize('label', [None, True, [], {}, '', ' ', float('nan')])
def test_labelme_labels_are_names(tmp_path, label):
    images(tmp_path, 'a')
    points = [[0, 0], [4, 0], [4, 4]]
    shape = dict(label=label, points=points, shape_type='polygon')
    (tmp_path / 'm').mkdir()
    (tmp_path / 'm/a.json').write_text(json.dumps(dict(shapes=[shape])))
    pairs, source = open_masks(tmp_path / 'i', tmp_path / 'm')
    with pytest.raises(UsageError, match=r'a\.json: shape 1 .*its label is'):
        source.read(pairs.labeled[0])


@pytest.mark.parametrize(
    ('points', 'mask'),
    [
        ([], PNG),
        ([[float('inf'), 0]], PNG),
        ([[10**400, 0]], PNG),
        ([[0, 0]], PNG[:40]),
        ([[0, 0]], b64encode(b'\x89PNG\r\n\x1a\n' + bytes(40)).decode()),
        ([[0, 0]], b64encode(png(Image.new('RGB', (3, 3)))).decode()),
        ([[0, 0]], 'no base64'),
    ],
)
def test_labelme_masks_that_are_none(tmp_path, points, mask):
    images(tmp_path, 'a')
    shape = dict(label='x', points=points, shape_type='mask', mask=mask)
    (tmp_path / 'm').mkdir()
    (tmp_path / 'm/a.json').write_text(json.dumps(dict(shapes=[shape])))
    pairs, source = open_masks(tmp_path / 'i', tmp_path / 'm')
    with pytest.raises(UsageError, match=r'a\.json: shape 1 cannot be read'):
        source.read(pairs.labeled[0])


@pytest.mark.parametrize('kind', ['circle', 'rectangle', 'line', 'polygon'])
def test_coordinates_that_drawing_cannot_hold_are_refused(kind):
    """Beyond 32 bits shapes vanished."""
    points = [[-3e9, -3e9], [3e9, 3e9]] + [[-3e9, 3e9]] * (kind == 'polygon')
    with pytest.raises(ValueError, match='of 3e[+]09 is in no image'):
        labelme_shape(points, kind, (9, 9))
    with pytest.raises(ValueError, match='is in no image'):
        fill_even_odd([points], (9, 9))


def test_a_circle_around_the_image_covers_it():
    assert labelme_shape([[4, 4], [9e7, 9e7]], 'circle', (9, 9)).all()


def test_names_that_are_no_text_can_be_said(monkeypatch, capfd):
    prepare()
    print('u\udcff.png')
    assert 'u\\udcff.png' in capfd.readouterr().out
