"""Segment images: ``python tools/infer.py INPUT --config C --checkpoint K
--out DIR``.

INPUT is an image, a folder or a quoted pattern. Writes color maps and
overlays, and on request class ids and confidences, as PNG below DIR. Config
and checkpoint may be mmsemi's or plain mmseg's.
"""

import argparse
import sys
from pathlib import Path

from mmengine.config import DictAction
from mmengine.device import get_device

from mmsemi.apis.inference import Predictor, find_images, save_prediction
from mmsemi.apis.setup import load_config
from mmsemi.utils.checkpoints import add_trust_option, trusting_checkpoints
from mmsemi.utils.errors import UsageError
from mmsemi.utils.plain_errors import plain_errors
from mmsemi.utils.progress import track


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'input', help='image, folder (with all below it) or quoted pattern'
    )
    parser.add_argument('--config', required=True, help='config file')
    parser.add_argument(
        '--checkpoint', required=True, help='of mmsemi or plain mmseg'
    )
    parser.add_argument(
        '--out', required=True, metavar='DIR', help='folder for the results'
    )
    parser.add_argument(
        '--predict-on',
        choices=['student', 'teacher'],
        help='network to use, where there are two; default: the one the '
        'config predicts with',
    )
    parser.add_argument(
        '--raw', action='store_true', help='save class ids, too'
    )
    parser.add_argument(
        '--confidence',
        action='store_true',
        help='save confidences, too; 255 = certain',
    )
    parser.add_argument(
        '--opacity',
        type=float,
        default=0.5,
        help='of the colors in overlays, 0 to 1',
    )
    parser.add_argument(
        '--device', default=get_device(), help='such as cpu or cuda:1'
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='write into a folder that holds files',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='change settings of the config, as key=value',
    )
    add_trust_option(parser)
    return parser.parse_args()


def infer(args: argparse.Namespace) -> None:
    """Predict for all images; unreadable ones are named at the end."""
    if not 0 <= args.opacity <= 1:
        raise UsageError(f'--opacity lies in [0, 1], got {args.opacity}')
    out = Path(args.out)
    images = {
        stem: path
        for stem, path in find_images(args.input).items()
        if out.resolve() not in path.resolve().parents  # earlier results
    }
    if out.exists() and not out.is_dir():
        raise UsageError(f'{out} is a file. Choose another --out')
    if out.is_dir() and any(out.iterdir()) and not args.overwrite:
        raise UsageError(
            f'{out} holds files. Choose another --out, or --overwrite'
        )
    cfg = load_config(args.config, args.cfg_options)
    predictor = Predictor(cfg, args.checkpoint, args.predict_on, args.device)
    problems = []
    for stem, path in track(images.items(), len(images), 'predicting'):
        try:
            prediction = predictor(path)
        except UsageError as error:
            problems.append(str(error))
            continue
        save_prediction(
            out,
            stem,
            path,
            prediction,
            predictor.palette,
            args.opacity,
            args.raw,
            args.confidence,
        )
    done = len(images) - len(problems)
    print(f'{done} of {len(images)} images segmented, in {out}')
    if problems:
        raise UsageError('; '.join(problems))


if __name__ == '__main__':
    args = parse_args()
    try:
        with plain_errors(), trusting_checkpoints(args.trust_checkpoint):
            infer(args)
    except UsageError as error:
        sys.exit(f'error: {error}')
