"""How long a step of a config takes here, found by taking a few."""

import copy
import shutil
import tempfile
import time

from mmengine.config import Config
from mmengine.hooks import Hook

from mmsemi.registry import HOOKS

from .runner import build_runner


@HOOKS.register_module()
class StepClockHook(Hook):
    """Note when each iteration ends."""

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.ends: list[float] = []

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        self.ends.append(time.perf_counter())


def seconds_per_step(cfg: Config, steps: int = 8) -> float:
    """Train for a few iterations in a folder that is removed again.

    Args:
        cfg: as its file has it, or resolved; it is not changed.
        steps: iterations; the first of them is not timed.

    Returns:
        Seconds of an iteration, data loading included.
    """
    cfg = copy.deepcopy(cfg)
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=steps)
    for key in ('val_cfg', 'val_dataloader', 'val_evaluator'):
        cfg[key] = None
    for key in ('test_cfg', 'test_dataloader', 'test_evaluator'):
        cfg[key] = None
    for name in ('checkpoint', 'summary', 'export', 'pictures', 'progress'):
        (cfg.get('default_hooks') or {}).pop(name, None)
    needed = ('ChannelsLastHook', 'ClassFrequencyHook', 'MeanTeacherHook')
    cfg.custom_hooks = [
        hook
        for hook in cfg.get('custom_hooks') or []
        if hook['type'] in needed
    ] + [dict(type='StepClockHook')]
    cfg.log_level = 'ERROR'
    cfg.vis_backends = []
    cfg.visualizer = dict(type='LazyVisualizer', vis_backends=[])
    cfg.work_dir = tempfile.mkdtemp(prefix='mmsemi-trial-')
    try:
        runner = build_runner(cfg)
        runner.train()
    finally:
        shutil.rmtree(cfg.work_dir, ignore_errors=True)
    (clock,) = [h for h in runner.hooks if isinstance(h, StepClockHook)]
    return (clock.ends[-1] - clock.ends[0]) / (steps - 1)
