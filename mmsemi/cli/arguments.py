"""What each command takes."""

import argparse

from .options import (
    KeyValues,
    add_config,
    add_launcher,
    add_options,
    add_predict_on,
    add_trust_option,
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
    return text if text == 'auto' else int(text)


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


def predict(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    parser.add_argument(
        'images',
        metavar='IMAGES',
        help='folder of images (with all below it), image or quoted pattern',
    )
    parser.add_argument(
        '--out',
        required=True,
        metavar='DIR',
        help='for masks/ and confidence/, laid out like the images',
    )
    parser.add_argument(
        '--confidence',
        action='store_true',
        help='save confidences, too; 255 = certain',
    )
    parser.add_argument(
        '--encoding',
        choices=['original', 'palette', 'ids'],
        default='original',
        help='of the masks: as those came that the model learned from (where '
        'that is known, else palette), class ids with colors, class ids',
    )
    parser.add_argument(
        '--max-pixels',
        type=int,
        default=4_000_000,
        metavar='N',
        help='larger images go through the network in windows; default '
        '4000000',
    )
    parser.add_argument('--device', help='such as cpu or cuda:1')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace masks in DIR'
    )
    add_trust_option(parser)


def label_next(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    parser.add_argument(
        '--number',
        type=int,
        default=20,
        metavar='N',
        help='images to choose; default 20',
    )
    parser.add_argument(
        '--images',
        metavar='FOLDER',
        help='unlabeled images, instead of those that mmsemi fit found',
    )
    parser.add_argument(
        '--candidates',
        type=int,
        metavar='N',
        help='look at N of the unlabeled images only, drawn at random',
    )
    parser.add_argument('--device', help='such as cpu or cuda:1')
    add_trust_option(parser)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'run',
        metavar='RUN',
        help='folder that a training wrote, or its *.pth with the config '
        'beside it',
    )


def doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('images', metavar='IMAGES', help='folder of images')
    parser.add_argument(
        'masks',
        metavar='MASKS',
        help='folder of masks, or a COCO JSON file; images without a mask '
        'are unlabeled',
    )
    parser.add_argument(
        '--mask-suffix',
        default='',
        metavar='TEXT',
        help='what names of masks have behind those of images, such as _mask',
    )
    parser.add_argument(
        '--classes',
        metavar='NAMES',
        help='a,b,c or 0=a,255=b or #000000=a,#ff0000=b, or a text file with '
        'one a line; default: found in the masks',
    )
    parser.add_argument(
        '--ignore-value',
        default='255',
        metavar='VALUE',
        help='value or #rrggbb color of pixels without a class; default 255',
    )
    parser.add_argument(
        '--background',
        choices=['class', 'ignore'],
        default='class',
        help='ignore: leave it out of loss and mean',
    )
    parser.add_argument(
        '--out',
        metavar='FOLDER',
        help='write findings, and masks drawn over images, there',
    )
    parser.add_argument(
        '--json', action='store_true', help='print findings as JSON'
    )
    parser.add_argument(
        '--threads',
        type=int,
        default=8,
        metavar='N',
        help='files that are read at once',
    )


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
    _run_options(parser, 'delete the training in the work dir and start anew')
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


def report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'run', metavar='RUN', help='folder that mmsemi fit wrote'
    )


def summarize(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'work_dirs',
        nargs='+',
        metavar='WORK_DIR',
        help='folders of finished runs',
    )


def curves(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('work_dirs', nargs='+', metavar='WORK_DIR')
    parser.add_argument(
        '--keys',
        nargs='+',
        default=(),
        help='what to draw, such as loss, lr, mIoU (which stands for '
        'teacher/mIoU, too); default: the usual ones',
    )
    parser.add_argument(
        '--out',
        default='',
        metavar='PNG',
        help='picture; default: curves.png in the first WORK_DIR',
    )


def compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'methods',
        nargs='*',
        metavar='METHOD',
        help='config file, or the name of one that mmsemi brings, such as '
        'mean_teacher/camvid_1-16',
    )
    parser.add_argument(
        '--out', metavar='DIR', help='folder of the runs and the report'
    )
    parser.add_argument(
        '--splits',
        nargs='+',
        default=(),
        metavar='NAME',
        help='splits that the configs know, or folders with lists; {seed} in '
        'one is the seed; default: that of each config',
    )
    parser.add_argument(
        '--seeds', nargs='+', type=int, default=(0,), metavar='N'
    )
    parser.add_argument(
        '--jobs',
        type=int,
        default=1,
        metavar='N',
        help='runs at a time; they share the threads, and GPUs in turn',
    )
    parser.add_argument(
        '--iterations',
        type=int,
        metavar='N',
        help='length of every run; default: that of each config',
    )
    parser.add_argument(
        '--set',
        dest='settings',
        metavar='KEY=VALUE',
        nargs='+',
        action=KeyValues,
        help='change settings of all configs',
    )
    parser.add_argument(
        '--no-baselines',
        action='store_true',
        help='leave out labeled-only, averaged-teacher and all-labels',
    )
    parser.add_argument(
        '--tune',
        metavar='JSON',
        help='{"seed": N, "split": NAME, "grid": {METHOD: {KEY: [VALUES]}}}: '
        'try settings out, equally many for each method, on a seed that is '
        'left out of the means',
    )
    parser.add_argument(
        '--report-only',
        metavar='DIR',
        help='write the report of a folder again; trains nothing',
    )
