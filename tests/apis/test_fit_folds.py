"""Cross-validation of few labeled images."""

import importlib
import json
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

import mmsemi
from mmsemi.apis.fit_begin import _model_to_begin_with
from mmsemi.apis.fit_folds import (
    check_folds,
    fold_lists,
    number_of_folds,
    offer,
    write_folds,
)
from mmsemi.apis.inference import Predictor
from mmsemi.apis.train import build_runner
from mmsemi.engine.interruption import Interrupted
from mmsemi.evaluation.bootstrap import compare, count_array
from mmsemi.prepare.fit_settings import Setting
from mmsemi.prepare.holdout import draw_folds
from mmsemi.report.own_data.gallery import read_gallery
from mmsemi.report.own_data.run_folder import RunFolder, read_facts, read_names
from mmsemi.utils.errors import UsageError
from mmsemi.utils.progress import format_seconds
from tests.apis.test_fit import NAMES, folders

LABELED = NAMES[:2]


@pytest.fixture(scope='module')
def done(tmp_path_factory) -> Path:
    """A run that was stopped in its third training, and went on."""
    root = tmp_path_factory.mktemp('folds')
    images, masks = folders(root, labeled=2)
    started = []

    def build(cfg):
        started.append(cfg.work_dir)
        if len(started) == 3:
            raise Interrupted(signal.SIGTERM)
        return build_runner(cfg)

    arguments = dict(images=images, masks=masks, out=str(root / 'run'))
    arguments |= dict(iters=4, cross_validate='auto', time=None)
    arguments['method'] = 'dst_cbc'
    train_module = importlib.import_module('mmsemi.apis.train')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_module, 'build_runner', build)
        with pytest.raises(Interrupted):
            mmsemi.fit(**arguments)
        number = len(started)
        arguments['out'] = str((root / 'run').rename(root / 'moved'))
        run = mmsemi.fit(**arguments, resume=True)
    places = [Path(p).relative_to(root / 'run') for p in started[:number]]
    places += [Path(p).relative_to(run) for p in started[number:]]
    folds = [f'folds/{k}/{kind}' for k in (1, 2) for kind in KINDS]
    trained = list(map(str, places))
    assert trained[:5] == [*folds[:3], *folds[2:]]
    assert trained[5:] in (['twin'], ['twin', 'train'])
    return run


KINDS = ('twin', 'train')


@pytest.mark.slow
def test_each_image_is_held_out_once_and_then_learned_from(done) -> None:
    held = []
    for k in (1, 2):
        fold = {
            part: read_names(done / f'folds/{k}', part)
            for part in ('labeled', 'holdout', 'unlabeled')
        }
        held += fold['holdout']
        assert sorted(fold['labeled'] + fold['holdout']) == sorted(LABELED)
        assert sorted(fold['unlabeled']) == sorted(NAMES[2:])
        for name in ('config.py', 'twin.py'):
            cfg = Config.fromfile(done / f'folds/{k}/{name}')
            lists = cfg.data.splits.own.lists
            assert lists[0] == str(done / f'folds/{k}/data/labeled.txt')
            prefix = cfg.data.labeled.data_prefix
            assert prefix.seg_map_path == str(done / 'data/masks')
    assert sorted(held) == sorted(LABELED)
    assert sorted(read_names(done, 'labeled')) == sorted(LABELED)
    told = json.loads((done / 'report.json').read_text())
    # The method begins as the twin does, so that is trained for it.
    kinds = [(done / kind).exists() for kind in KINDS]
    better = told['verdict']['recommended']
    assert kinds == [True, better == 'method']


@pytest.mark.slow
def test_figures_are_those_of_the_models_that_had_not_seen_them(done) -> None:
    found = json.loads((done / 'holdout.json').read_text())
    run = RunFolder(done)
    for key, place in (('method', 'train'), ('twin', 'twin')):
        assert set(found[key]['per_image']) == set(LABELED)
        for k in (1, 2):
            (name,) = read_names(done / f'folds/{k}', 'holdout')
            path = done / f'folds/{k}/{place}/segmentor.pth'
            model = Predictor(Config.fromfile(path.with_suffix('.py')), path)
            ids = model(run.image(name))['ids']
            counts = found[key]['per_image'][name]['prediction']
            assert counts == np.bincount(ids.ravel(), minlength=2).tolist()


@pytest.mark.slow
def test_the_report_says_how_it_was_measured(done) -> None:
    told = json.loads((done / 'report.json').read_text())
    assert told['measured_images'] == 2 and told['folds'] == 2
    summaries = list(done.rglob('summary.json'))
    seconds = sum(json.loads(p.read_text())['wall_seconds'] for p in summaries)
    (tile,) = [t for t in told['tiles'] if t['name'] == 'training time']
    assert tile['value'] == format_seconds(seconds)
    assert tile['more'].startswith(f'{len(summaries)} trainings, ')
    both = [
        count_array(
            json.loads((done / 'holdout.json').read_text())[key]['per_image']
        )
        for key in ('method', 'twin')
    ]
    gain = compare(*both).gain.mean
    assert told['means']['gain'] == gain._asdict()
    page = (done / 'report.html').read_text()
    assert 'each of the 2 labeled images was held out once, in 2' in page
    assert '2 labeled, each held out once, 6 unlabeled' in page
    parts = [item['part'] for item in read_gallery(RunFolder(done))]
    assert parts == ['holdout'] * 2 + ['unlabeled'] * 4
    best = told['verdict']['recommended']
    place = done / dict(method='train', twin='twin')[best]
    weights = [
        torch.load(folder / 'segmentor.pth')['state_dict']
        for folder in (done, place, done / 'folds/1' / place.name)
    ]
    same = [
        all(
            torch.equal(value, other[key]) for key, value in weights[0].items()
        )
        for other in weights[1:]
    ]
    assert same == [True, False]


