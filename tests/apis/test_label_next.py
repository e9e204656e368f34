"""Which images to label next, and masks to correct that read back."""

import csv
import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmsemi.apis import label_next, predict
from mmsemi.apis.ranking import ranking
from mmsemi.evaluation.usefulness import choose, image_use, percentiles, rarity
from mmsemi.prepare.encoding import Encoding
from mmsemi.prepare.mask_labels import labels_of
from mmsemi.prepare.open_masks import open_masks
from mmsemi.prepare.pre_drawn import (
    CocoFile,
    areas_of,
    labelme_data,
    without_specks,
)
from mmsemi.utils.errors import UsageError

from .tiny_run import CLASSES, write_photos, write_run, write_segmentor

LABELED = ('a.png', 'b.png')
POOL = ('sub dir/Ünïcode €.jpg', 'd.png', 'e.PNG', 'sub dir/f.png')


@pytest.fixture
def run(tmp_path):
    """A run of ``fit`` with four unlabeled images, one of them damaged."""
    images = tmp_path / 'images'
    write_photos(images, [*LABELED, *POOL], (90, 110))
    (images / 'broken.png').write_bytes(b'no image')
    folder = write_run(tmp_path / 'run', images)
    unlabeled = [*POOL, 'broken.png']
    for part, names in (('labeled', LABELED), ('unlabeled', unlabeled)):
        text = ''.join(f'{name}\n' for name in names)
        (folder / f'data/{part}.txt').write_text(text, encoding='utf-8')
    return folder


def rows_of(folder) -> list[dict]:
    with open(folder / 'label_next.csv', encoding='utf-8') as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize('two', [False, True])
def test_table_and_masks_to_correct(run, tmp_path, two) -> None:
    if two:
        write_segmentor(run / 'train')  # the model of the run
        write_segmentor(run / 'twin', seed=1)
    done = label_next(run, number=3)
    rows = rows_of(run)
    assert [row['image'] for row in rows] == done.images
    assert [row['rank'] for row in rows] == ['1', '2', '3']
    assert len(set(done.images)) == 3 and set(done.images) < set(POOL)
    stems = {name.rpartition('.')[0] for name in done.images}
    assert len(done.problems) == 1 and 'broken.png' in str(done)
    assert '1 image was left out' in str(done) and ' at 0x' not in str(done)
    for row in rows:
        assert 0 <= float(row['uncertainty']) <= 1
        assert 0 <= float(row['novelty']) <= 2
        assert row['reason']
    assert (float(rows[0]['disagreement']) > 0) or not two
    images = tmp_path / 'images'
    read = {}
    for place in ('labelme', 'coco.json'):
        pairs, source = open_masks(images, run / 'label_next' / place)
        found = [pair for pair in pairs.labeled]
        assert {pair.name for pair in found} == stems
        for pair in found:
            mask = source.read(pair)
            codes = {label: code for code, label in source.labels.items()}
            known = [codes.get(name, 99 + k) for k, name in enumerate(CLASSES)]
            encoding = Encoding('labels', 'label', CLASSES, known, [0])
            read[place, pair.name] = labels_of(mask, encoding)[0]
    for name in stems:
        first, second = read['labelme', name], read['coco.json', name]
        assert first.shape == (90, 110)
        assert (first != second).mean() < 0.06
        assert (first == 255).mean() < 0.01
    place = run / 'label_next/labelme' / f'{done.images[0]}.json'
    data = json.loads(place.read_text())
    assert cv2.imdecode(
        np.fromfile(place.parent / data['imagePath'], np.uint8), 1
    ).shape == (90, 110, 3)


def test_corrections_are_moved_aside(run, capsys) -> None:
    label_next(run, number=1)
    mine = run / 'label_next/labelme/corrected.json'
    mine.write_text('by hand')
    (run / 'label_next.1').mkdir()
    label_next(run, number=2)
    assert 'now label_next.2' in capsys.readouterr().out
    moved = run / 'label_next.2/labelme/corrected.json'
    assert moved.read_text() == 'by hand' and not mine.exists()
    assert len(rows_of(run)) == 2
    with open(run / 'label_next.2.csv', encoding='utf-8') as file:
        assert len(list(csv.DictReader(file))) == 1


