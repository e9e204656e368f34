"""Train with a config, from its checks to the last file of the run."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmsemi.doctor import check_training
from mmsemi.engine.memory import StepTooLarge, more_parts, release_memory
from mmsemi.engine.runner import build_runner
from mmsemi.io.package_configs import find_config
from mmsemi.registry import bare_name
from mmsemi.report.tables import SUMMARY
from mmsemi.utils.errors import UsageError

from .config import (
    check_amp,
    enable_amp,
    load_config,
    prepare_generated,
    set_work_dir,
)
from .launcher import is_first_process, launched_processes, setup_launcher
from .setup import finish_run, prepared_run, resume_latest


def train(
    config: str,
    work_dir: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    split: str | None = None,
    amp: bool = False,
    tensorboard: bool = False,
    options: dict[str, Any] | None = None,
    launcher: str = 'none',
    accumulate: int | str = 1,
) -> Path:
    """Train the model of a config.

    Config, weights, lists and images are checked first. What a run writes is
    said in the documentation; its results are ``summary.json`` and the plain
    MMSegmentation model ``segmentor.pth``, both in the work dir.

    Args:
        config: file, or name of a config that mmsemi brings.
        work_dir: folder for logs, checkpoints and results; by default
            ``work_dirs/<method>/<name of the config>``, and ``_<split>`` where
            one is given.
        resume: go on with the run in the work dir, from its latest whole
            checkpoint.
        overwrite: move the run that the work dir holds aside.
        split: name of a split that the config knows, or a folder with
            ``labeled.txt`` and ``unlabeled.txt``, instead of the split the
            config names.
        amp: train in mixed precision.
        tensorboard: write curves for TensorBoard, too, into the folder of
            each start.
        options: settings to change in the config, by their dotted keys.
        launcher: how several processes were started: ``none``, ``pytorch``,
            ``slurm`` or ``mpi``. They share the batches that the config
            names.
        accumulate: parts in which each process takes its share of a step.
            Iterations stay those of the optimizer. ``'auto'``: one, and
            twice as many whenever the memory of the GPU does not hold them.

    Returns:
        The work dir.

    Raises:
        UsageError: if something is wrong with what was given, before
            anything is written.
        Interrupted: after SIGTERM or Ctrl-C, when the state is saved.
    """
    config = find_config(config)
    processes = launched_processes(launcher)
    auto = accumulate == 'auto'
    parts = 1 if auto else int(accumulate)
    cfg = load_config(config, options, split, processes, parts)
    set_work_dir(cfg, config, work_dir, split=split)
    if is_first_process():
        prepare_generated(cfg)
    if amp:
        enable_amp(cfg)
    check_amp(cfg)
    if tensorboard:
        add_tensorboard(cfg)

    def check() -> None:
        for line in check_training(cfg):
            print(line, flush=True)

    folder = Path(cfg.work_dir)
    with prepared_run(cfg, config, resume, overwrite, check) as finished:
        if finished:
            print(
                f'the run in {folder} is finished; nothing to resume. '
                f'Its figures are in {folder / SUMMARY}'
            )
            return folder
        setup_launcher(cfg, launcher)
        run(cfg, auto and processes == 1)
        finish_run(cfg)
    return folder


def add_tensorboard(cfg: Config) -> None:
    """Write curves for TensorBoard beside those of the log.

    Raises:
        UsageError: if it is not installed.
    """
    if find_spec('tensorboard') is None:
        raise UsageError(
            '--tensorboard: tensorboard is not installed. Install it with '
            '`pip install tensorboard`'
        )
    visualizer = cfg.get('visualizer') or dict(type='LazyVisualizer')
    backends = list(visualizer.get('vis_backends') or ())
    if not any(
        bare_name(b.get('type')) == 'TensorboardVisBackend' for b in backends
    ):
        backends.append(dict(type='TensorboardVisBackend'))
    cfg.visualizer = dict(visualizer, vis_backends=backends)


def run(cfg: Config, auto: bool) -> None:
    """Train; where a step does not fit, go on with smaller parts.

    Args:
        cfg: resolved config of the run.
        auto: whether to take steps in more parts. Not with several
            processes: one that has left a step would leave the others
            waiting, so they all end, with a sentence that says what to do.

    Raises:
        StepTooLarge: if nothing smaller is left to try.
    """
    while True:
        try:
            build_runner(Config(cfg.to_dict(), filename=cfg.filename)).train()
            return
        except StepTooLarge:
            smaller = more_parts(cfg) if auto else None
            if smaller is None:
                raise
        # Here the runner is gone, and its memory with it.
        release_memory()
        cfg = smaller
        resume_latest(cfg)
        print(
            'a step does not fit the memory of the GPU; it is now taken in '
            f'{cfg.machine.accumulate} parts',
            flush=True,
        )
