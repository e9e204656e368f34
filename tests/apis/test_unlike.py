"""Images without a mask that look like none with one."""

import numpy as np
import pytest

from mmsemi.apis import doctor
from mmsemi.apis import unlike as module
from mmsemi.apis.fit_data import plan_data, write_data
from mmsemi.apis.unlike import unlike_labeled
from mmsemi.doctor.unlike import KIND
from mmsemi.report.own_data.run_folder import read_names
from tests.prepare.own_folders import SIZE, put

DARK, BRIGHT = 30, 200


def add(root, name: str, level: int, **kwargs) -> None:
    noise = np.random.default_rng(len(name)).integers(0, 20, (*SIZE, 3))
    put(root / f'images/{name}', (noise + level).astype(np.uint8), **kwargs)


@pytest.fixture
def folders(tmp_path):
    """20 dark images, of which four have a mask, and three bright ones."""
    for number in range(20):
        add(tmp_path, f'dark{number:02d}.png', DARK + number)
    for number in range(3):
        add(tmp_path, f'bright{number}.jpg', BRIGHT)
    mask = np.zeros(SIZE, np.uint8)
    mask[10:30, 20:40] = 1
    for number in range(0, 20, 5):
        put(tmp_path / f'masks/dark{number:02d}.png', mask)
    return tmp_path


def look(root):
    return doctor(str(root / 'images'), str(root / 'masks'))


def found(root) -> list:
    return [f for f in look(root).findings if f.kind == KIND]


def test_they_are_found(folders) -> None:
    (finding,) = found(folders)
    assert finding.severity == 'warning' and finding.number == 3
    assert 'bright' in finding.file and finding.value == round(3 / 19, 4)
    assert 'far from those of every image with a mask' in finding.sentence
    far = unlike_labeled(look(folders))
    assert far == {str(folders / f'images/bright{k}.jpg') for k in range(3)}


def test_one_mask_among_them_is_enough(folders) -> None:
    put(folders / 'masks/bright1.png', np.eye(*SIZE, dtype=np.uint8))
    assert not found(folders) and unlike_labeled(look(folders)) == set()


def test_a_few_odd_images_go_without_saying(folders) -> None:
    for number in range(60):
        add(folders, f'more{number}.png', DARK + number % 20)
    assert not found(folders)


def test_deep_images_are_not_compared(folders) -> None:
    for number in range(3):
        (folders / f'images/bright{number}.jpg').unlink()
        deep = np.full(SIZE, 60_000, np.uint16)
        put(folders / f'images/deep{number}.png', deep)
    assert not found(folders)


def test_of_many_images_some_are_looked_at(folders, monkeypatch) -> None:
    """Files that are left aside are all, though."""
    seen = []
    known = module.appearance
    monkeypatch.setattr(module, '_SAMPLE', 10)
    monkeypatch.setattr(
        module, 'appearance', lambda file: seen.append(file) or known(file)
    )
    result = look(folders)
    assert len(seen) == 10 + 4 and KIND in {f.kind for f in result.findings}
    assert len(unlike_labeled(result)) == 3


def test_they_are_left_aside(folders, tmp_path) -> None:
    images, result = str(folders / 'images'), look(folders)
    args = (result, images, None, 0)
    plan = plan_data(*args, aside=unlike_labeled(result))
    bright = [f'bright{number}.jpg' for number in range(3)]
    assert plan.lists['aside'] == bright
    assert plan.facts.unlabeled == len(plan.lists['unlabeled']) == 16
    assert plan.record['numbers']['unlabeled'] == 19
    run = tmp_path / 'run'
    write_data(plan, result, run, (images, str(folders / 'masks')))
    assert read_names(run, 'aside') == bright
    assert 'aside' not in plan_data(*args).lists
