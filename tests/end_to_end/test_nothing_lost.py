"""Stopped, moved, copied, finished, diverged: what a run leaves stays."""

import copy
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook

from mmsemi.apis import config, setup
from mmsemi.apis.run_record import list_hashes, read_record
from mmsemi.engine.checkpoints import newest_whole
from mmsemi.engine.interruption import (
    PATIENCE,
    Interrupted,
    Interruption,
    heard,
)
from mmsemi.engine.resumable import check_state
from mmsemi.engine.runner import build_runner
from mmsemi.io import space
from mmsemi.registry import HOOKS
from mmsemi.utils.errors import UsageError
from tests.end_to_end.test_crash_points import command, figures, method_config
from tests.tiny import make_tiny_set


@HOOKS.register_module(force=True)
class SignalHook(Hook):
    """Send this process a signal at some point of a run."""

    priority = 'VERY_HIGH'

    def __init__(
        self,
        iteration: int,
        where: str = 'step',
        number: int = signal.SIGTERM,
        loading: int = 0,
    ) -> None:
        self.iteration, self.where = iteration, where
        self.number, self.loading = number, loading

    def _send(self) -> None:
        """To this process, and first to those that load data for it."""
        children = multiprocessing.active_children()
        assert len(children) == self.loading
        if children:  # by another process: torch tells its own signals
            pids = [str(child.pid) for child in children]
            subprocess.run(['kill', f'-{int(self.number)}', *pids], check=True)
            time.sleep(0.5)
        os.kill(os.getpid(), self.number)
        time.sleep(0.01)  # the interpreter handles it meanwhile

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        if self.where == 'step' and runner.iter + 1 == self.iteration:
            self._send()

    def before_val_iter(self, runner, batch_idx, data_batch=None) -> None:
        if self.where == 'validation' and runner.iter == self.iteration:
            self._send()

    def before_round(self, runner) -> None:
        if self.where == 'labeling':
            self._send()


@HOOKS.register_module(force=True)
class BegunHook(Hook):
    """Leave a file when three steps are done."""

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        if runner.iter == 2:
            Path(runner.work_dir, 'begun').touch()


@HOOKS.register_module(force=True)
class SpoilHook(Hook):
    """Give the model weights, or an image, that are not finite."""

    priority = 'HIGHEST'

    def __init__(self, iteration: int, what: str) -> None:
        self.iteration, self.what = iteration, what

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        if runner.iter != self.iteration:
            return
        if self.what == 'image':
            branch = data_batch['inputs']['unsup_teacher']
            branch[-1] = branch[-1].float()
            branch[-1][0, 3, 4] = float('inf')
        elif self.what == 'weights':
            next(runner.model.student.parameters()).data.fill_(float('nan'))
        else:
            runner.model.teacher.backbone.stem[1].running_var.fill_(np.inf)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('lost') / 'data')


@pytest.fixture(scope='module')
def online(root, tmp_path_factory):
    """A finished run of Mean Teacher: config, weights."""
    return finished('mean_teacher', root, tmp_path_factory)


@pytest.fixture(scope='module')
def rounds(root, tmp_path_factory):
    """A finished run of DST-CBC: config, weights."""
    return finished('dst_cbc', root, tmp_path_factory)


def finished(method, root, tmp_path_factory):
    cfg = method_config(method, root, tmp_path_factory.mktemp(method) / 'run')
    cfg._filename = 'method.py'
    return cfg, command(cfg, resume=False)


def another(cfg, tmp_path, *hooks, **checkpoint):
    """The same run in a folder of its own."""
    cfg = copy.deepcopy(cfg)
    cfg.work_dir = str(tmp_path / 'run')
    cfg.default_hooks.checkpoint.update(checkpoint)
    cfg.custom_hooks += hooks
    return cfg


def without(cfg, kind):
    """The config without the hooks that disturb it."""
    cfg = copy.deepcopy(cfg)
    cfg.custom_hooks = [h for h in cfg.custom_hooks if h.type != kind]
    return cfg


