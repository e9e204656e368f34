"""What each command takes."""

import argparse

from .options import (
    add_config,
    add_launcher,
    add_options,
    add_predict_on,
    add_trust_option,
    count,
)


def _run_options(parser: argparse.ArgumentParser, overwrite: str) -> None:
    parser.add_argument(
        '--resume',
        action='store_true',
        help='continue the run in the work dir from its latest checkpoint',
    )
    parser.add_argument('--overwrite', action='store_true', help=overwrite)
    parser.add_argument(
        '--amp', action='store_true', help='automatic mixed precision'
    )


def parts_of_a_step(text: str) -> int | str:
    """``auto`` or a number."""
    return text if text == 'auto' else count(text)


def train(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        '--work-dir',
        help='folder for logs, checkpoints and results; default '
        'work_dirs/<method>/<name of the config>, with the split where one '
        'is given',
    )
    _run_options(
        parser, 'move the run the work dir holds aside and start anew'
    )
    parser.add_argument(
        '--split',
        metavar='NAME',
        help='a split that the config knows, or a folder with labeled.txt '
        'and unlabeled.txt, instead of the split the config names',
    )
    parser.add_argument(
        '--accumulate',
        type=parts_of_a_step,
        default=1,
        metavar='K',
        help='take each step in K parts, for GPUs too small for a whole one; '
        'auto: in as many as it takes',
    )
    parser.add_argument(
        '--tensorboard',
        action='store_true',
        help='write curves for TensorBoard, too',
    )
    add_options(parser)
    add_trust_option(parser)
    add_launcher(parser)


def test(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
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
        '--show-dir',
        metavar='FOLDER',
        help='save images with predictions drawn over them',
    )
    parser.add_argument(
        '--tta',
        action='store_true',
        help='average over several scales and their mirror images',
    )
    parser.add_argument(
        '--flip',
        action='store_true',
        help='average over the image and its mirror image alone',
    )
    parser.add_argument(
        '--label-ids',
        action='store_true',
        help='let --out write Cityscapes label ids, as its server wants them',
    )
    add_predict_on(parser)
    add_options(parser)
    add_trust_option(parser)
    add_launcher(parser)


def infer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'source',
        metavar='input',
        help='image, folder (with all below it) or quoted pattern',
    )
    parser.add_argument(
        '--config',
        required=True,
        help='config file, or the name of one that mmsemi brings',
    )
    parser.add_argument(
        '--checkpoint', required=True, help='of mmsemi or plain mmseg'
    )
    parser.add_argument(
        '--out', required=True, metavar='FOLDER', help='for the results'
    )
    add_predict_on(parser)
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
    parser.add_argument('--device', help='such as cpu or cuda:1')
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='write into a folder that holds files',
    )
    add_options(parser)
    add_trust_option(parser)


def export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'run',
        metavar='RUN',
        help='folder of a run; or a config, followed by its checkpoint',
    )
    parser.add_argument(
        'checkpoint', nargs='?', help='of the config, where RUN is one'
    )
    parser.add_argument(
        '--out',
        metavar='FILE',
        help='*.pth or *.onnx to write; default for ONNX: beside the '
        'checkpoint',
    )
    parser.add_argument(
        '--format',
        choices=['mmseg', 'onnx'],
        default='mmseg',
        help='a plain checkpoint with config (default), or ONNX, compared '
        'with PyTorch',
    )
    add_predict_on(parser)
    parser.add_argument(
        '--overwrite', action='store_true', help='replace existing files'
    )
    add_options(parser)
    add_trust_option(parser)


def convert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('source', help='file as its authors published it')
    parser.add_argument(
        '--out',
        required=True,
        metavar='FILE',
        help='file to write, *.pth, or *.npz for a spatial prior',
    )
    parser.add_argument(
        '--num-classes',
        type=int,
        metavar='N',
        help='classes of the network to train: a head for another number is '
        'left out',
    )
    parser.add_argument(
        '--network',
        choices=['student', 'teacher'],
        help='where a file holds both; default: teacher',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace an existing file'
    )
    add_trust_option(parser)


def mutual(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('configs', nargs=2, metavar='CONFIG')
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
    _run_options(
        parser, 'move the training the work dir holds aside and start anew'
    )
    add_options(parser)
    add_trust_option(parser)
    add_launcher(parser)


def calibrate(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
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
    add_options(parser)
    add_trust_option(parser)
    add_launcher(parser)


def calibrate_masks(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        'masks',
        metavar='MASKS',
        help='folder with a mask (.png, .npy) or probabilities (.npy, .npz) '
        'of labeled and unlabeled images, named as these',
    )
    parser.add_argument(
        '--out', required=True, metavar='FOLDER', help='for the labels'
    )
    parser.add_argument(
        '--confidence',
        metavar='FOLDER',
        help='confidences of the masks (.png, .npy), where they lie apart',
    )
    parser.add_argument(
        '--precision',
        type=float,
        default=0.8,
        help='share of the labels kept of a class that must be right; '
        '0 keeps everything; default: 0.8',
    )
    parser.add_argument(
        '--error-rate',
        type=float,
        default=0.1,
        metavar='RATE',
        help='probability with which a class that is kept may miss it; '
        'default: 0.1',
    )
    parser.add_argument(
        '--split', metavar='NAME', help='as `mmsemi train` takes it'
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='replace labels that lie in the folder',
    )
    add_options(parser)
