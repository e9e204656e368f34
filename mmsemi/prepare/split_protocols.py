"""By which rules images are drawn to be labeled."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmsemi.datasets.splits import list_hash, read_list
from mmsemi.utils.errors import UsageError

from .split_coverage import Coverage
from .split_pools import Pool
from .splits import Split, difference_maximized, dst_cbc_splits, nested_splits

# Number of training images and start of the SHA-256 of their sorted list: the
# lists of DST-CBC come out only from these.
DST_CBC_SOURCES = dict(
    voc12=(10582, 'd1326bd532648d73'), cityscapes=(2975, '5be898907a337d99')
)


def random_splits(
    pool: Pool,
    coverage: Coverage,
    ratios: Sequence[float] = (),
    counts: Sequence[int] = (),
    seeds: Sequence[int] = (0, 1, 2),
    min_images: int = 0,
) -> list[Split]:
    """Random nested splits by ratio or count.

    Args:
        pool: images to draw from.
        coverage: which classes they show, for ``min_images``.
        ratios: label one image in so many.
        counts: label so many images.
        seeds: one draw for each.
        min_images: draw until the smallest list has every class in so many
            images.
    """
    for ratio in ratios:
        if not (math.isfinite(ratio) and ratio >= 1):
            raise UsageError(
                f'--ratios {ratio:g}: one image in so many is labeled, so it '
                'must be at least 1'
            )
    if min(seeds, default=0) < 0:
        raise UsageError(f'--seeds {min(seeds)}: seeds must not be negative')
    total = len(pool.stems)
    sizes = {f'1_{r:g}': max(1, round(total / r)) for r in ratios}
    sizes.update({str(n): n for n in counts})
    if not sizes:
        raise UsageError(
            'say how many images to label: --ratios, --counts, '
            'or a published --protocol'
        )
    values = np.zeros(0, int)
    if min_images:
        values = np.flatnonzero(coverage.images_per_class(pool.stems))

    def enough(stems: list[str]) -> bool:
        found = coverage.images_per_class(stems)[values]
        return bool((found >= min_images).all())

    accept = enough if min_images else None
    return list(nested_splits(pool.stems, sizes, seeds, pool.others, accept))


def published_splits(
    protocol: str, pool: Pool, root: str | Path
) -> list[Split]:
    """The lists of a publication, made again.

    Args:
        protocol: ``'dst_cbc'``, or ``'voc_1464'`` for VOC's own train.
        pool: all training images.
        root: folder of the data set.
    """
    if protocol == 'voc_1464':
        train = read_list(str(Path(root) / 'ImageSets/Segmentation/train.txt'))
        labeled = set(train)
        missing = sorted(labeled - set(pool.stems))
        if missing:
            raise UsageError(
                f"'{missing[0]}' of train.txt is not in trainaug. Copy "
                'SegmentationClass/*.png into SegmentationClassAug'
            )
        rest = [stem for stem in pool.stems if stem not in labeled]
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
