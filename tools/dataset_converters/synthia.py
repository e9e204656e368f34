"""Prepare SYNTHIA-RAND-CITYSCAPES: training ids of Cityscapes in the masks.

Reads ``RGB`` and ``GT/LABELS`` of the download, writes ``RGB``,
``GT/LABELS/*_labelTrainIds.png`` and the list ``train.txt``::

    python tools/dataset_converters/synthia.py \
        ~/downloads/RAND_CITYSCAPES data/synthia

Masks get the 19 training ids; ``SYNTHIADataset`` makes 16 of them. Images
keep their 1280x760 (CBST) unless ``--size 2048 1024`` (CRST). Can be
interrupted: the same command goes on.
"""

import argparse
import os
import sys

import numpy as np

from mmsemi.datasets.synthia import LANE_MARKING, SYNTHIA_IDS, read_synthia_ids
from mmsemi.prepare.conversion import convert_set, find_items
from mmsemi.utils.errors import UsageError

ROAD = 0


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('root', help='folder with RGB/ and GT/LABELS/')
    parser.add_argument('out', help='folder to write to')
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        metavar=('WIDTH', 'HEIGHT'),
        help='resize images and masks; by default they keep their size',
    )
    parser.add_argument(
        '--lane-marking',
        choices=['ignore', 'road'],
        default='ignore',
        help='what lane markings become: ignored as in CBST (default), or '
        'road as in CRST',
    )
    parser.add_argument(
        '--skip-bad',
        action='store_true',
        help='leave out images with a mask of another size',
    )
    parser.add_argument('--workers', type=int, default=os.cpu_count())
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='replace files of another conversion',
    )
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    table = np.array(SYNTHIA_IDS, np.uint8)
    if args.lane_marking == 'road':
        table[LANE_MARKING] = ROAD
    items = find_items(args.root, args.out, 'RGB', 'GT/LABELS')
    settings = dict(
        dataset='SYNTHIA', size=args.size, lane_marking=args.lane_marking
    )
    convert_set(
        items,
        args.out,
        settings,
        lambda path: table[read_synthia_ids(path)],
        args.skip_bad,
        args.overwrite,
        args.workers,
    )


if __name__ == '__main__':
    try:
        main()
    except UsageError as error:
        sys.exit(f'error: {error}')
