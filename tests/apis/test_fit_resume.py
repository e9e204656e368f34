"""Runs that were stopped go on, whatever happened to their files since."""

import importlib
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import MessageHub

import mmsemi
from mmsemi.apis.fit_train import train_both, train_one
from mmsemi.apis.run_record import add_place, moves, read_record
from mmsemi.apis.train import build_runner
from mmsemi.engine.hooks import KeepWeightsHook
from mmsemi.engine.interruption import Interrupted
from mmsemi.io.files import write_json
from mmsemi.report.own_data.run_folder import read_facts
from mmsemi.utils.errors import TrainingFailed, UsageError
from tests.apis.test_fit import draw_mask, folders


class Stop(Hook):
    """Stop after an iteration and its checkpoint."""

    priority = 'LOWEST'

    def after_train_iter(self, runner, *args, **kwargs) -> None:
        raise Interrupted(signal.SIGTERM)


class Runners:
    """Makes runners, and stops at the start of some or after a step."""

    def __init__(self, at_start: int = 0, in_step: int = 0) -> None:
        self.at_start, self.in_step = at_start, in_step
        self.places: list[str] = []
        self.resumed: list[bool] = []

    def __call__(self, cfg: Config):
        self.places.append(Path(cfg.work_dir).name)
        self.resumed.append(bool(cfg.resume))
        if len(self.places) == self.at_start:
            raise Interrupted(signal.SIGTERM)
        runner = build_runner(cfg)
        if len(self.places) == self.in_step:
            runner.register_hook(Stop())
        return runner


def start(runners: Runners, **arguments) -> Path:
    train_module = importlib.import_module('mmsemi.apis.train')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_module, 'build_runner', runners)
        return mmsemi.fit(**arguments)


def weights(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path)['state_dict']


@pytest.fixture(scope='module')
def stopped(tmp_path_factory) -> tuple[Path, dict]:
    """Its twin is trained, of its method nothing is."""
    root = tmp_path_factory.mktemp('stopped')
    images, masks = folders(root)
    arguments = dict(
        images=images, masks=masks, method='mean_teacher', iters=4
    )
    with pytest.raises(Interrupted):
        start(Runners(at_start=2), out=str(root / 'run'), **arguments)
    return root, arguments


@pytest.mark.slow
def test_weights_to_begin_with_are_made_again_wherever_the_run_lies(
    stopped, capsys
) -> None:
    root, arguments = stopped
    begin = root / 'run/twin/iteration_2.pth'
    before = weights(begin)
    begin.unlink()
    (root / 'elsewhere').mkdir()
    run = (root / 'run').rename(root / 'elsewhere/mine')
    arguments = dict(arguments, out=str(run), resume=True)
    runners = Runners(in_step=2)
    with pytest.raises(Interrupted):
        start(runners, **arguments)
    assert runners.places == ['twin', 'train']
    assert 'iteration_2.pth is missing' in capsys.readouterr().out
    again = weights(run / 'twin/iteration_2.pth')
    assert all(torch.equal(again[key], before[key]) for key in before)
    assert (run / 'twin.old-1/segmentor.pth').is_file()
    # With a checkpoint of its own it needs them no more.
    (run / 'twin/iteration_2.pth').unlink()
    run = run.rename(root / 'run')
    runners = Runners()
    start(runners, **dict(arguments, out=str(run)))
    assert runners.places == ['train'] and runners.resumed == [True]
    assert read_facts(run)['finished']
    page = (run / 'report.html').read_text()
    assert f'mmsemi train {run}/config.py' in page
    assert f'--out {run}-again' in page
    draw_mask(root, 'f.png')
    with pytest.raises(Interrupted):
        start(
            Runners(at_start=1), **dict(arguments, out=str(run), resume=False)
        )
    # Where the folder lies is in none of what it holds.
    run = run.rename(root / 'later')
    begins = Config.fromfile(run / 'twin.py').load_from
    assert Path(begins).resolve() == run / 'history/1/segmentor.pth'


def test_a_training_that_fails_leads_out(tmp_path, monkeypatch) -> None:
    def fail(*args, **kwargs):
        raise TrainingFailed('training has collapsed: in iteration 9')

    monkeypatch.setattr('mmsemi.apis.fit_train.train', fail)
    facts = dict(
        settings=[dict(name='method', value='mean_teacher')], shared=0
    )
    (tmp_path / 'twin').mkdir()
    (tmp_path / 'twin/segmentor.pth').touch()
    for key, words in (
        ('method', f'labeled images alone is {tmp_path}/twin/segmentor.pth'),
        ('twin', f'run `mmsemi train {tmp_path}/twin.py`'),
    ):
        with pytest.raises(UsageError, match=words) as error:
            train_one(tmp_path, facts, key)
        assert 'has collapsed: in iteration 9. ' in str(error.value)


