"""Make lists of labeled and unlabeled images.

The published lists of DST-CBC and DMT, from the data alone::

    python tools/dataset_converters/make_splits.py voc \
        data/VOCdevkit/VOC2012 --protocol dst_cbc
    python tools/dataset_converters/make_splits.py cityscapes \
        data/cityscapes --protocol dst_cbc

VOC's own train against the rest of trainaug: ``--protocol voc_1464``. Random
nested lists of any data set::

    python tools/dataset_converters/make_splits.py folder \
        --images data/mine/images --masks data/mine/masks --name mine \
        --ratios 16 8 4 --seeds 0 1 2

Lists go to ``data/splits/<dataset>/<protocol>/<name>/``; train with
``tools/train.py CONFIG --split FOLDER``.
"""

import argparse
import os.path as osp
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from mmsemi.datasets.splits import list_hash, read_list
from mmsemi.prepare.files import describe_left_out, find_files, without_masks
from mmsemi.prepare.splits import (
    Split,
    difference_maximized,
    dst_cbc_splits,
    nested_splits,
    sort_stems,
    write_lists,
    write_splits,
)
from mmsemi.utils.errors import UsageError

CITYSCAPES_SUFFIX = '_leftImg8bit.png'
# Number of training images and start of the SHA-256 of their sorted list: the
# lists of DST-CBC come out only from these.
DST_CBC_SOURCES = dict(
    voc12=(10582, 'd1326bd532648d73'), cityscapes=(2975, '5be898907a337d99')
)


class Pool:
    """Images that may be labeled, images that may not, and their masks.

    Args:
        dataset: name of the data set's folder of lists.
        stems: images with a mask.
        mask: path of the mask of a stem.
        others: images without a mask, unlabeled in every split.
        val: images no list may hold.
    """

    def __init__(
        self,
        dataset: str,
        stems: Sequence[str],
        mask: Callable[[str], str],
        others: Sequence[str] = (),
        val: Sequence[str] = (),
    ) -> None:
        if not stems:
            raise UsageError(
                f'{dataset}: no image with a mask was found. '
                'Check the folders and suffixes'
            )
        self.dataset = dataset
        self.stems = sort_stems(stems)
        self.mask = mask
        self.others = sort_stems(others)
        self.val = list(val)


def stems_below(folder: Path, suffix: str) -> list[str]:
    """Files with a suffix below a folder, as stems relative to it."""
    return find_files(folder, suffix).stems


def voc_pool(root: Path, write_aug: bool, overwrite: bool) -> Pool:
    """trainaug of VOC 2012, from its list or from the masks."""
    lists, masks = (
        root / 'ImageSets/Segmentation',
        root / 'SegmentationClassAug',
    )
    val = read_list(str(lists / 'val.txt'))
    trainaug = lists / 'trainaug.txt'
    if trainaug.is_file():
        stems = read_list(str(trainaug))
    else:
        stems = sorted(set(stems_below(masks, '.png')) - set(val))
    if write_aug:
        train = read_list(str(lists / 'train.txt'))
        aug = [stem for stem in stems if stem not in set(train)]
        write_lists(
            {str(trainaug): stems, str(lists / 'aug.txt'): aug}, overwrite
        )
        print(f'{lists}: trainaug.txt {len(stems)}, aug.txt {len(aug)}')
    return Pool(
        'voc12', stems, lambda stem: str(masks / f'{stem}.png'), val=val
    )


def cityscapes_pool(root: Path) -> Pool:
    """Training images of Cityscapes; masks of either kind."""
    stems = stems_below(root / 'leftImg8bit/train', CITYSCAPES_SUFFIX)

    def mask(stem: str) -> str:
        path = f'{root}/gtFine/train/{stem}_gtFine_labelTrainIds.png'
        return path if osp.isfile(path) else path.replace('TrainIds', 'Ids')

    return Pool('cityscapes', stems, mask)


