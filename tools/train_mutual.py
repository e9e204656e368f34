"""Train two models that label for each other (DMT)::

    python tools/train_mutual.py configs/dmt/camvid_1-16_a.py \
        configs/dmt/camvid_1-16_b.py

One command trains both baselines and all phases and ends with a table.
"""

import argparse
import os
import sys
from pathlib import Path

from mmengine.config import DictAction
from mmengine.dist import is_main_process

from mmsemi.apis.mutual import MutualTraining
from mmsemi.apis.setup import (
    check_amp,
    enable_amp,
    load_config,
    prepare_generated,
)
from mmsemi.doctor import check_training
from mmsemi.utils.checkpoints import add_trust_option, trusting_checkpoints
from mmsemi.utils.dist import end_process, is_first_process
from mmsemi.utils.errors import UsageError
from mmsemi.utils.plain_errors import plain_errors


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('configs', nargs=2, metavar=('CONFIG_A', 'CONFIG_B'))
    parser.add_argument(
        '--work-dir',
        help='folder of the training; default work_dirs/dmt/<name of config '
        'A without _a>',
    )
    parser.add_argument(
        '--baselines',
        nargs=2,
        default=(None, None),
        metavar=('A', 'B'),
        help='checkpoints of supervised models, instead of training them',
    )
    parser.add_argument(
        '--resume',
        action='store_true',
        help='continue the training in the work dir',
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='delete the training in the work dir and start anew',
    )
    parser.add_argument(
        '--amp', action='store_true', help='automatic mixed precision'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='change settings of both configs, as key=value',
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


def main(args: argparse.Namespace) -> None:
    configs = [load_config(path, args.cfg_options) for path in args.configs]
    for cfg in configs:
        if args.amp:
            enable_amp(cfg)
        check_amp(cfg)
        if is_first_process():
            prepare_generated(cfg)
            for line in check_training(cfg):
                print(line, flush=True)
    name = Path(args.configs[0]).stem.removesuffix('_a')
    training = MutualTraining(
        configs,
        args.work_dir or f'work_dirs/dmt/{name}',
        args.baselines,
        args.resume,
        args.overwrite,
        args.launcher,
    )
    training.run()
    if is_main_process():
        print(training.table())
        print(f'results: {training.work_dir / "summary.json"}')


if __name__ == '__main__':
    args = parse_args()
    try:
        with plain_errors(), trusting_checkpoints(args.trust_checkpoint):
            main(args)
        end_process()
    except UsageError as error:
        sys.exit(f'error: {error}')
    except KeyboardInterrupt:
        sys.exit('interrupted; --resume continues where it stopped')
