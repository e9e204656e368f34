"""Unlabeled images are left aside where labels for them would be poor."""

import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

import mmsemi
from mmsemi.apis import fit_labels
from mmsemi.prepare.fit_config import OwnData, config_text
from mmsemi.prepare.fit_settings import DataFacts, choose_settings
from mmsemi.report.own_data.run_folder import read_facts, read_names
from tests.apis.test_fit import NAMES, SIZE, folders, picture


class Oracle:
    """A model that finds the square, or what the square is not."""

    wrong = False

    def __init__(self, cfg, checkpoint, device) -> None:
        assert Path(checkpoint).is_file() and cfg.model

    def __call__(self, path, tell) -> dict[str, np.ndarray]:
        name = str(path).split('images/')[1]
        ids = picture(NAMES.index(name))[1] ^ self.wrong
        return dict(
            ids=ids.astype(np.uint8), confidence=np.full(ids.shape, 0.9)
        )


class Liar(Oracle):
    wrong = True


@pytest.fixture
def begun(tmp_path, monkeypatch) -> dict:
    """Arguments of a run whose labels would be poor."""
    images, masks = folders(tmp_path)
    monkeypatch.setattr(fit_labels, 'Predictor', Liar)
    return dict(images=images, masks=masks, out=tmp_path / 'run', iters=4)


@pytest.mark.slow
def test_what_is_left_of_a_run(begun, monkeypatch, capsys) -> None:
    """The labeled-only model is the only one; stops do no harm."""
    steps: list[str] = []

    def stop_once(step: str) -> None:
        known = getattr(Path, step)

        def stop(path, *args, **options):
            if path.name in ('twin', 'twin.py') and step not in steps:
                steps.append(step)
                raise KeyboardInterrupt
            return known(path, *args, **options)

        monkeypatch.setattr(Path, step, stop)

    stop_once('rename')
    stop_once('unlink')
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            mmsemi.fit(**begun, resume=bool(steps))
    assert steps == ['rename', 'unlink']
    run = mmsemi.fit(**begun, resume=True)
    out = capsys.readouterr().out
    assert out.count('The 3 unlabeled images are left aside') == 1
    assert 'right in 0 % of the pixels' in out
    assert '--method mean_teacher trains with' in out
    assert not (run / 'twin').exists() and not (run / 'twin.py').exists()
    config = Config.fromfile(run / 'config.py')
    assert config.train_cfg.max_iters == 4 and config.load_from is None
    text = (run / 'config.py').read_text()
    assert 'twin.py' not in text and 'mmsemi train config.py' in text
    for name in ('segmentor.pth', 'segmentor.py'):
        assert (run / name).read_bytes() == (run / 'train' / name).read_bytes()
    for name in NAMES:
        size = Image.open(run / 'masks' / Path(name).with_suffix('.png')).size
        assert size == picture(NAMES.index(name))[0].size
    told = json.loads((run / 'report.json').read_text())['verdict']
    assert told['headline'] == 'Trained on labeled images only'
    assert 'right in 0 % of the pixels' in told['text']
    settings = {s['name']: s['value'] for s in read_facts(run)['settings']}
    assert settings['method'] == 'supervised' and 'shared' not in settings


@pytest.mark.slow
def test_good_labels_and_chosen_methods_are_learned_from(
    begun, monkeypatch
) -> None:
    """What a person chose is trained, and nobody asks about its labels."""
    run = mmsemi.fit(**begun, method='mean_teacher')
    assert 'label_precision' not in read_facts(run)
    assert (run / 'twin').is_dir() and (run / 'train').is_dir()
    shared = read_facts(run)['shared']
    assert read_names(run, 'holdout')
    assert fit_labels.label_precision(run, shared) == 0
    monkeypatch.setattr(fit_labels, 'Predictor', Oracle)
    assert fit_labels.label_precision(run, shared) == 1


def test_paths_stay_when_the_twin_becomes_the_model(tmp_path) -> None:
    """The path of the images may hold the name of the config."""
    settings = {
        setting.name: setting
        for setting in choose_settings(
            DataFacts(np.array([SIZE] * 4), np.array([9, 9]), 3, 0)
        ).values()
    }
    own = OwnData('/photos/twin.py-set', ['a', 'b'], [[0] * 3, [9] * 3], {})
    for name in ('twin.py', 'config.py'):
        text = config_text(name, 'A model', settings, own, 4, 0, alone=True)
        (tmp_path / name).write_text(text)
    wanted = (tmp_path / 'config.py').read_text()
    fit_labels.make_twin_the_model(tmp_path)
    assert (tmp_path / 'config.py').read_text() == wanted


class Hesitant(Oracle):
    """One that finds half of the square, as others do not know."""

    def __call__(self, path, tell) -> dict[str, np.ndarray]:
        found = super().__call__(path, tell)
        found['ids'][: len(found['ids']) // 2] = 0
        return found


@pytest.mark.parametrize('listed', [None, 'drawn.csv'])
def test_hidden_classes_are_not_wrong(tmp_path, monkeypatch, listed) -> None:
    """Where background is hidden, nobody knows how often it is right."""
    name = NAMES[1]
    truth = np.where(picture(1)[1], 1, 255).astype(np.uint8)
    (tmp_path / 'data/masks').mkdir(parents=True)
    Image.fromarray(truth).save(tmp_path / f'data/masks/{name}.png')
    (tmp_path / 'data/holdout.txt').write_text(f'{name}\n')
    (tmp_path / 'twin').mkdir()
    (tmp_path / 'twin/iteration_2.pth').touch()
    facts = dict(
        images=str(tmp_path / 'images'),
        classes=['background', 'square'],
        palette=[[0] * 3, [9] * 3],
        wish=dict(labeled_classes=listed),
    )
    (tmp_path / 'fit.json').write_text(json.dumps(facts))
    (tmp_path / 'twin.py').write_text('model = dict(a=1)\n')
    monkeypatch.setattr(fit_labels, 'Predictor', Hesitant)
    monkeypatch.setattr(fit_labels, 'load_config', Config.fromfile)
    expected = 1 if listed else 0.5
    assert fit_labels.label_precision(tmp_path, 2) == expected
