"""--labeled-classes: from a CSV file to what is learned and measured."""

import json

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

import mmsemi
from mmsemi.apis.doctor import doctor
from mmsemi.apis.fit_data import plan_data, write_data
from mmsemi.apis.fit_run import what_changed
from mmsemi.cli import main
from mmsemi.report.own_data.run_folder import read_facts, read_names
from mmsemi.utils.errors import UsageError
from tests.prepare import own_folders as own
from tests.prepare.own_folders import lookup, photo, put, smooth

NAMES = 'background,cat,dog'
IMAGES = tuple('abcdefgh')
IDS = lookup(0, 1, 2)


def folders(root, make=IDS, partial='ab', labeled='abcdef'):
    """No dog was drawn in some of the images."""
    own.images(root, IMAGES)
    for shift, name in enumerate(labeled):
        ids = own.truth(2 if name in partial else 3, shift)
        put(root / f'masks/{name}.png', make(ids))
    (root / 'x.csv').write_text(
        'image,classes\n' + ''.join(f'{name}.png,cat\n' for name in partial)
    )
    return str(root / 'images'), str(root / 'masks')


def look(root, classes=NAMES, **changes):
    given = dict(labeled_classes=str(root / 'x.csv')) | changes
    folders = str(root / 'images'), str(root / 'masks')
    return doctor(*folders, classes=classes, **given)


def test_background_of_such_images_is_unknown(tmp_path) -> None:
    folders(tmp_path)
    before, found = look(tmp_path, labeled_classes=None), look(tmp_path)
    assert found.exit_code == 0
    assert found.drawn == dict(a=frozenset([1]), b=frozenset([1]))
    cat = [before.pixels[k, 1] for k in range(2)]
    assert found.pixels[:2].tolist() == [[0, cat[0], 0], [0, cat[1], 0]]
    assert found.ignored[:2].tolist() == [48 * 64 - n for n in cat]
    assert (found.pixels[2:] == before.pixels[2:]).all()
    note = {f.kind: f for f in found.findings}['classes-partly-drawn']
    assert (note.number, note.value) == (2, ['cat'])
    assert 'a.png (and 1 more): only cat was drawn here' in found.text()


@pytest.mark.parametrize(
    'make', [IDS, lambda ids: smooth(lookup(0, 127, 255)(ids))]
)
def test_what_is_written(tmp_path, make) -> None:
    """Also of smoothed masks, whose edges look like another class."""
    images, masks = folders(tmp_path, make)
    put(tmp_path / 'masks/b.png', make(2 * own.truth(2)))  # dogs only
    (tmp_path / 'x.csv').write_text('a,cat\nb,dog\n')
    found = look(tmp_path)
    plan = plan_data(found, images, None, 0)
    assert {'a.png', 'b.png'} <= {*plan.lists['partly']}
    assert {'a.png', 'b.png'} <= {*plan.lists['unlabeled']}
    assert {'a.png', 'b.png'}.isdisjoint(plan.lists['holdout'])
    write_data(plan, found, tmp_path / 'run', [images, masks])
    for shift, name in enumerate('abcd'):
        path = tmp_path / f'run/data/masks/{name}.png.png'
        ids, truth = np.array(Image.open(path)), own.truth(3, shift)
        if name in 'ab':
            truth = np.where(own.truth(2) == 1, 1 + shift, 255)
        sure = smooth(truth) == truth  # away from edges
        assert (ids[sure] == truth[sure]).all()
        assert (ids == truth).all() or make != IDS


def test_a_run_notices_another_list(tmp_path) -> None:
    images, _ = folders(tmp_path)
    before = plan_data(look(tmp_path), images, None, 0).record['masks_seen']
    (tmp_path / 'x.csv').write_text('a,cat\n')
    now = plan_data(look(tmp_path), images, None, 0).record['masks_seen']
    assert what_changed(before, now) == ['1 mask corrected (b.png)']


def test_measuring_on_such_images_is_said(tmp_path) -> None:
    images, _ = folders(tmp_path, partial='abcd')
    (tmp_path / 'val.txt').write_text('a\ne\n')
    plan = plan_data(look(tmp_path), images, str(tmp_path / 'val.txt'), 0)
    warning = {f.kind: f for f in plan.findings}['held-out-partly-drawn']
    assert (warning.file, warning.number) == ('a.png', 1)


def test_the_one_image_with_all_classes_is_learned_from(tmp_path) -> None:
    images, _ = folders(tmp_path, partial='abcde')
    with pytest.raises(UsageError, match='measure on hold only cat'):
        plan_data(look(tmp_path), images, None, 0)


@pytest.mark.parametrize(
    ('lines', 'options', 'words'),
    [
        ('c,cat\n', {}, 'c.png: 480 pixels are dog, which was not drawn'),
        ('a,cow\n', {}, "x.csv, line 1: there is no class 'cow'"),
        ('g,cat\n', {}, "no image with a mask is called 'g'"),
        ('a,cat\n', dict(labeled_classes='none.csv'), 'none.csv: cannot be'),
        ('a,r,s\n', dict(classes='r,s,t'), 'no class is background'),
    ],
)
def test_what_is_wrong_is_one_sentence(
    tmp_path, lines, options, words
) -> None:
    folders(tmp_path)
    (tmp_path / 'x.csv').write_text(lines)
    found = look(tmp_path, **options)
    assert found.exit_code == ('no class is' not in words)
    assert [f for f in found.findings if words in f.sentence], found.text()


def test_command(tmp_path, capsys) -> None:
    words = [*folders(tmp_path), '--classes', NAMES, '--json']
    main('doctor', [*words, '--labeled-classes', str(tmp_path / 'x.csv')])
    data = json.loads(capsys.readouterr().out)
    assert 'classes-partly-drawn' in {f['kind'] for f in data['findings']}


@pytest.mark.slow
def test_a_training_with_such_images(tmp_path) -> None:
    images, masks = folders(tmp_path)
    put(tmp_path / 'images/g.png', photo())
    csv = str(tmp_path / 'x.csv')
    run = mmsemi.fit(
        images,
        masks,
        str(tmp_path / 'run'),
        classes=NAMES,
        labeled_classes=csv,
        iters=2,
        twin=False,
    )
    assert read_facts(run)['wish']['labeled_classes'] == csv
    partly = read_names(run, 'partly')
    assert partly == ['a.png', 'b.png']
    ids = np.array(Image.open(run / 'data/masks/a.png.png'))
    assert set(np.unique(ids)) == {1, 255}
    cfg = Config.fromfile(run / 'config.py')
    assert cfg.data.partly_labeled == str(run / 'data/partly.txt')
    assert json.loads((run / 'train/summary.json').read_text())
