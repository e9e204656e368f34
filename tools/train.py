"""Train with a config: ``python tools/train.py configs/dst_cbc/shapes.py``.

The options are those of MMSegmentation's ``tools/train.py``, with two more:
``--split`` and ``--overwrite``.
"""

import argparse
import os
import sys
from pathlib import Path

from mmengine.config import DictAction

from mmsemi.apis.setup import (
    check_amp,
    enable_amp,
    finish_run,
    load_config,
    prepare_generated,
    prepared_run,
    set_work_dir,
)
from mmsemi.datasets.splits import set_split
from mmsemi.doctor import check_training
from mmsemi.engine.interruption import Interrupted
from mmsemi.engine.runner import build_runner
from mmsemi.report.tables import SUMMARY
from mmsemi.utils.checkpoints import add_trust_option, trusting_checkpoints
from mmsemi.utils.dist import end_process, is_first_process, setup_launcher
from mmsemi.utils.errors import UsageError
from mmsemi.utils.files import describe
from mmsemi.utils.plain_errors import plain_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train a segmentor')
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--work-dir',
        help='folder for logs, checkpoints and results; default '
        'work_dirs/<method>/<name of the config>',
    )
    parser.add_argument(
        '--resume',
        action='store_true',
        help='continue the run in the work dir from its latest checkpoint',
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='move the run the work dir holds aside and start anew',
    )
    parser.add_argument(
        '--split',
        metavar='FOLDER',
        help='folder with labeled.txt and unlabeled.txt, instead of the '
        'lists the config names',
    )
    parser.add_argument(
        '--amp', action='store_true', help='automatic mixed precision'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='change settings of the config, as key=value; lists as '
        'key="[a,b]" or key=a,b',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how several processes were started; works without a GPU too',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    add_trust_option(parser)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def train(args: argparse.Namespace) -> None:
    """Set up the run the arguments describe, and train."""
    cfg = load_config(args.config, args.cfg_options)
    set_work_dir(cfg, args.config, args.work_dir)
    if is_first_process():
        prepare_generated(cfg)
    if args.split:
        set_split(cfg, args.split)
    if args.amp:
        enable_amp(cfg)
    check_amp(cfg)

    def check() -> None:
        for line in check_training(cfg):
            print(line, flush=True)

    with prepared_run(
        cfg, args.config, args.resume, args.overwrite, check
    ) as finished:
        if finished:
            print(
                f'the run in {cfg.work_dir} is finished; nothing to resume. '
                f'Its figures are in {Path(cfg.work_dir) / SUMMARY}'
            )
            return
        setup_launcher(cfg, args.launcher)
        build_runner(cfg).train()
        finish_run(cfg)


if __name__ == '__main__':
    args = parse_args()
    try:
        with plain_errors(), trusting_checkpoints(args.trust_checkpoint):
            train(args)
        end_process()
    except UsageError as error:
        sys.exit(f'error: {error}')
    except OSError as error:
        sys.exit(f'error: {describe(error)}')
    except Interrupted as error:
        print('stopped; --resume goes on from here', file=sys.stderr)
        end_process(error.exit_code)
    except KeyboardInterrupt:
        sys.exit('interrupted; --resume continues from the last checkpoint')