def test_what_is_missing_is_named(run, tmp_path) -> None:
    def refused(match, place=run, **options):
        with pytest.raises(UsageError, match=match):
            label_next(place, **options)

    refused('--number must be positive, got 0', number=0)
    refused('--candidates must be positive', candidates=-1)
    refused('no such run', tmp_path / 'none')
    write_segmentor(tmp_path / 'plain')
    refused('mmsemi fit did not make this run.*--images', tmp_path / 'plain')
    (tmp_path / 'empty').mkdir()
    refused('no images with the suffixes', images=tmp_path / 'empty')
    (tmp_path / 'empty/x.png').write_bytes(b'')
    refused(
        'none of 1 unlabeled images can be read', images=tmp_path / 'empty'
    )
    (run / 'data/unlabeled.txt').unlink()
    refused('every image has a mask')
    assert not (run / 'label_next').exists()


def test_any_folder_of_images_for_any_model(tmp_path) -> None:
    write_segmentor(tmp_path / 'plain')
    odd = ['-rf.png', 'a,"b"\n;.png', '*[x]?.jpg', 'c/x..d.png', 'd.jpg']
    write_photos(tmp_path / 'images', [*odd, 'd.png'])
    raw = os.fsencode(tmp_path / 'images') + b'/\xff\xfe.png'
    shutil.copy(tmp_path / 'images/d.png', raw)
    done = label_next(
        tmp_path / 'plain', images=tmp_path / 'images', candidates=7
    )
    names = {'-rf', 'a,"b"\n;', '*[x]?', 'c/x..d', 'd.jpg', 'd.png'}
    assert set(done.images) == names | {os.fsdecode(b'\xff\xfe')}
    with open(
        done.table, encoding='utf-8', errors='surrogateescape', newline=''
    ) as file:
        rows = list(csv.DictReader(file))
    assert [row['image'] for row in rows] == done.images
    files = [p for p in (tmp_path / 'plain').rglob('labelme/**/*.json')]
    assert len(files) == 7
    out = tmp_path / 'out'
    assert predict(tmp_path / 'plain', tmp_path / 'images', out).images == 7
    made = {p.relative_to(out / 'masks') for p in out.rglob('*.png')}
    assert made == {Path(f'{name}.png') for name in done.images}


def blobs(seed: int, size=(120, 160)) -> np.ndarray:
    """Smooth areas of four classes, with holes and touching borders."""
    rng = np.random.default_rng(seed)
    noise = rng.random((4, 9, 12)).astype(np.float32)
    large = [
        cv2.resize(n, size[::-1], interpolation=cv2.INTER_CUBIC) for n in noise
    ]
    labels = np.argmax(large, 0).astype(np.uint8)
    labels[30:70, 40:90] = 1
    labels[40:60, 50:80] = 2
    labels[45:55, 60:70] = 1
    return labels


@pytest.mark.parametrize('seed', range(3))
def test_polygons_read_back_as_the_mask(tmp_path, seed) -> None:
    labels = without_specks(blobs(seed), 40)
    classes = ['background', 'one', 'two', 'three']
    (tmp_path / 'images').mkdir()
    image = tmp_path / 'images/a.png'
    cv2.imwrite(str(image), np.zeros((*labels.shape, 3), np.uint8))
    areas = areas_of(labels)
    data = labelme_data(labels, areas, classes, image, tmp_path / 'labelme')
    coco = CocoFile(classes)
    coco.add('a.png', labels, areas)
    for folder, content in (('labelme', data), ('coco', coco.data())):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / 'a.json').write_text(json.dumps(content))
        pairs, source = open_masks(tmp_path / 'images', tmp_path / folder)
        mask = source.read(pairs.labeled[0])
        codes = {label: code for code, label in source.labels.items()}
        known = [0, *(codes[name] for name in classes[1:])]
        got, _ = labels_of(mask, Encoding('x', 'label', classes, known))
        assert (got == labels).mean() > 0.97
        for label in range(4):
            both = (got == label) & (labels == label)
            either = (got == label) | (labels == label)
            assert both.sum() / either.sum() > 0.9
        # Away from borders nothing changes: no gap, no lost hole.
        wide = np.ones((5, 5), np.uint8)
        inside = cv2.erode(labels, wide) == cv2.dilate(labels, wide)
        assert (got == labels)[inside].all()
    points = sum(len(shape['points']) for shape in data['shapes'])
    borders = (labels[1:] != labels[:-1]).sum()
    assert points < borders / 2