def dumped_without(cfg, kind):
    """Resume as if the disturbance had come from elsewhere."""
    clean = without(cfg, kind)
    (Path(cfg.work_dir) / 'method.py').write_text(clean.pretty_text)
    return clean


def same(state, expected) -> None:
    assert set(state) == set(expected)
    for key, value in expected.items():
        assert torch.equal(state[key], value), key


@pytest.mark.parametrize(
    ('method', 'iteration', 'where'),
    [
        ('online', 3, 'step'),
        ('online', 4, 'validation'),
        ('rounds', 3, 'step'),
        ('rounds', 4, 'validation'),
        ('rounds', 2, 'labeling'),
    ],
)
def test_sigterm_saves_and_resumes(
    request, tmp_path, method, iteration, where
) -> None:
    cfg, expected = request.getfixturevalue(method)
    hook = dict(type='SignalHook', iteration=iteration, where=where)
    # Nothing is due: what is saved is saved because of the signal.
    again = another(cfg, tmp_path, hook, interval=100)
    with pytest.raises(Interrupted) as stopped:
        command(again, resume=False)
    assert stopped.value.exit_code == 143
    work_dir = Path(again.work_dir)
    assert newest_whole(work_dir).name == f'iter_{iteration}.pth'
    assert not (work_dir / 'segmentor.pth').exists()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    same(command(dumped_without(again, 'SignalHook'), resume=True), expected)
    assert figures(work_dir) == figures(Path(cfg.work_dir))


