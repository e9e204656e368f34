"""Corrected files of ``label_next`` beside the masks of a first project."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmsemi.apis import doctor
from mmsemi.prepare.masks import convert_masks
from mmsemi.prepare.pre_drawn import areas_of, labelme_data
from mmsemi.utils.errors import UsageError

from . import own_folders as own
from .own_folders import COLORS, lookup, masks, put, smooth

NAMED = dict(classes='background,cat,dog')
SHAPES = dict(cat=(1, [[6, 8], [29, 39]]), dog=(2, [[40, 12], [59, 35]]))


def joined(root, make, ending='.png', shapes=('cat', 'dog'), **kwargs):
    """A mask that is an image for a, and a labelme file for b."""
    own.images(root)
    masks(root, make, ending, **kwargs)
    (root / f'masks/b{ending}').unlink()
    draw(root / 'masks/b.json', shapes)


def draw(path: Path, labels) -> np.ndarray:
    """A rectangle a label; returns ids, 0 where nothing is drawn."""
    ids = np.zeros(own.SIZE, np.uint8)
    shapes = []
    for label in labels:
        number, points = SHAPES.get(label, (255, [[0, 0], [63, 3]]))
        (left, top), (right, low) = points
        ids[top : low + 1, left : right + 1] = number
        shapes.append(dict(label=label, points=points, shape_type='rectangle'))
    path.write_text(json.dumps(dict(shapes=shapes)))
    return ids


def ids_of(root, result) -> dict[str, np.ndarray]:
    out = root / 'out'
    inputs = [root / 'images', root / 'masks']
    pairs = result.pairs.labeled
    convert_masks(pairs, result.source, result.encoding, out, inputs)
    return {p.stem: np.array(Image.open(p)) for p in out.glob('*.png')}


def look(root, **options):
    return doctor(str(root / 'images'), str(root / 'masks'), **options)


def palette(ids):
    picture = Image.fromarray(ids)
    picture.putpalette([v for color in COLORS for v in color])
    return picture


COLOR_NAMES = dict(classes='#000000=background,#ff0000=cat,#00ff00=dog')


@pytest.mark.parametrize(
    ('make', 'options', 'kwargs'),
    [
        (lookup(0, 1, 2), NAMED, {}),
        (lookup(1, 2, 3), NAMED, {}),
        (lookup(0, 300, 40000), NAMED, {}),
        (lookup(0, 127, 255), NAMED, {}),
        (lookup(*COLORS), COLOR_NAMES, {}),
        (palette, NAMED, {}),
        (lambda i: smooth(lookup(0, 127, 255)(i)), NAMED, {}),
        (lambda i: smooth(lookup(*COLORS)(i)), COLOR_NAMES, {}),
        (lookup(0, 127, 255), NAMED, dict(ending='.jpg', quality=80)),
        (
            lambda i: np.where(i, i, 255).astype(np.uint8),
            dict(classes='cat,dog'),
            {},
        ),
        (lookup(0, 1, 2), dict(NAMED, background='ignore'), {}),
    ],
)
def test_labels_are_the_classes_of_the_images(
    tmp_path, make, options, kwargs
) -> None:
    joined(tmp_path, make, shapes=('cat', 'dog', '__ignore__'), **kwargs)
    result = look(tmp_path, **options)
    assert result.exit_code == 0, result.text()
    names = result.encoding.classes
    found = ids_of(tmp_path, result)
    # Where no class is background, nothing is known between the shapes.
    ids = draw(tmp_path / 'masks/b.json', ('cat', 'dog', '__ignore__'))
    first = names.index('cat')
    expected = np.where(ids == 255, 255, ids + np.uint8(first) - 1)
    expected[ids == 0] = 0 if 'background' in names else 255
    np.testing.assert_array_equal(found['b'], expected)
    row = [item.name for item in result.masks].index('b')
    assert result.pixels[row, first] == (expected == first).sum()
    assert result.ignored[row] == (expected == 255).sum()
    note = {f.kind: f for f in result.findings}['masks-joined']
    assert note.file.endswith('b.json') and note.number == 1
    assert ('as no class is background' in note.remedy) == (first == 0)
    # Predictions are encoded as the images are.
    assert result.encoding.source == 'files'
    assert result.encoding.mode == Image.open(
        result.pairs.labeled[0].masks[0][1]
    ).mode.replace('I;16B', 'I;16')  # fmt: skip


def test_pre_drawn_masks_come_back_as_they_were_predicted(tmp_path) -> None:
    """Names that were found, not given, are in the files to correct."""
    joined(tmp_path, lookup(0, 255), classes=2)
    classes = ['background', 'foreground']
    labels = own.truth(2)
    data = labelme_data(
        labels, areas_of(labels), classes, tmp_path / 'images/b.png', tmp_path
    )
    (tmp_path / 'masks/b.json').write_text(json.dumps(data))
    result = look(tmp_path)
    assert result.encoding.classes == classes
    np.testing.assert_array_equal(ids_of(tmp_path, result)['b'], labels)


def test_a_class_that_is_in_labelme_files_only_is_not_missing(
    tmp_path,
) -> None:
    joined(tmp_path, lambda i: np.minimum(i, 1))
    result = look(tmp_path, **NAMED)
    assert 'class-absent' not in {f.kind for f in result.findings}
    assert (ids_of(tmp_path, result)['b'] == 2).sum() == 20 * 24


def test_what_cannot_be_joined_is_one_sentence(tmp_path) -> None:
    joined(tmp_path, lookup(0, 1, 2), shapes=('cat', 'cow'))
    error = look(tmp_path, **NAMED).findings[0]
    assert error.sentence == (
        f"{tmp_path}/masks/b.json: its label 'cow' is no class of the masks "
        'beside it, which are background, cat, dog. Correct the label, or '
        'name the classes with --classes'
    )
    put(tmp_path / 'masks/b.png', own.truth())
    with pytest.raises(UsageError) as twice:
        look(tmp_path)
    assert str(twice.value) == (
        'b.json and b.png: two masks of one name for b.png. Keep the one '
        'that is right, and move the other out of the folder'
    )


def test_files_that_cannot_be_read_are_each_named(tmp_path) -> None:
    joined(tmp_path, lookup(0, 1, 2))
    (tmp_path / 'masks/a.png').write_bytes(b'no image')
    sentences = [f.sentence for f in look(tmp_path, **NAMED).findings]
    assert f'{tmp_path}/masks/a.png: mask cannot be read' in sentences[0]
    (tmp_path / 'images/b.png').write_bytes(b'')
    masks(tmp_path, lookup(0, 1, 2))
    (tmp_path / 'masks/b.png').unlink()
    found = [f for f in look(tmp_path).findings if f.severity == 'error']
    assert [f.file for f in found][:1] == [f'{tmp_path}/images/b.png']


def test_labelme_files_need_no_suffix(tmp_path) -> None:
    """--mask-suffix is a habit of whoever made the pictures."""
    joined(tmp_path, lookup(0, 1, 2))
    folder = tmp_path / 'masks'
    (folder / 'a.png').rename(folder / 'a_mask.png')
    (folder / 'b.json').rename(folder / 'b.jpg.json')
    ids = ids_of(tmp_path, look(tmp_path, mask_suffix='_mask', **NAMED))
    assert sorted(ids) == ['a', 'b']
    assert set(np.unique(ids['b'])) == {0, 1, 2}


def by_class(root, last: bool = False) -> Path:
    """A file a class for a, a labelme file for b."""
    own.images(root)
    for number, label in enumerate(('cat', 'dog'), 1):
        path = f'a/{label}.png' if last else f'{label}/a.png'
        mask = (own.truth() == number).astype(np.uint8) * 255
        put(root / 'masks' / path, mask)
    return root / 'masks/b.json'


@pytest.mark.parametrize('last', [False, True])
def test_labelme_files_join_a_folder_for_each_class(tmp_path, last) -> None:
    file = by_class(tmp_path, last)
    ids = draw(file, ('cat', 'dog', '__ignore__'))
    result = look(tmp_path)
    assert result.exit_code == 0, result.text()
    assert result.encoding.classes == ['background', 'cat', 'dog']
    kind = 'image folders' if last else 'folders'
    assert result.encoding.source == kind
    found = ids_of(tmp_path, result)
    np.testing.assert_array_equal(found['b'], ids)
    np.testing.assert_array_equal(found['a'], own.truth())
    draw(file, ('cat', 'cow'))
    error = look(tmp_path).findings[0]
    assert error.sentence == (
        f"{file}: its label 'cow' is no folder of masks beside it, which are "
        'cat, dog. Correct the label'
    )
    draw(tmp_path / 'masks/a.json', ('cat',))
    with pytest.raises(UsageError, match=r'^a.json and .*: two masks of one'):
        look(tmp_path)


def coco_of(path: Path, images: dict, categories: dict) -> None:
    """A COCO file of the shapes, as a tool numbers its categories."""
    annotations = []
    for image, labels in images.items():
        for label in labels:
            (left, top), (right, low) = SHAPES[label][1]
            right, low = right + 1, low + 1
            ring = [left, top, right, top, right, low, left, low]
            annotations.append(
                dict(
                    image_id=image,
                    category_id=categories[label],
                    segmentation=[ring],
                )
            )
    data = dict(
        images=[dict(id=name, file_name=f'{name}.png') for name in 'abc'],
        categories=[dict(id=k, name=name) for name, k in categories.items()],
        annotations=annotations,
    )
    path.write_text(json.dumps(data))


NUMBERS = dict(_background_=1, dog=2, cat=3)  # of label_next/coco.json


def first_images(root):
    joined(root, lookup(0, 127, 255))
    (root / 'masks/b.json').unlink()


def first_folders(root):
    by_class(root)


def first_labelme(root):
    own.images(root)
    (root / 'masks').mkdir()
    draw(root / 'masks/a.json', ('cat', 'dog'))
    draw(root / 'masks/c.json', ('dog',))


def first_coco(root):
    own.images(root)
    (root / 'masks').mkdir()
    path = root / 'masks/first.json'
    drawn = dict(a=('cat', 'dog'), c=('dog',))
    coco_of(path, drawn, dict(cat=7, dog=3))


@pytest.mark.parametrize(
    ('first', 'source', 'options'),
    [
        (first_images, 'files', NAMED),
        (first_folders, 'folders', {}),
        (first_labelme, 'labelme', {}),
        (first_coco, 'coco', {}),
        (first_labelme, 'labelme', dict(classes='dog,background,cat')),
        (first_coco, 'coco', dict(classes='dog,cat')),
    ],
)
@pytest.mark.parametrize('back', ['labelme', 'coco'])
def test_corrected_masks_join_the_first_ones(
    tmp_path, first, source, options, back
) -> None:
    """Whatever those were; labels count, not the numbers of a file."""
    first(tmp_path)
    before = look(tmp_path, **options)
    expected = ids_of(tmp_path, before)['a']
    digest = {p.name: before.source.digest(p) for p in before.pairs.labeled}
    shapes = draw(tmp_path / 'masks/b.json', ('cat', 'dog'))
    if back == 'coco':
        (tmp_path / 'masks/b.json').unlink()
        file = tmp_path / 'masks/coco.json'
        coco_of(file, dict(b=('cat', 'dog')), NUMBERS)
    after = look(tmp_path, **options)
    assert after.exit_code == 0, after.text()
    classes = after.encoding.classes
    assert classes == before.encoding.classes and len(classes) == 3
    assert after.encoding.source == before.encoding.source == source
    assert after.encoding.categories == before.encoding.categories
    found = ids_of(tmp_path, after)
    ids = [classes.index(name) for name in ('background', 'cat', 'dog')]
    np.testing.assert_array_equal(found['a'], expected)
    np.testing.assert_array_equal(found['b'], np.array(ids)[shapes])
    again = {p.name: after.source.digest(p) for p in after.pairs.labeled}
    assert again.items() > digest.items() and 'b' not in digest


def test_each_image_of_a_coco_file_is_told_apart(tmp_path) -> None:
    """Correcting one of them is no change of the other."""
    first_images(tmp_path)
    file = tmp_path / 'masks/coco.json'
    digests = []
    for labels in (('cat',), ('dog',)):
        coco_of(file, dict(b=('cat', 'dog'), c=labels), NUMBERS)
        result = look(tmp_path, **NAMED)
        pairs = result.pairs.labeled
        digests.append([result.source.digest(pair) for pair in pairs])
    (a, b, c), (a2, b2, c2) = digests
    assert (a, b) == (a2, b2) and c != c2
    # The file says nothing about a, whose mask is an image.
    assert 'coco-empty-images' not in {f.kind for f in result.findings}


def test_coco_in_the_folder_of_its_images(tmp_path) -> None:
    own.images(tmp_path)
    file = tmp_path / 'images/_annotations.coco.json'
    coco_of(file, dict(a=('cat',), b=('dog',)), NUMBERS)
    result = doctor(f'{tmp_path}/images', f'{tmp_path}/images')
    assert result.encoding.classes == ['background', 'cat', 'dog']
    assert [pair.name for pair in result.pairs.unlabeled] == ['c']


def test_a_label_of_coco_that_no_mask_beside_it_has(tmp_path) -> None:
    first_folders(tmp_path)
    file = tmp_path / 'masks/coco.json'
    SHAPES['cow'] = (3, [[0, 0], [5, 5]])
    try:
        coco_of(file, dict(b=('cat', 'cow')), dict(cat=1, cow=2, ox=3))
    finally:
        del SHAPES['cow']
    error = look(tmp_path).findings[0]
    assert error.sentence == (
        f"{file}: its label 'cow' is no folder of masks beside it, which are "
        'cat, dog. Correct the label'
    )


def test_damaged_coco_is_named(tmp_path) -> None:
    own.images(tmp_path)
    (tmp_path / 'masks').mkdir()
    (tmp_path / 'masks/x.json').write_text('{"annotations": [')
    with pytest.raises(UsageError, match=r'x.json: JSON cannot be read'):
        look(tmp_path)


def test_a_renamed_class_of_coco_is_a_correction(tmp_path) -> None:
    first_coco(tmp_path)
    file = tmp_path / 'masks/first.json'
    digests = []
    for new in ('cat', 'puma'):
        data = json.loads(file.read_text())
        for category in data['categories']:
            category['name'] = category['name'].replace('cat', new)
        file.write_text(json.dumps(data))
        found = look(tmp_path)
        digests.append([found.source.digest(p) for p in found.pairs.labeled])
    (a, c), (b, d) = digests
    assert a != b and c == d  # the other image shows dogs alone


def test_a_coco_file_without_annotations(tmp_path) -> None:
    own.images(tmp_path)
    (tmp_path / 'masks').mkdir()
    coco_of(tmp_path / 'masks/first.json', {}, NUMBERS)
    with pytest.raises(UsageError, match='none of its images has an annot'):
        look(tmp_path)
