"""Make a plain MMSegmentation model of an mmsemi checkpoint.

Writes OUT (a checkpoint) and the config of the same name with `.py`, which
`mmseg.apis.init_model` and `inference_model` run without mmsemi.
"""

import argparse
import sys

from mmengine.config import DictAction

from mmsemi.apis.inference import predicting_network
from mmsemi.apis.setup import load_config
from mmsemi.models.export import export_segmentor
from mmsemi.utils.checkpoints import add_trust_option, trusting_checkpoints
from mmsemi.utils.errors import UsageError
from mmsemi.utils.plain_errors import plain_errors


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config of the training run')
    parser.add_argument('checkpoint', help='its checkpoint')
    parser.add_argument('out', help='checkpoint to write, *.pth')
    parser.add_argument(
        '--predict-on',
        help='sub-model to take, student or teacher; default: the one the '
        'config predicts with',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace existing files'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='settings to change in the config, key=value',
    )
    add_trust_option(parser)
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Export, and say what was written and what differs."""
    cfg = load_config(args.config, args.cfg_options)
    result = export_segmentor(
        cfg,
        args.checkpoint,
        args.out,
        args.predict_on or predicting_network(cfg),
        args.overwrite,
    )
    for note in result.notes:
        print(f'note: {note}')
    print(f'wrote {result.checkpoint} and {result.config}')


if __name__ == '__main__':
    args = parse_args()
    try:
        with plain_errors(), trusting_checkpoints(args.trust_checkpoint):
            main(args)
    except UsageError as error:
        sys.exit(f'error: {error}')