def test_a_training_without_a_whole_checkpoint_starts_anew(
    tmp_path, monkeypatch, capsys
) -> None:
    called = []
    monkeypatch.setattr(
        'mmsemi.apis.fit_train.train', lambda *_, **how: called.append(how)
    )
    facts = dict(
        settings=[dict(name='method', value='mean_teacher')], shared=0
    )
    folder = tmp_path / 'train'
    write_json(folder, 'run.json', dict(finished=False))
    train_one(tmp_path, facts, 'method')
    (folder / 'iter_4.pth').write_bytes(b'half')
    train_one(tmp_path, facts, 'method')
    assert [how['resume'] for how in called] == [True, False]
    assert [how['overwrite'] for how in called] == [False, True]
    assert 'so this training starts anew' in capsys.readouterr().out


def test_what_is_finished_needs_no_weights_to_begin_with(
    tmp_path, monkeypatch
) -> None:
    """Checkpoints of trainings that are over may be removed."""
    called = []
    monkeypatch.setattr(
        'mmsemi.apis.fit_train.train', lambda *_, **how: called.append(how)
    )
    settings = [dict(name='method', value='mean_teacher')]
    facts = dict(settings=settings, twin=True, shared=2)
    for name in ('twin', 'train'):
        write_json(tmp_path / name, 'run.json', dict(finished=True))
    train_both(tmp_path, facts)
    assert [how['overwrite'] for how in called] == [False, False]


def test_where_a_run_was(tmp_path) -> None:
    work, config = tmp_path / 'b/run/train', tmp_path / 'b/run/config.py'
    work.mkdir(parents=True)

    def told(*folders: str, place: str = 'train'):
        record = dict(folders=folders, place=place)
        write_json(work, 'run.json', record)
        return moves(work, str(config)).paths

    masks = str(tmp_path / 'b/run/data/masks')
    assert told('/a/run')('/a/run/data/masks')[1:] == [masks]
    assert told('/x', '/a/run')('/a/run/data/masks')[1:] == [masks]
    add_place(work, str(config))
    folders = ['/x', '/a/run', str(config.parent)]
    assert read_record(work)['folders'] == folders
    assert told('/a/run')('/abc/run') == ['/abc/run']
    assert told('/a/run')([3]) == [[3]]
    assert told(str(config.parent))(masks) == [masks]
    # Another config than the one that was moved along.
    assert len(told('/a/run', place='../other')('/a/run/data')) == 1
    write_json(work, 'run.json', {})
    add_place(work, str(config))
    assert moves(work, str(config)).paths('/a/run') == ['/a/run']


def test_weights_that_are_not_finite_are_waited_for(
    tmp_path, monkeypatch
) -> None:
    """A training that recovers is one that another can begin with."""
    values = [1.0, float('nan'), float('nan'), 4.0, 5.0]
    monkeypatch.setattr(
        KeepWeightsHook,
        '_network',
        staticmethod(lambda r: dict(w=torch.tensor([values[r.iter]]))),
    )
    dataset = SimpleNamespace(metainfo={})
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset))
    saved = {}
    for k in range(len(values)):
        # Stopped and resumed after each iteration: all there is of the
        # last one is what checkpoints hold.
        hub = MessageHub(f'{tmp_path.name}_{k}')
        hub.load_state_dict(saved) if saved else None
        runner = SimpleNamespace(
            iter=k, work_dir=str(tmp_path), train_loop=loop, message_hub=hub
        )
        KeepWeightsHook(at=2).after_train_iter(runner, k)
        saved = hub.state_dict()
    assert weights(tmp_path / 'iteration_2.pth')['w'].item() == 4


def test_facts_that_lack_something_are_told(tmp_path) -> None:
    images, masks = folders(tmp_path)
    run = tmp_path / 'run'
    run.mkdir()
    facts = dict(images=images, numbers={}, settings=[], twin=True)
    write_json(run, 'fit.json', facts)
    with pytest.raises(UsageError, match='fit.json does not tell wish, sha'):
        mmsemi.fit(images, masks, out=str(run), resume=True)
