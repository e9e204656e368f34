"""Test a checkpoint: ``python tools/test.py CONFIG CHECKPOINT``.

The options are those of MMSegmentation's ``tools/test.py``, with one more:
``--predict-on``.
"""

import argparse
import os
import sys
from pathlib import Path

from mmengine.config import Config, DictAction

from mmsemi.apis.setup import load_config, set_work_dir
from mmsemi.doctor import check_test
from mmsemi.engine.runner import build_runner
from mmsemi.utils.checkpoints import add_trust_option, trusting_checkpoints
from mmsemi.utils.console import restore_console
from mmsemi.utils.dist import end_process, is_first_process, setup_launcher
from mmsemi.utils.errors import UsageError
from mmsemi.utils.plain_errors import plain_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Test a segmentor')
    parser.add_argument('config', help='config file')
    parser.add_argument(
        'checkpoint', help='checkpoint of a run, or a plain mmseg one'
    )
    parser.add_argument(
        '--work-dir',
        help='folder for logs and figures; default '
        'work_dirs/<method>/<name of the config>/test',
    )
    parser.add_argument(
        '--out', metavar='FOLDER', help='save predictions there, as PNG'
    )
    parser.add_argument(
        '--show-dir', help='save images with predictions drawn over them'
    )
    parser.add_argument(
        '--tta', action='store_true', help='test-time augmentation'
    )
    parser.add_argument(
        '--predict-on',
        choices=['student', 'teacher'],
        help='which network of the segmentor to test',
    )
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
        help='how several processes were started; works without a GPU too',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    add_trust_option(parser)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def save_drawings(cfg: Config, folder: str) -> None:
    """Let mmseg's hook draw every prediction into ``folder``."""
    hooks = cfg.get('default_hooks') or {}
    hooks['visualization'] = dict(
        hooks.get('visualization') or dict(type='SegVisualizationHook'),
        draw=True,
        interval=1,
    )
    cfg.default_hooks = hooks
    cfg.visualizer = dict(
        cfg.get('visualizer')
        or dict(type='SegLocalVisualizer', name='visualizer'),
        save_dir=folder,
        vis_backends=[dict(type='LocalVisBackend')],
    )


def predict_on(cfg: Config, network: str) -> None:
    """Choose the network of a semi-supervised segmentor."""
    if 'student' not in cfg.model:
        raise UsageError(
            f'--predict-on {network}: the model of this config '
            f'is a plain {cfg.model.type}'
        )
    cfg.model.setdefault('semi_test_cfg', {})
    cfg.model.semi_test_cfg.predict_on = network


def refuse_calibrated(cfg: Config) -> None:
    """Averages of several views need logits.

    Raises:
        UsageError: when the model returns calibrated scores.
    """
    head = cfg.model.get('student', cfg.model).get('decode_head')
    gamma = head.get('gamma') if isinstance(head, dict) else None
    if gamma:
        raise UsageError(
            f'--tta averages the softmax of logits, but with gamma={gamma} '
            'the decode head returns calibrated scores. Test without --tta, '
            'or with --cfg-options model.student.decode_head.gamma=0'
        )


def test(args: argparse.Namespace) -> None:
    """Set up the test the arguments describe, and run it."""
    cfg = load_config(args.config, args.cfg_options)
    set_work_dir(cfg, args.config, args.work_dir, suffix='test')
    cfg.load_from = args.checkpoint
    cfg.resume = False
    if is_first_process():
        for line in check_test(cfg):
            print(line, flush=True)
    if args.predict_on:
        predict_on(cfg, args.predict_on)
    if args.show_dir:
        save_drawings(cfg, args.show_dir)
    if args.out:
        Path(args.out).mkdir(parents=True, exist_ok=True)
        cfg.test_evaluator.update(output_dir=args.out, keep_results=True)
    setup_launcher(cfg, args.launcher)
    if args.tta:
        if 'tta_pipeline' not in cfg or 'tta_model' not in cfg:
            raise UsageError(
                '--tta: the config has no tta_pipeline and tta_model'
            )
        refuse_calibrated(cfg)
        cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
        cfg.tta_model.module = cfg.model
        cfg.model = cfg.tta_model
    runner = build_runner(cfg)
    # A quiet start, but the figures belong on the console.
    restore_console(runner.logger)
    runner.test()


if __name__ == '__main__':
    args = parse_args()
    try:
        with plain_errors(), trusting_checkpoints(args.trust_checkpoint):
            test(args)
        end_process()
    except UsageError as error:
        sys.exit(f'error: {error}')
