"""Corrected labelme files beside masks that are images."""

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
    note = {f.kind: f for f in result.findings}['mask-labelme']
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
    assert result.encoding.source == 'folders'
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


COCO = json.dumps(dict(categories=[], images=[], annotations=[]))


def test_coco_is_not_joined(tmp_path) -> None:
    """Whatever lies beside it, which is named."""
    joined(tmp_path, lookup(0, 1, 2))
    folder = tmp_path / 'masks'
    (folder / 'all.json').write_text(COCO)
    with pytest.raises(UsageError) as pictures:
        look(tmp_path)
    (folder / 'a.png').unlink()
    with pytest.raises(UsageError) as labelme:
        look(tmp_path)
    (folder / 'all.json').rename(tmp_path / 'images/all.json')
    with pytest.raises(UsageError) as together:
        doctor(f'{tmp_path}/images', f'{tmp_path}/images')
    for error, files in (
        (pictures, f'{folder}/all.json and {folder}/a.png'),
        (labelme, f'{folder}/all.json and {folder}/b.json'),
        (together, f'{tmp_path}/images/all.json and other files'),
    ):
        assert str(error.value) == (
            f'{files}: a COCO file holds all annotations, and is not joined '
            'with others. Give that file alone in place of the folder, or '
            'move it away'
        )
