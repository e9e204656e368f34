"""Train two models that label for each other (DMT)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process

from mmsemi.doctor import check_training
from mmsemi.io.package_configs import find_config

from .config import check_amp, enable_amp, load_config, prepare_generated
from .launcher import is_first_process, launched_processes
from .mutual import MutualTraining


def train_mutual(
    configs: Sequence[str],
    work_dir: str | None = None,
    baselines: Sequence[str | None] = (None, None),
    resume: bool = False,
    overwrite: bool = False,
    amp: bool = False,
    options: dict[str, Any] | None = None,
    launcher: str = 'none',
) -> list[dict[str, Any]]:
    """Train both baselines and all phases, and print a table.

    Args:
        configs: of models A and B; files, or names of configs that mmsemi
            brings.
        work_dir: folder of the training; by default
            ``work_dirs/dmt/<name of config A without _a>``.
        baselines: checkpoints of supervised models, instead of training
            them.
        resume: go on with the training in the work dir.
        overwrite: move the training in the work dir aside.
        amp: train in mixed precision.
        options: settings to change in both configs, by their dotted keys.
        launcher: how several processes were started: ``none``, ``pytorch``,
            ``slurm`` or ``mpi``.

    Returns:
        One result for each model and phase, those of a phase together.

    Raises:
        UsageError: if something is wrong with what was given.
    """
    paths = [find_config(config) for config in configs]
    processes = launched_processes(launcher)
    cfgs = [load_config(path, options, world_size=processes) for path in paths]
    for cfg in cfgs:
        if amp:
            enable_amp(cfg)
        check_amp(cfg)
        if is_first_process():
            prepare_generated(cfg)
            for line in check_training(cfg):
                print(line, flush=True)
    name = Path(paths[0]).stem.removesuffix('_a')
    training = MutualTraining(
        cfgs,
        work_dir or f'work_dirs/dmt/{name}',
        baselines,
        resume,
        overwrite,
        launcher,
    )
    results = training.run()
    if is_main_process():
        print(training.table())
        print(f'results: {training.work_dir / "summary.json"}')
    return results
