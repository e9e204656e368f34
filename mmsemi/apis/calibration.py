"""The calibration of a zero-label model, swept in one inference pass."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from mmsemi.doctor import check_test
from mmsemi.engine.runner import build_runner
from mmsemi.io.files import write_json
from mmsemi.io.package_configs import find_config
from mmsemi.registry import MODELS, is_type
from mmsemi.utils.errors import UsageError

from .config import load_config, set_work_dir
from .launcher import is_first_process, setup_launcher


def gamma_range(first: float, last: float, step: float) -> list[float]:
    """``first``, ``first + step``, ... up to and with ``last``.

    Raises:
        UsageError: when that is no range.
    """
    if step <= 0 or not 0 <= first <= last:
        raise UsageError(
            f'--gammas {first} {last} {step}: needs 0 <= FIRST '
            '<= LAST and STEP > 0'
        )
    number = int(np.floor((last - first) / step + 1e-9)) + 1
    return [round(first + step * k, 6) for k in range(number)]


def without_calibration(cfg: Config) -> None:
    """Let the decode head return plain logits.

    Raises:
        UsageError: when the model has no head that is calibrated.
    """
    model = cfg.model.get('student', cfg.model)
    head = model.get('decode_head')
    if not is_type(head, MODELS, 'SemanticEmbeddingHead'):
        raise UsageError(
            'calibration needs a SemanticEmbeddingHead; the '
            f'decode head of this config is {head}'
        )
    head.gamma = 0.0


def sweep_calibration(
    config: str,
    checkpoint: str,
    gammas: Sequence[float] = (0.0, 1.0, 0.05),
    out: str | None = None,
    work_dir: str | None = None,
    options: dict[str, Any] | None = None,
    launcher: str = 'none',
) -> list[dict[str, float]]:
    """Seen, unseen and harmonic mIoU of the validation images, by gamma.

    Gamma is subtracted from the probabilities of the seen classes. To
    *choose* it, take a model that never saw the validation classes
    (``*_tune.py`` in ``configs/spnet``): gamma chosen on the unseen classes
    themselves is no honest figure. Then use it with ``--cfg-options
    model.student.decode_head.gamma=...``.

    Args:
        config: of a zero-label model; file, or name of a config that mmsemi
            brings.
        checkpoint: of that model.
        gammas: the first, the last and the step.
        out: json file to write the table to.
        work_dir: folder of the log; by default
            ``work_dirs/<method>/<name of the config>/calibration``.
        options: settings to change in the config, by their dotted keys.
        launcher: how several processes were started: ``none``, ``pytorch``,
            ``slurm`` or ``mpi``.

    Returns:
        The rows of the table, which is printed.

    Raises:
        UsageError: if something is wrong with what was given.
    """
    config = find_config(config)
    cfg = load_config(config, options)
    set_work_dir(cfg, config, work_dir, suffix='calibration')
    values = gamma_range(*gammas)
    without_calibration(cfg)
    cfg.load_from, cfg.resume = checkpoint, False
    # The validation images; the metric keeps the protocol's name.
    cfg.test_dataloader, cfg.test_cfg = (
        cfg.val_dataloader,
        dict(type='TestLoop'),
    )
    evaluator = dict(cfg.val_evaluator)
    cfg.test_evaluator = dict(
        type='CalibrationSweepMetric',
        gammas=values,
        **{
            key: evaluator[key]
            for key in ('prefix', 'num_seen', 'absent')
            if key in evaluator
        },
    )
    if is_first_process():
        check_test(cfg)
    setup_launcher(cfg, launcher)
    runner = build_runner(cfg)
    runner.test()
    metric = runner.test_evaluator.metrics[0]
    if out and is_first_process():
        classes = metric.dataset_meta['classes']
        content = dict(
            config=config,
            checkpoint=checkpoint,
            unseen=list(classes[metric.seen() :]),
            protocol=metric.prefix,
            rows=metric.rows,
        )
        file = Path(out)
        write_json(file.parent, file.name, content)
    return metric.rows