@pytest.fixture
def heeded_hangup():
    """SIGHUP as a terminal has it, also where the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ('method', 'context', 'number'),
    [
        ('online', 'fork', signal.SIGINT),
        ('online', 'fork', signal.SIGHUP),
        ('online', 'spawn', signal.SIGTERM),
        ('online', 'forkserver', signal.SIGTERM),
        ('rounds', 'fork', signal.SIGTERM),
    ],
)
def test_processes_that_load_data_are_told_too(
    request, tmp_path, heeded_hangup, method, context, number
) -> None:
    # As clusters do it, or a terminal: every process of the run gets it.
    cfg, expected = request.getfixturevalue(method)
    hook = dict(type='SignalHook', iteration=3, number=number, loading=2)
    again = another(cfg, tmp_path, hook, interval=100)
    name = 'train' if method == 'online' else 'semi'
    again[f'{name}_dataloader'].update(
        num_workers=2, persistent_workers=True, multiprocessing_context=context
    )
    with pytest.raises(Interrupted) as stopped:
        command(again, resume=False)
    assert stopped.value.advice == '--resume goes on from here'
    assert newest_whole(again.work_dir).name == 'iter_3.pth'
    for child in multiprocessing.active_children():
        child.terminate()  # they end at once when this process says so
        child.join(timeout=PATIENCE / 2)
        assert not child.is_alive()
    same(command(dumped_without(again, 'SignalHook'), resume=True), expected)


def test_nohup_is_left_as_it_is() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption().armed() as wish:
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.01)
        assert wish.number is None and signal.SIGHUP not in heard()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_finished_run_is_left_alone(online, tmp_path, root) -> None:
    cfg, _ = online
    again = another(cfg, tmp_path)
    shutil.copytree(cfg.work_dir, again.work_dir)
    before = contents(again.work_dir)
    assert command(again, resume=True) == {}
    assert contents(again.work_dir) == before


def contents(folder) -> dict:
    return {
        path.relative_to(folder): path.read_bytes()
        for path in Path(folder).rglob('*')
        if path.is_file() and path.name != '.run.lock'
    }


@pytest.mark.parametrize('how', ['moved', 'copied', 'truncated', 'pointer'])
def test_a_stopped_run_goes_on_from_its_own_files(
    online, tmp_path, how
) -> None:
    cfg, expected = online
    hook = dict(type='SignalHook', iteration=3)
    first = another(cfg, tmp_path, hook, max_keep_ckpts=-1)
    with pytest.raises(Interrupted):
        command(first, resume=False)
    again = dumped_without(first, 'SignalHook')
    old, new = Path(first.work_dir), tmp_path / 'elsewhere'
    if how in ('moved', 'copied'):
        shutil.copytree(old, new)
        again.work_dir = str(new)
        if how == 'moved':
            shutil.rmtree(old)
        again.default_hooks.checkpoint.max_keep_ckpts = 1
    before = contents(old) if how == 'copied' else None
    if how == 'truncated':
        newest = old / 'iter_3.pth'
        newest.write_bytes(newest.read_bytes()[:-1000])
        assert newest_whole(old, lambda _: None).name == 'iter_2.pth'
    if how == 'pointer':
        (old / 'last_checkpoint').write_text('')
        assert newest_whole(old, lambda _: None).name == 'iter_3.pth'
    same(command(again, resume=True), expected)
    if how == 'copied':
        assert contents(old) == before


def test_files_of_others_named_in_a_checkpoint_stay(online, tmp_path) -> None:
    cfg, _ = online
    mine = tmp_path / 'mine.pth'
    mine.write_text('mine')
    again = another(cfg, tmp_path, dict(type='SignalHook', iteration=1))
    with pytest.raises(Interrupted):
        command(again, resume=False)
    path = Path(again.work_dir) / 'iter_1.pth'
    content = torch.load(path, weights_only=False)
    info = content['message_hub']['runtime_info']
    info.update(best_ckpt=str(mine), best_score=-1.0)
    info.update(keep_ckpt_ids=['../../mine'] * 9)
    torch.save(content, path)
    command(dumped_without(again, 'SignalHook'), resume=True)
    assert mine.read_text() == 'mine'


def test_a_part_of_a_state_is_not_gone_on_from(online, tmp_path) -> None:
    cfg, _ = online
    again = another(cfg, tmp_path, dict(type='SignalHook', iteration=1))
    with pytest.raises(Interrupted):
        command(again, resume=False)
    path = Path(again.work_dir) / 'iter_1.pth'
    clean = dumped_without(again, 'SignalHook')
    whole = torch.load(path, weights_only=False)
    students = {
        key: value
        for key, value in whole['state_dict'].items()
        if not key.startswith('teacher')
    }
    for changes, words in (
        (dict(optimizer=None), 'holds no optimizer'),
        (dict(message_hub=None, meta=None), 'no meta and no message_hub'),
        (dict(meta=dict(whole['meta'], iter='x')), "its iteration is 'x'"),
        (dict(meta=dict(whole['meta'], iter=9)), 'of iteration 9.*run has 4'),
        (dict(state_dict=students), r'lacks the weights teacher\.'),
    ):
        content = {**whole, **changes}
        torch.save({k: v for k, v in content.items() if v is not None}, path)
        with pytest.raises(UsageError, match=f'iter_1.pth: .*{words}'):
            command(clean, resume=True)
    assert not (path.parent / 'segmentor.pth').exists()


@pytest.mark.parametrize('content', [b'', b'[1]', b'[' * 99_999, b'\0\xff'])
def test_a_damaged_record_is_no_record(tmp_path, content) -> None:
    (tmp_path / 'run.json').write_bytes(content)
    assert read_record(tmp_path) == {}


def test_changed_lists_are_refused(online, root, tmp_path) -> None:
    cfg, _ = online
    data = tmp_path / 'data'
    shutil.copytree(root, data)
    hook = dict(type='SignalHook', iteration=1)
    again = another(cfg, tmp_path, hook)
    text = again.pretty_text.replace(str(root), str(data))
    again = type(cfg).fromstring(text, '.py')
    again._filename = 'method.py'
    with pytest.raises(Interrupted):
        command(again, resume=False)
    clean = dumped_without(again, 'SignalHook')
    (data / 'unlabeled.txt').write_text('06\n07\n')
    before = contents(again.work_dir)
    with pytest.raises(UsageError, match='unlabeled.txt names other images'):
        command(clean, resume=True)
    assert contents(again.work_dir) == before


@pytest.mark.parametrize(
    ('what', 'words'),
    [
        ('image', r'\.png: the image holds NaN or infinite.*iteration 3'),
        ('weights', r'loss_\w+ is not finite in iteration 3'),
        ('statistics', r'teacher\.backbone\S* is not finite'),
    ],
)
def test_what_is_not_finite_stops_a_run(online, tmp_path, what, words) -> None:
    cfg, _ = online
    hook = dict(type='SpoilHook', iteration=2, what=what)
    again = another(cfg, tmp_path, hook)
    again.default_hooks.divergence = dict(type='DivergenceHook')
    with pytest.raises(UsageError, match=words):
        command(again, resume=False)
    last = newest_whole(again.work_dir)
    assert last.name == 'iter_2.pth'
    state = torch.load(last, weights_only=False)['state_dict']
    assert all(v.isfinite().all() for v in state.values())
    assert not (Path(again.work_dir) / 'segmentor.pth').exists()


def test_too_little_space_is_said_at_the_start(
    rounds, online, tmp_path, monkeypatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    for (cfg, _), free, words in (
        (
            online,
            1000,
            '1 KiB of free space, and .* KiB are needed for 1 checkpoint ',
        ),
        # Room for labels, but not for the confidences they are chosen by.
        (rounds, 5000, 'the pseudo-labels of 9 images'),
    ):
        left = usage._replace(free=free)
        monkeypatch.setattr(
            space.shutil, 'disk_usage', lambda _, left=left: left
        )
        again = another(cfg, tmp_path)
        with pytest.raises(UsageError, match=words):
            command(again, resume=False)
        assert not list(Path(again.work_dir).glob('*.pth'))
        shutil.rmtree(again.work_dir)


def test_overwriting_checks_first_and_moves_aside(tmp_path, online) -> None:
    cfg, _ = online
    again = another(cfg, tmp_path)
    work_dir = Path(again.work_dir)
    shutil.copytree(cfg.work_dir, work_dir)
    (work_dir / 'mine.pth').write_text('mine')
    before = contents(work_dir)

    def wrong() -> None:
        raise UsageError('no weights')

    def prepare(check=lambda: None):
        with setup.prepared_run(again, 'method.py', False, True, check):
            pass

    with pytest.raises(UsageError, match='no weights'):
        prepare(wrong)
    assert contents(work_dir) == before
    prepare()
    aside = contents(f'{work_dir}.old-1')
    assert (work_dir / 'mine.pth').read_text() == 'mine'
    assert aside[Path('segmentor.pth')] == before[Path('segmentor.pth')]
    left = set(before) - set(aside)
    assert Path('mine.pth') in left and Path('iter_4.pth') not in left
    prepare()  # a run that has only begun is one, too
    assert (tmp_path / 'run.old-2/run.json').exists()


def test_a_folder_without_a_run_keeps_its_files(tmp_path, online) -> None:
    cfg, _ = online
    again = another(cfg, tmp_path)
    pictures = Path(again.work_dir) / 'pictures'
    pictures.mkdir(parents=True)
    for path in (pictures / 'a.png', pictures.parent / 'resnet.pth'):
        path.write_text('mine')
    for overwrite in (True, False):
        with setup.prepared_run(again, 'method.py', overwrite=overwrite):
            assert (pictures / 'a.png').read_text() == 'mine'
            assert (pictures.parent / 'resnet.pth').read_text() == 'mine'
        (pictures.parent / 'run.json').unlink(missing_ok=True)


def test_two_runs_in_one_folder(tmp_path, online) -> None:
    cfg, _ = online
    again = another(cfg, tmp_path)
    with setup.prepared_run(again, 'method.py'):
        for options in ({}, dict(resume=True), dict(overwrite=True)):
            with pytest.raises(UsageError, match='in use by process'):
                with setup.prepared_run(again, 'method.py', **options):
                    raise AssertionError
        record = json.loads((Path(again.work_dir) / 'run.json').read_text())
        wanted = dict(lists=list_hashes(again), finished=False)
        assert {**record, **wanted, 'config': 'method.py'} == record


def test_a_run_killed_before_its_first_file_resumes(tmp_path, online) -> None:
    cfg, _ = online
    again = another(cfg, tmp_path)
    Path(again.work_dir).mkdir()
    (Path(again.work_dir) / '.run.lock').touch()
    with setup.prepared_run(again, 'method.py', resume=True) as done:
        assert not done and not again.resume
    with pytest.raises(UsageError, match='another.py'):
        with setup.prepared_run(again, 'b/another.py', resume=True):
            raise AssertionError
    with pytest.raises(UsageError, match='nothing to resume'):
        again.work_dir = str(tmp_path / 'nowhere')
        with setup.prepared_run(again, 'method.py', resume=True):
            raise AssertionError
    assert not (tmp_path / 'nowhere').exists()


def test_a_config_in_its_own_work_dir_is_not_written_over(tmp_path) -> None:
    path = tmp_path / 'method.py'
    path.write_text('# mine')
    cfg = config.load_config(str(path))
    cfg.work_dir = str(tmp_path)
    with pytest.raises(UsageError, match='the config itself'):
        with setup.prepared_run(cfg, str(path)):
            raise AssertionError
    assert path.read_text() == '# mine'


def test_lists_that_leave_the_folder_are_refused(root, tmp_path) -> None:
    data = tmp_path / 'data'
    shutil.copytree(root, data)
    shutil.copytree(data / 'images', data / 'more')
    cfg = method_config('dst_cbc', data, tmp_path / 'run')
    from mmsemi.doctor.data import check_data

    for line in ('../more/06', f'{data}/more/06'):
        (data / 'unlabeled.txt').write_text(f'07\n{line}\n')
        with pytest.raises(UsageError, match='leaves the folder'):
            check_data(cfg)
        # Without the check, labeling refuses before it writes.
        with pytest.raises(UsageError, match='outside'):
            command(cfg, resume=False)
        shutil.rmtree(cfg.work_dir)
    (data / 'unlabeled.txt').write_text('06\nx/../06\n')
    with pytest.raises(UsageError, match='twice'):
        check_data(cfg)


TWO = """
import sys
from mmengine.config import Config
from mmsemi.engine.interruption import Interrupted
from mmsemi.engine.runner import build_runner
from mmsemi.apis.launcher import end_process, setup_launcher
import tests.end_to_end.test_nothing_lost
cfg = Config.fromfile(sys.argv[1])
cfg._filename = 'method.py'
setup_launcher(cfg, 'pytorch')
try:
    build_runner(cfg).train()
