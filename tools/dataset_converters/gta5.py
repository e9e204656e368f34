"""Prepare GTA5: one size for all images, training ids in the masks.

Reads ``images`` and ``labels`` of the download, writes ``images``,
``labels/*_labelTrainIds.png`` and the list ``train.txt``::

    python tools/dataset_converters/gta5.py ~/downloads/gta5 data/gta5

Can be interrupted: the same command goes on. Masks of another size than
their image, as some downloads have, stop it before anything is written;
``--skip-bad`` leaves such images out, also of the list.
"""

import argparse
import os
import sys

import numpy as np
from PIL import Image

from mmsemi.datasets.transforms.labels import lookup_table
from mmsemi.prepare.conversion import convert_set, find_items
from mmsemi.utils.errors import UsageError

LAST_ID = 34  # license plate


def read_labels(path: str) -> np.ndarray:
    """Training ids (H, W) uint8 of a mask with Cityscapes label ids.

    Raises:
        UsageError: if the mask holds anything else.
    """
    with Image.open(path) as image:  # palette files give their indices
        labels = np.array(image)
    if labels.ndim != 2:
        raise UsageError(
            f'{path}: {labels.shape[2]} channels, not one of label ids. Take '
            'the masks of the GTA5 download'
        )
    if labels.max(initial=0) > LAST_ID:
        raise UsageError(
            f'{path}: value {labels.max()}, but label ids are 0..{LAST_ID}. '
            'Take the masks of the GTA5 download, not converted ones'
        )
    return lookup_table('cityscapes')[labels]


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('root', help='folder with images/ and labels/')
    parser.add_argument('out', help='folder to write to')
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=[1914, 1052],
        metavar=('WIDTH', 'HEIGHT'),
        help='of all images; default 1914 1052, as in CBST and CRST',
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
    items = find_items(args.root, args.out, 'images', 'labels')
    convert_set(
        items,
        args.out,
        dict(dataset='GTA5', size=args.size),
        read_labels,
        args.skip_bad,
        args.overwrite,
        args.workers,
    )


if __name__ == '__main__':
    try:
        main()
    except UsageError as error:
        sys.exit(f'error: {error}')