@pytest.mark.slow
def test_a_model_that_saw_held_out_masks_is_no_beginning(
    done, tmp_path, capsys
) -> None:
    """The model of a run with folds has seen every mask."""
    from mmsemi.apis.doctor import doctor
    from mmsemi.apis.fit_data import plan_data

    images, masks = folders(tmp_path, labeled=3)
    run = tmp_path / 'run'
    (run / 'history').mkdir(parents=True)
    (run / 'history/1').symlink_to(done)
    earlier = run / 'history/1'
    found = doctor(images, masks)
    facts = read_facts(earlier)
    same = {s['name']: Setting(**s) for s in facts['settings']}, '', None
    for wanted in (None, 2):
        plan = plan_data(found, images, None, 0, [], wanted)
        model = _model_to_begin_with(run, earlier, plan, *same)
        seen = wanted or set(plan.lists['holdout']) & set(LABELED)
        assert (model is None) == bool(seen)
    assert 'training starts anew' in capsys.readouterr().out
    (tmp_path / 'val.txt').write_text(f'{NAMES[2]}\n')
    plan = plan_data(found, images, str(tmp_path / 'val.txt'), 0)
    model = _model_to_begin_with(run, earlier, plan, *same)
    assert model == '../history/1/segmentor.pth'


def test_folds_leave_every_class_to_learn_from() -> None:
    pixels = np.zeros((7, 3), np.int64)
    pixels[:, 0] = 100
    pixels[[1, 5], 1] = 20  # never in the same fold
    pixels[[0, 2, 3], 2] = 30
    for seed in range(5):
        folds = draw_folds(pixels, 3, seed)
        assert sorted(map(len, folds)) == [2, 2, 3]
        assert sorted(np.concatenate(folds)) == list(range(7))
        assert not any({1, 5} <= set(rows.tolist()) for rows in folds)


def test_how_many_folds() -> None:
    assert [number_of_folds('auto', n) for n in (2, 4, 30)] == [2, 4, 5]
    assert number_of_folds(None, 1) == 0 and number_of_folds(3, 9) == 3
    for wanted, labeled in ((1, 9), (10, 9), ('auto', 1), (2.5, 9)):
        with pytest.raises(UsageError, match=f'--cross-validate {wanted}: '):
            number_of_folds(wanted, labeled)


def test_partly_labeled_images_are_not_seen_either(tmp_path) -> None:
    """Neither with their masks nor as unlabeled images."""
    lists = dict(
        labeled=['a', 'b', 'c'], holdout=[], unlabeled=['u', 'b'], partly=['b']
    )
    pixels = np.array([[5, 5, 0], [5, 5, 9], [5, 5, 0]])
    folds = fold_lists(lists, pixels, 3, 0)
    for fold in folds:
        (held,) = fold['holdout']
        others = {
            n for k, names in fold.items() if k != 'holdout' for n in names
        }
        assert others == set('abcu') - {held}
    (warning,) = check_folds(['x', 'y', 'z'], pixels, ['a', 'b', 'c'], folds)
    assert warning.severity == 'warning' and warning.value == ['z']
    configs = ['config.py', 'twin.py']
    write_folds(tmp_path, folds, configs, 8, 4, False)
    for k in (1, 2, 3):  # a method that does not know of them
        assert 'partly' not in (tmp_path / f'folds/{k}/config.py').read_text()
    write_folds(tmp_path, folds, configs, 8, 4, True)
    (tmp_path / 'config.py').write_text("data = dict(partly_labeled='all')")
    (tmp_path / 'twin.py').write_text('data = dict()')
    for k, fold in enumerate(folds, 1):
        path = tmp_path / f'folds/{k}'
        partly = Config.fromfile(path / 'config.py').data.partly_labeled
        own = str(path / 'data/partly.txt')
        assert partly == (own if fold['partly'] else None)
        begins = Config.fromfile(path / 'config.py').load_from
        assert begins == str(path / 'data/../twin/iteration_4.pth')
        assert 'partly_labeled' not in Config.fromfile(path / 'twin.py').data
    with pytest.raises(UsageError, match='when b is held out, no image with'):
        fold_lists(dict(lists, unlabeled=['b']), pixels, 3, 0)


def test_it_is_offered_with_its_cost() -> None:
    text = offer(6, 1, 2, 300, [0.5, 0.35])
    # 5 folds of both, then both with all images; half of the first is done
    # by the second.
    seconds = 300 * 6 * (0.25 + 0.35) / 0.85
    assert (
        '12 trainings instead of 2' in text and f'{seconds / 60:.0f}m' in text
    )
    assert offer(6, 1, 1, 300, []).endswith(
        '6 trainings instead of 1, of 300 iterations each.'
    )
    assert offer(12, 2, 2, 300, []).startswith('A hold-out of 2 tells little')
    assert offer(20, 4, 2, 300, [0.5, 0.35]) == ''


def test_it_is_one_or_the_other(tmp_path) -> None:
    images, masks = folders(tmp_path, labeled=2)
    with pytest.raises(UsageError, match='Leave one of the two out'):
        mmsemi.fit(
            images, masks, str(tmp_path / 'run'), val=images, cross_validate=2
        )
