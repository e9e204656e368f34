"""Sweep the calibration of a zero-label model, in one inference pass.

``python tools/analysis_tools/calibration_sweep.py CONFIG CHECKPOINT`` runs
over the validation images of the config and prints seen, unseen and harmonic
mIoU for every gamma, which is subtracted from the probabilities of the seen
classes. To *choose* gamma, take a model that never saw the validation classes
(``*_tune.py`` in configs/spnet): gamma chosen on the unseen classes
themselves is no honest figure. Use it by
``--cfg-options model.student.decode_head.gamma=...``.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from mmengine.config import Config, DictAction

from mmsemi.apis.setup import load_config, set_work_dir
from mmsemi.doctor import check_test
from mmsemi.engine.runner import build_runner
from mmsemi.utils.checkpoints import add_trust_option, trusting_checkpoints
from mmsemi.utils.dist import end_process, is_first_process, setup_launcher
from mmsemi.utils.errors import UsageError
from mmsemi.utils.files import write_json
from mmsemi.utils.plain_errors import plain_errors


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config of a zero-label model')
    parser.add_argument('checkpoint')
    parser.add_argument(
        '--gammas',
        nargs=3,
        type=float,
        default=(0.0, 1.0, 0.05),
        metavar=('FIRST', 'LAST', 'STEP'),
    )
    parser.add_argument('--out', metavar='FILE', help='json of the table')
    parser.add_argument('--work-dir', help='folder of the log')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='change settings of the config, as key=value',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    add_trust_option(parser)
    args = parser.parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


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
    if not head or not str(head.get('type')).endswith('SemanticEmbeddingHead'):
        raise UsageError(
            'calibration needs a SemanticEmbeddingHead; the '
            f'decode head of this config is {head}'
        )
    head.gamma = 0.0


def sweep(args: argparse.Namespace) -> list[dict]:
    """Run the sweep the arguments describe; the rows of the table."""
    cfg = load_config(args.config, args.cfg_options)
    set_work_dir(cfg, args.config, args.work_dir, suffix='calibration')
    gammas = gamma_range(*args.gammas)
    without_calibration(cfg)
    cfg.load_from, cfg.resume = args.checkpoint, False
    # The validation images; the metric keeps the protocol's name.
    cfg.test_dataloader, cfg.test_cfg = (
        cfg.val_dataloader,
        dict(type='TestLoop'),
    )
    evaluator = dict(cfg.val_evaluator)
    cfg.test_evaluator = dict(
        type='CalibrationSweepMetric',
        gammas=gammas,
        **{
            key: evaluator[key]
            for key in ('prefix', 'num_seen', 'absent')
            if key in evaluator
        },
    )
    if is_first_process():
        check_test(cfg)
    setup_launcher(cfg, args.launcher)
    runner = build_runner(cfg)
    runner.test()
    metric = runner.test_evaluator.metrics[0]
    if args.out and is_first_process():
        write_table(args, metric)
    return metric.rows


def write_table(args: argparse.Namespace, metric) -> None:
    """Write what the metric has printed as json."""
    classes = metric.dataset_meta['classes']
    out = Path(args.out)
    write_json(
        out.parent,
        out.name,
        dict(
            config=args.config,
            checkpoint=args.checkpoint,
            unseen=list(classes[metric.seen() :]),
            protocol=metric.prefix,
            rows=metric.rows,
        ),
    )


if __name__ == '__main__':
    args = parse_args()
    try:
        with plain_errors(), trusting_checkpoints(args.trust_checkpoint):
            sweep(args)
        end_process()
    except UsageError as error:
        sys.exit(f'error: {error}')