def folder_pool(args: argparse.Namespace) -> Pool:
    """Any images and masks that share their stems; says what is left out."""
    found, left = without_masks(
        find_files(args.images, args.image_suffix),
        args.image_suffix,
        args.mask_suffix,
        together=osp.realpath(args.images) == osp.realpath(args.masks),
    )
    masks = find_files(args.masks, args.mask_suffix).stems
    excluded = set(read_list(args.exclude)) if args.exclude else set()
    images = [stem for stem in found.stems if stem not in excluded]
    known = set(masks)
    others = [path for path in found.others if path not in left]
    alone = sorted(known - set(found.stems))
    if osp.realpath(args.images) == osp.realpath(args.masks):
        others = [
            path for path in others if not path.endswith(args.mask_suffix)
        ]
    for paths, why in (
        (left, 'they end as masks do'),
        (
            others,
            f'a list holds images of one suffix, here {args.image_suffix}. '
            'Rename them, or choose with --image-suffix',
        ),
        (
            [stem + args.mask_suffix for stem in alone],
            f'masks without an image that ends with {args.image_suffix}',
        ),
    ):
        if paths:
            print(describe_left_out(paths, why))
    if not images:
        raise UsageError(
            f'{args.images}: no image ends with {args.image_suffix}. Say how '
            'they end with --image-suffix'
        )
    return Pool(
        args.name,
        [stem for stem in images if stem in known],
        lambda stem: osp.join(args.masks, stem + args.mask_suffix),
        others=[stem for stem in images if stem not in known],
        val=sorted(excluded),
    )


class Coverage:
    """Which classes the masks of some images hold.

    Args:
        mask: path of the mask of a stem.
        min_pixels: pixels a class needs to count as present.
    """

    def __init__(self, mask: Callable[[str], str], min_pixels: int) -> None:
        self.mask = mask
        self.min_pixels = min_pixels
        self.known: dict[str, np.ndarray] = {}

    def _present(self, stem: str) -> np.ndarray:
        if stem not in self.known:
            path = self.mask(stem)
            try:
                with Image.open(path) as image:
                    values = np.array(image)
            except FileNotFoundError:
                raise
            except (OSError, SyntaxError, ValueError) as error:
                raise UsageError(
                    f'{path}: mask cannot be read ({error}). Restore the file'
                ) from error
            if values.ndim != 2 or values.dtype.kind not in 'bui':
                raise UsageError(
                    f'{path}: the mask is a color picture, not one of class '
                    'ids. Convert it to one channel'
                )
            counts = np.bincount(values.ravel(), minlength=256)
            self.known[stem] = counts[:256] >= self.min_pixels
        return self.known[stem]

    def images_per_class(self, stems: Sequence[str]) -> np.ndarray:
        """(256,) number of images with each value; 255 stays 0."""
        with ThreadPoolExecutor() as pool:
            total = sum(pool.map(self._present, stems), np.zeros(256, int))
        total[255] = 0
        return total


def own_splits(
    args: argparse.Namespace, pool: Pool, coverage: Coverage
) -> list[Split]:
    """Random nested splits by ratio or count."""
    total = len(pool.stems)
    sizes = {f'1_{r:g}': max(1, round(total / r)) for r in args.ratios}
    sizes.update({str(n): n for n in args.counts})
    if not sizes:
        raise UsageError(
            'say how many images to label: --ratios, --counts, '
            'or a published --protocol'
        )
    accept = None
    if args.min_images:
        values = np.flatnonzero(coverage.images_per_class(pool.stems))

        def accept(stems: list[str]) -> bool:
            return bool(
                (
                    coverage.images_per_class(stems)[values] >= args.min_images
                ).all()
            )

    return list(
        nested_splits(pool.stems, sizes, args.seeds, pool.others, accept)
    )


def published_splits(protocol: str, pool: Pool, root: Path) -> list[Split]:
    """The lists of a publication, made again."""
    if protocol == 'voc_1464':
        train = read_list(str(root / 'ImageSets/Segmentation/train.txt'))
        missing = sorted(set(train) - set(pool.stems))
        if missing:
            raise UsageError(
                f"'{missing[0]}' of train.txt is not in trainaug. Copy "
                'SegmentationClass/*.png into SegmentationClassAug'
            )
        rest = [stem for stem in pool.stems if stem not in set(train)]
        return [Split('1464', train, rest)]
    number, digest = DST_CBC_SOURCES[pool.dataset]
    if (len(pool.stems), list_hash(pool.stems)[:16]) != (number, digest):
        print(
            f'warning: the published lists are drawn from {number} images '
            f'with sha256 {digest}; here are {len(pool.stems)} with '
            f'{list_hash(pool.stems)[:16]}, so other lists come out',
            file=sys.stderr,
        )
    splits = dst_cbc_splits(pool.stems, pool.dataset)
    if pool.dataset == 'voc12':
        splits += difference_maximized(splits)
    return splits