def test_specks_go_to_their_neighbors() -> None:
    labels = np.zeros((40, 40), np.uint8)
    labels[:, 20:] = 1
    labels[5:7, 5:7] = 2
    labels[30, 30] = 0
    clean = without_specks(labels, 10)
    assert set(np.unique(clean)) == {0, 1}
    assert (clean[:, 20:] == 1).all() and (clean[:, :20] == 0).all()


def test_small_classes_have_a_say_in_uncertainty() -> None:
    """A tenth of the pixels unsure: worse as a class of its own."""
    sure = torch.zeros(3, 10, 100)
    sure[0] = 1
    spread, own = sure.clone(), sure.clone()
    spread[:2, :, ::10] = torch.tensor([0.52, 0.48])[:, None, None]
    own[:2, :, :10] = torch.tensor([0.48, 0.52])[:, None, None]
    feature = torch.ones(4, 2, 2)
    values = [
        image_use(p, p, feature).uncertainty for p in (sure, spread, own)
    ]
    assert values[0] == 0 < values[1] < values[2]
    one = image_use(own, sure, feature)
    assert one.unsure_class == 1 and one.shares.tolist() == pytest.approx(
        [0.9, 0.1, 0]
    )
    assert one.disagreement == pytest.approx(0.25)  # root of 0.1 : of 0.9


def test_near_duplicates_are_not_chosen_together() -> None:
    rng = np.random.default_rng(0)
    scenes = rng.normal(size=(6, 16))
    features = np.repeat(scenes, 10, 0) + rng.normal(size=(60, 16)) * 0.01
    use = rng.random(60)
    choices = choose(use, features, scenes[:2], 4)
    # One of each scene that is not labeled yet, though others are of use.
    assert sorted(c.place // 10 for c in choices) == [2, 3, 4, 5]
    for choice in choices:
        same = slice(choice.place // 10 * 10, choice.place // 10 * 10 + 10)
        assert use[choice.place] >= np.median(use[same])
    assert len(choose(use, features, features[:0], 100)) == 60
    everything = [c.place for c in choose(use, features, features[:0], 60)]
    assert sorted(everything) == list(range(60))


@pytest.mark.parametrize('drawn', [None, np.array([0.9, 0.1])])
def test_what_is_rare_is_told_from_masks(drawn) -> None:
    """A poor model predicts little of the most frequent class."""
    uses = {}
    for k, number in enumerate((1, 2, 4)):
        much = torch.tensor([[0.2] * 9 + [0.9] * number])
        both = torch.stack([much, 1 - much])
        uses[str(k)] = image_use(both, both, torch.eye(3)[k].view(3, 1, 1))
    rows = ranking(uses, {}, 3, ['much', 'few'], True, drawn)
    reasons = ' '.join(row['reason'] for row in rows)
    assert ('hold much, which is rare' in reasons) is (drawn is None)


def test_rare_classes_and_ranks() -> None:
    shares = np.array([[0.9, 0.1, 0.0], [0.9, 0.0, 0.1], [1.0, 0, 0]])
    values = rarity(shares, np.array([0.9, 0.09, 0.01]))
    assert values[1] > values[0] > values[2]
    assert percentiles(np.array([5.0, 1.0, 5.0, 9.0])).tolist() == (
        pytest.approx([0.5, 0, 0.5, 1])
    )