except Interrupted as error:
    end_process(error.exit_code)
end_process()
"""


def test_sigterm_ends_two_processes(root, tmp_path) -> None:
    cfg = method_config('mean_teacher', root, tmp_path / 'run')
    cfg.train_cfg.max_iters = 100_000
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.train_cfg.pop('val_interval')
    cfg.default_hooks = dict(
        checkpoint=dict(type='SafeCheckpointHook', interval=100_000)
    )
    cfg.custom_hooks.append(dict(type='BegunHook'))
    (tmp_path / 'two.py').write_text(TWO)
    (tmp_path / 'method.py').write_text(cfg.pretty_text)
    log = open(tmp_path / 'log.txt', 'w')
    run = subprocess.Popen(
        [sys.executable, '-m', 'torch.distributed.run', '--standalone']
        + ['--nproc_per_node=2', str(tmp_path / 'two.py')]
        + [str(tmp_path / 'method.py')],
        cwd=Path(__file__).parents[2],
        env=dict(os.environ, PYTHONPATH=str(Path(__file__).parents[2])),
        stdout=log,
        stderr=log,
    )
    end = time.time() + 120
    while not (tmp_path / 'run/begun').exists() and time.time() < end:
        assert run.poll() is None, (tmp_path / 'log.txt').read_text()[-3000:]
        time.sleep(0.1)
    run.terminate()
    begun = time.time()
    assert run.wait(60) != 0
    assert time.time() - begun < 40
    text = (tmp_path / 'log.txt').read_text()
    saved = newest_whole(tmp_path / 'run')
    assert saved is not None, text[-3000:]


def test_a_refused_start_leaves_no_trace(online, tmp_path) -> None:
    cfg, _ = online
    again = another(cfg, tmp_path)

    def wrong() -> None:
        raise UsageError('no weights')

    def start(**options) -> None:
        with setup.prepared_run(again, 'method.py', **options):
            raise AssertionError

    with pytest.raises(UsageError, match='no weights'):
        start(check=wrong)
    assert not Path(again.work_dir).exists()
    Path(again.work_dir).mkdir()
    (Path(again.work_dir) / 'mine.txt').write_text('mine')
    with pytest.raises(UsageError, match='no weights'):
        start(check=wrong)
    with pytest.raises(UsageError, match='nothing to resume'):
        start(resume=True)
    assert os.listdir(again.work_dir) == ['mine.txt']
    again.work_dir = str(Path(again.work_dir) / 'mine.txt')
    with pytest.raises(UsageError, match='mine.txt is a file'):
        start()


def test_a_run_whose_parts_cannot_be_made_is_none(online, tmp_path) -> None:
    """Mended, it starts as if nothing had been; an old run is back."""
    cfg, _ = online
    again = another(cfg, tmp_path)
    work_dir = Path(again.work_dir)
    wrong = copy.deepcopy(again)
    wrong.optim_wrapper.optimizer.learning = 0.1
    with pytest.raises(TypeError, match='learning'):
        command(wrong, resume=False)
    left = {path.name for path in work_dir.iterdir() if path.is_file()}
    assert not left & {'run.json', 'method.py', 'last_checkpoint'}
    shutil.rmtree(work_dir)
    shutil.copytree(cfg.work_dir, work_dir)
    before = contents(work_dir)
    with pytest.raises(TypeError, match='learning'):
        with setup.prepared_run(wrong, 'method.py', overwrite=True):
            build_runner(wrong).train()
    assert before.items() <= contents(work_dir).items()
    assert not list(tmp_path.glob('run.old*'))
    # What has made anything stays, to be resumed.
    with pytest.raises(ValueError, match='late'):
        with setup.prepared_run(again, 'method.py', overwrite=True):
            (work_dir / 'iter_1.pth').write_text('made')
            raise ValueError('late')
    assert (work_dir / 'run.json').exists()


def test_what_cannot_be_resumed_is_said_at_once(online, tmp_path) -> None:
    """Before data are read, and with what left it out."""
    cfg, _ = online
    again = another(
        cfg,
        tmp_path,
        dict(type='SignalHook', iteration=1),
        save_optimizer=False,
    )
    with pytest.raises(Interrupted):
        command(again, resume=False)

    def check() -> None:
        raise AssertionError('later')

    clean = dumped_without(again, 'SignalHook')
    words = 'no optimizer, as with save_optimizer=False.*--overwrite'
    with pytest.raises(UsageError, match=words):
        with setup.prepared_run(clean, 'method.py', resume=True, check=check):
            raise AssertionError
    path = Path(again.work_dir) / 'iter_1.pth'
    state = torch.load(path, weights_only=False)
    state.update(optimizer={}, meta=dict(iter=np.int64(1)))
    assert check_state(state, 'x.pth', 4, schedules=False) is None
    assert type(state['meta']['iter']) is int
