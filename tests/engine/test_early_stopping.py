"""Early stopping as docs/how_to/read_a_run.md has it."""

import copy
import json
import re
from pathlib import Path

import pytest
from mmengine.hooks import Hook

from mmsemi.registry import HOOKS
from tests.conftest import ROOT
from tests.engine.test_online_training import online_config
from tests.tiny import Killed, make_tiny_set, tiny_config, train


def snippet():
    """``early_stopping`` of the page."""
    text = (ROOT / 'docs/how_to/read_a_run.md').read_text()
    (code,) = re.findall(r'```python\n(default_hooks = .*?)```', text, re.S)
    scope = {}
    exec(code, scope)
    return scope['default_hooks']


@HOOKS.register_module(force=True)
class StuckMetricHook(Hook):
    """Validation that gets better once."""

    priority = 'HIGHEST'

    def __init__(self, key):
        self.key = key

    def after_val_epoch(self, runner, metrics=None):
        metrics[self.key] = 40.0 if runner.iter < 2 else 45.05


@pytest.mark.parametrize('network', ['', 'teacher/'])
def test_a_run_stops_and_is_finished(tmp_path, network):
    cfg = online_config(make_tiny_set(tmp_path / 'data'), tmp_path / 'work')
    hooks = snippet()
    patience = hooks['early_stopping']['patience']
    assert hooks['early_stopping']['monitor'] == 'mIoU'
    hooks['early_stopping'].update(monitor=f'{network}mIoU', patience=2)
    cfg.merge_from_dict(dict(default_hooks=hooks))
    cfg.default_hooks.summary = dict(type='RunSummaryHook')
    cfg.train_cfg.val_interval = 1
    cfg.custom_hooks.append(dict(type='StuckMetricHook', key=f'{network}mIoU'))
    if network:
        cfg.val_cfg = dict(type='AllNetworksValLoop')
    runner = train(cfg)
    # Better at 2, then twice not.
    assert patience > 2 and runner.iter == 4 < runner.max_iters
    assert (Path(cfg.work_dir) / 'iter_4.pth').is_file()
    summary = json.loads((Path(cfg.work_dir) / 'summary.json').read_text())
    assert summary['stopped_early']
    assert summary['finished'] and summary['iterations'] == 4
    assert summary['best_miou'] == 45.05


@pytest.mark.parametrize('killed', [3, 4])
def test_a_resumed_run_has_waited_as_long(tmp_path, killed):
    """Also one that was killed when it had stopped and was not finished."""
    cfg = online_config(make_tiny_set(tmp_path / 'data'), tmp_path / 'work')
    cfg.default_hooks.stopping = dict(
        type='EarlyStoppingHook', monitor='mIoU', patience=2
    )
    cfg.default_hooks.checkpoint.interval = 1
    cfg.train_cfg.val_interval = 1
    cfg.custom_hooks.append(dict(type='StuckMetricHook', key='mIoU'))
    dying = copy.deepcopy(cfg)
    dying.custom_hooks.append(dict(type='DyingHook', iteration=killed))
    with pytest.raises(Killed):
        train(dying)
    runner = train(cfg, resume=True)
    assert runner.iter == 4 < runner.max_iters


@HOOKS.register_module(force=True)
class DyingHook(Hook):
    """Die behind a validation, or when training has ended."""

    priority = 'LOWEST'

    def __init__(self, iteration):
        self.iteration = iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.iteration:
            raise Killed

    def after_train(self, runner):
        raise Killed


@HOOKS.register_module(force=True)
class StopHook(Hook):
    """Stop as ``EarlyStoppingHook`` does."""

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ):
        runner.train_loop.stop_training = runner.iter + 1 == 5


def test_a_round_that_is_cut_short_says_so(tmp_path):
    cfg = tiny_config(make_tiny_set(tmp_path / 'data'), tmp_path / 'work')
    cfg.default_hooks.summary = dict(type='RunSummaryHook')
    cfg.custom_hooks.append(dict(type='StopHook'))
    train(cfg)
    summary = json.loads((Path(cfg.work_dir) / 'summary.json').read_text())
    assert summary['stopped_early'] and summary['iterations'] == 5
    assert [row['iterations'] for row in summary['rounds']] == [4, 1]


@HOOKS.register_module(force=True)
class CountedStopHook(Hook):
    """Stop by a validation within a round; the figures come in turn."""

    priority = 'HIGHEST'

    def __init__(self):
        self.seen = []

    def after_val_epoch(self, runner, metrics=None):
        self.seen.append(runner.iter)
        metrics['mIoU'] = 10.0 * len(self.seen)
        runner.train_loop.stop_training = runner.iter == 6


def test_a_round_that_a_validation_stops_is_validated_once(tmp_path):
    cfg = tiny_config(make_tiny_set(tmp_path / 'data'), tmp_path / 'work')
    cfg.default_hooks.summary = dict(type='RunSummaryHook')
    cfg.train_cfg.val_interval = 2
    cfg.custom_hooks.append(dict(type='CountedStopHook'))
    runner = train(cfg)
    (hook,) = [h for h in runner.hooks if isinstance(h, CountedStopHook)]
    assert hook.seen == [2, 4, 6]
    summary = json.loads((Path(cfg.work_dir) / 'summary.json').read_text())
    assert summary['last_miou'] == 30 and summary['stopped_early']
    assert [row['val_miou'] for row in summary['rounds']] == [20, 30]
