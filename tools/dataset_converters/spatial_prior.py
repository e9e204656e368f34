"""Build the spatial prior of CBST-SP from the labeled masks of a config.

Writes what ``CBSTPseudoLabeler(prior=FILE)`` multiplies probabilities with::

    python tools/dataset_converters/spatial_prior.py \
        configs/source_only/gta5_resnet38.py --out data/gta5/spatial_prior.npz

Masks of ``train_dataloader`` are brought to one size (nearest neighbor),
counted, smoothed and divided by their sum for each class. Smaller sizes do as
well: the prior is enlarged to the images it is used with.
"""

import argparse
import os
import sys

import numpy as np
from mmengine.registry import init_default_scope

from mmsemi.apis.config import load_config
from mmsemi.datasets.splits import leaf_datasets
from mmsemi.doctor.lists import ImageList
from mmsemi.prepare.spatial_prior import (
    default_sigma,
    prior_of_files,
    save_prior,
)
from mmsemi.utils.errors import UsageError


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config with the source images')
    parser.add_argument('--out', required=True, help='.npz file to write')
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=[1024, 2048],
        metavar=('HEIGHT', 'WIDTH'),
        help='of the prior; default 1024 2048',
    )
    parser.add_argument(
        '--sigma',
        type=float,
        help='standard deviation of the smoothing in '
        'pixels of that size; default 70/6 at a height of 1024',
    )
    parser.add_argument('--workers', type=int, default=os.cpu_count())
    parser.add_argument('--overwrite', action='store_true')
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    if os.path.exists(args.out) and not args.overwrite:
        raise UsageError(f'{args.out} exists. Replace it with --overwrite')
    if min(args.size) < 1 or (args.sigma or 0) < 0:
        raise UsageError(
            '--size must be positive and --sigma not negative, got '
            f'{args.size} and {args.sigma}'
        )
    cfg = load_config(args.config)
    init_default_scope('mmsemi')
    parts = [
        ImageList(role, config)
        for role, config in leaf_datasets(cfg.train_dataloader.dataset)
    ]
    if len(parts) != 1 or not parts[0].masks:
        raise UsageError(
            f'{args.config}: train_dataloader has {len(parts)} '
            'data sets; one, with mask files, is needed'
        )
    source = parts[0]
    source.check_files()
    sigma = default_sigma(args.size) if args.sigma is None else args.sigma
    prior = prior_of_files(
        source.masks,
        source.lookup,
        len(source.classes),
        args.size,
        sigma,
        args.workers,
    )
    save_prior(args.out, prior, source.classes, sigma, source.size)
    absent = [
        name for name, plane in zip(source.classes, prior) if not plane.any()
    ]
    if absent:
        print(
            f'no pixel of {", ".join(absent)}: never labeled with this prior'
        )
    rows = np.arange(args.size[0])[:, None]
    for name, plane in zip(source.classes, prior):
        if plane.any():
            print(
                f'{name:20} mean height '
                f'{(plane * rows).sum() / args.size[0]:.2f} (0 = top)'
            )
    print(
        f'{args.out}: {len(prior)}x{args.size[0]}x{args.size[1]}, sigma '
        f'{sigma:.2f}, {source.size} images'
    )


if __name__ == '__main__':
    try:
        main()
    except UsageError as error:
        sys.exit(f'error: {error}')
