"""How long a step takes here, and whether it fits: found by taking a few."""

import copy
import shutil
import tempfile
import time
from typing import NamedTuple

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from torch.utils.data import Subset

from mmsemi.registry import DATASETS, HOOKS, is_type

from .build import resolve
from .memory import (
    StepTooLarge,
    is_out_of_memory,
    more_parts,
    release_memory,
    remedy,
)
from .runner import build_runner

LABELED = 5  # images that are labeled to see how long it takes


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


class Trial(NamedTuple):
    """What a few steps were like.

    Attributes:
        seconds: of an iteration, data loading included.
        parts: in which a step must be taken to fit the memory of the GPU.
        memory: largest share of the GPU's memory in use, None without one.
        labeling: seconds in which an image is labeled, 0 where none is.
    """

    seconds: float
    parts: int
    memory: float | None
    labeling: float = 0.0


def try_steps(cfg: Config, steps: int = 8) -> Trial:
    """Train for a few iterations in a folder that is removed again.

    A step that does not fit the memory of the GPU is taken in twice as many
    parts, until it does.

    Args:
        cfg: as its file has it, or resolved; it is not changed.
        steps: iterations, at least 2; the first of them is not timed.

    Raises:
        StepTooLarge: if a step does not fit image by image.
    """
    cfg = resolve(copy.deepcopy(cfg))
    while True:
        parts = (cfg.get('machine') or {}).get('accumulate', 1)
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        try:
            seconds, labeling = _seconds(cfg, steps)
            return Trial(seconds, parts, _memory_used(), labeling)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            smaller = more_parts(cfg)
            if smaller is None:
                raise StepTooLarge(remedy(cfg)) from error
        # Here the runner is gone, and its memory with it.
        release_memory()
        cfg = smaller


def _memory_used() -> float | None:
    if not torch.cuda.is_available():
        return None
    _, total = torch.cuda.mem_get_info()
    return torch.cuda.max_memory_reserved() / total


def _seconds(cfg: Config, steps: int) -> tuple[float, float]:
    """Of a step, and of an image that is labeled."""
    cfg = Config(cfg.to_dict(), filename=cfg.filename)
    hooks = cfg.get('custom_hooks') or []
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=steps)
    for key in ('val_cfg', 'val_dataloader', 'val_evaluator'):
        cfg[key] = None
    for key in ('test_cfg', 'test_dataloader', 'test_evaluator'):
        cfg[key] = None
    for name in ('checkpoint', 'summary', 'export', 'pictures', 'progress'):
        (cfg.get('default_hooks') or {}).pop(name, None)
    needed = ('ChannelsLastHook', 'ClassFrequencyHook', 'MeanTeacherHook')
    cfg.custom_hooks = [
        *(hook for hook in hooks if is_type(hook, HOOKS, *needed)),
        dict(type='StepClockHook'),
    ]
    cfg.log_level = 'ERROR'
    cfg.vis_backends = []
    cfg.visualizer = dict(type='LazyVisualizer', vis_backends=[])
    cfg.work_dir = tempfile.mkdtemp(prefix='mmsemi-trial-')
    try:
        runner = build_runner(cfg)
        runner.train()
        labeling = [
            _seconds_of_labeling(runner, hook)
            for hook in hooks
            if is_type(hook, HOOKS, 'PseudoLabelHook')
        ]
    finally:
        shutil.rmtree(cfg.work_dir, ignore_errors=True)
    (clock,) = [h for h in runner.hooks if isinstance(h, StepClockHook)]
    seconds = (clock.ends[-1] - clock.ends[0]) / (steps - 1)
    # A run in rounds was timed with what round 0 sees.
    rounds = cfg.get('semi_dataloader') or cfg.train_dataloader
    seconds *= rounds.batch_size / cfg.train_dataloader.batch_size
    return seconds, sum(labeling)


@torch.no_grad()
def _seconds_of_labeling(runner, hook: dict) -> float:
    """Seconds of an image in all its views; the first is not timed."""
    dataset = DATASETS.build(runner.cfg.label_dataloader.dataset)
    number = min(LABELED, len(dataset))
    chosen = torch.linspace(0, len(dataset) - 1, number).long().tolist()
    labels = HOOKS.build(hook)
    model = runner.model.eval()
    predictor = labels.predictor(runner, model)
    ends = []
    for batch in labels.label_loader(runner, Subset(dataset, chosen)):
        for _, part in predictor.equal_sizes(batch):
            predictor(part).probabilities.sum().item()  # a GPU is waited for
        ends.append(time.perf_counter())
    return (ends[-1] - ends[0]) / max(len(ends) - 1, 1)
