"""What the commands that compare runs take."""

import argparse

from .options import KeyValues


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
        '--data',
        metavar='CONFIG',
        help='config whose data set takes the place of that of all configs, '
        'such as configs/_base_/datasets/nuclei.py or the config.py that '
        '`mmsemi fit` wrote',
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
    parser.add_argument(
        '--publish',
        metavar='PAGE',
        help='copy the report to comparisons/ beside a Markdown page, and '
        'write the list of comparisons of this page anew',
    )