def report(splits: Sequence[Split], coverage: Coverage) -> list[str]:
    """Lines that say in how many labeled images each class occurs."""
    lines = [
        f'labeled images with at least {coverage.min_pixels} pixels of '
        'each value of the masks:'
    ]
    for split in splits:
        if not split.unlabeled:
            continue
        try:
            counts = coverage.images_per_class(split.labeled)
        except FileNotFoundError as error:
            return [
                *lines,
                f'  no coverage: mask {error.filename} does not exist',
            ]
        values = ' '.join(f'{v}:{counts[v]}' for v in range(255) if counts[v])
        lines.append(f'  {split.name}: {values}')
    return lines


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(dest='kind', required=True)
    voc = kinds.add_parser('voc', help='VOC 2012 with the masks of SBD')
    voc.add_argument('root', help='folder VOC2012')
    voc.add_argument(
        '--protocol',
        default='random',
        choices=['random', 'dst_cbc', 'voc_1464'],
    )
    voc.add_argument(
        '--aug',
        action='store_true',
        help='write ImageSets/Segmentation/{aug,trainaug}.txt',
    )
    city = kinds.add_parser('cityscapes')
    city.add_argument('root', help='folder with leftImg8bit and gtFine')
    city.add_argument(
        '--protocol', default='random', choices=['random', 'dst_cbc']
    )
    other = kinds.add_parser('folder', help='any images and masks')
    other.add_argument('--images', required=True)
    other.add_argument('--masks', required=True)
    other.add_argument('--name', required=True, help='name of the data set')
    other.add_argument('--image-suffix', default='.jpg')
    other.add_argument('--mask-suffix', default='.png')
    other.add_argument('--exclude', help='list of images to leave out')
    other.set_defaults(protocol='random', aug=False)
    for sub in (voc, city, other):
        sub.add_argument('--out', default='data/splits')
        sub.add_argument(
            '--ratios',
            type=float,
            nargs='+',
            default=[],
            help='label one image in so many',
        )
        sub.add_argument('--counts', type=int, nargs='+', default=[])
        sub.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
        sub.add_argument(
            '--min-pixels',
            type=int,
            default=64,
            help='pixels for a class to count as present',
        )
        sub.add_argument(
            '--min-images',
            type=int,
            default=0,
            help='draw until the smallest list has every class '
            'in so many images',
        )
        sub.add_argument(
            '--no-coverage',
            action='store_true',
            help='do not read masks to report classes',
        )
        sub.add_argument('--overwrite', action='store_true')
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    root = None if args.kind == 'folder' else Path(args.root)
    if args.kind == 'voc':
        pool = voc_pool(root, args.aug, args.overwrite)
        only_aug = (
            args.aug
            and args.protocol == 'random'
            and not (args.ratios or args.counts)
        )
        if only_aug:
            return
    elif args.kind == 'cityscapes':
        pool = cityscapes_pool(root)
    else:
        pool = folder_pool(args)
    coverage = Coverage(pool.mask, args.min_pixels)
    if args.protocol == 'random':
        splits = own_splits(args, pool, coverage)
    else:
        splits = published_splits(args.protocol, pool, root)
    # Masks that cannot be read stop this before lists are written.
    table = [] if args.no_coverage else report(splits, coverage)
    write_splits(
        osp.join(args.out, pool.dataset, args.protocol),
        splits,
        args.overwrite,
        pool.val,
    )
    print('\n'.join(table), end='\n' if table else '')


if __name__ == '__main__':
    try:
        main()
    except UsageError as error:
        sys.exit(f'error: {error}')
