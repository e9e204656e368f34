"""Draw labeled and unlabeled lists, and write them."""

import math
import os
import os.path as osp
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mmsemi.datasets.splits import (
    LABELED,
    UNLABELED,
    check_disjoint,
    list_hash,
)
from mmsemi.io.files import write_text
from mmsemi.utils.errors import UsageError

# Ratios of the published lists and the names of their files: two ratios were
# chosen to give 100 images and renamed by hand.
DST_CBC_RATIOS = dict(
    voc12={'1': 1, '2': 2, '4': 4, '8': 8, '20': 20, '50': 50, '106': 105.82},
    cityscapes={'1': 1, '4': 4, '8': 8, '30': 29.75},
)
DMS_RATIOS = ('8', '20', '50', '106')
_SEED = 7777


class Split(NamedTuple):
    """A labeled and an unlabeled list and the folder they go to."""

    name: str
    labeled: list[str]
    unlabeled: list[str]


def dst_cbc_splits(stems: Sequence[str], dataset: str) -> list[Split]:
    """The published splits of DST-CBC, named ``<ratio>_<k>``.

    From the sorted stems, one generator with a fixed seed shuffles the same
    list three times; each ratio r takes the first ``int(N / r)``, plus one if
    that leaves a batch of one image (1 modulo 8).

    Args:
        stems: all training images, sorted as :func:`sort_stems` does.
        dataset: ``'voc12'`` or ``'cityscapes'``.
    """
    generator, stems, splits = random.Random(_SEED), list(stems), []
    for k in range(3):
        generator.shuffle(stems)
        for name, ratio in DST_CBC_RATIOS[dataset].items():
            number = int(len(stems) / ratio)
            number += number % 8 == 1
            splits.append(Split(f'{name}_{k}', stems[:number], stems[number:]))
    return splits


def difference_maximized(
    splits: Sequence[Split], ratios: Sequence[str] = DMS_RATIOS
) -> list[Split]:
    """Two 80 % subsets of each labeled list that share 60 %, as DMT draws.

    The unlabeled list stays that of the whole split.

    Args:
        splits: splits named ``<ratio>_<k>``.
        ratios: ratios to use; the random stream runs over k, then over them.

    Returns:
        Splits named ``<ratio>-l_<k>`` and ``<ratio>-r_<k>``.
    """
    by_name = {split.name: split for split in splits}
    generator, subsets = random.Random(_SEED), []
    for k in range(3):
        for ratio in ratios:
            whole = by_name[f'{ratio}_{k}']
            drawn = list(whole.labeled)
            generator.shuffle(drawn)
            side = math.ceil(0.2 * len(drawn))
            for suffix, part in (('l', drawn[:-side]), ('r', drawn[side:])):
                subsets.append(
                    Split(f'{ratio}-{suffix}_{k}', part, whole.unlabeled)
                )
    return subsets


def nested_splits(
    stems: Sequence[str],
    sizes: dict[str, int],
    seeds: Sequence[int],
    unlabeled_only: Sequence[str] = (),
    accept=None,
    tries: int = 1000,
) -> Iterator[Split]:
    """Random splits, named ``<size>/seed<k>``; small ones lie in large ones.

    Per seed one permutation, of which each size takes a prefix.

    Args:
        stems: images that may be labeled.
        sizes: number of labeled images by name.
        seeds: seeds of NumPy's ``default_rng``.
        unlabeled_only: further images, unlabeled in every split.
        accept: says of the smallest labeled list whether it will do; else
            the generator draws another permutation.
        tries: permutations to draw before giving up.

    Raises:
        UsageError: if a size is impossible or no permutation is accepted.
    """
    wrong = {name: n for name, n in sizes.items() if not 0 < n <= len(stems)}
    if wrong:
        name, number = next(iter(wrong.items()))
        raise UsageError(
            f'split {name} asks for {number} of {len(stems)} '
            'images. Choose another ratio or count'
        )
    stems = sorted(stems)
    for seed in seeds:
        generator = np.random.default_rng(seed)
        for _ in range(tries):
            order = [stems[i] for i in generator.permutation(len(stems))]
            if accept is None or accept(order[: min(sizes.values())]):
                break
        else:
            raise UsageError(
                f'seed {seed}: none of {tries} draws has enough images of '
                'each class. Ask for fewer (--min-images) or for more labels'
            )
        for name, number in sizes.items():
            yield Split(
                f'{name}/seed{seed}',
                order[:number],
                order[number:] + sorted(unlabeled_only),
            )


def sort_stems(stems: Sequence[str]) -> list[str]:
    """By folder, then by file name."""
    return sorted(stems, key=lambda stem: (osp.dirname(stem), stem))


def write_lists(
    files: dict[str, Sequence[str]], overwrite: bool = False
) -> dict[str, str]:
    """Write lists, each whole or not at all.

    Args:
        files: lines by path. An empty list removes the file.
        overwrite: replace lists that differ.

    Returns:
        SHA-256 by path.

    Raises:
        UsageError: if a list exists with other lines and ``overwrite`` is
            not set; nothing is written then.
    """
    content = {
        path: ''.join(f'{line}\n' for line in lines)
        for path, lines in files.items()
    }
    for path, text in content.items():
        if osp.exists(path) and not overwrite and _read(path) != text:
            raise UsageError(
                f'{path} exists with other lines. Replace it '
                'with --overwrite, or write elsewhere (--out)'
            )
    for path, text in content.items():
        if not text:
            if osp.exists(path):
                os.remove(path)
            continue
        folder, name = osp.split(path)
        write_text(folder or '.', name, text)
    return {path: list_hash(lines) for path, lines in files.items()}


def write_splits(
    folder: str,
    splits: Sequence[Split],
    overwrite: bool = False,
    val: Sequence[str] | None = None,
) -> None:
    """Check splits, write them and print a line for each.

    Args:
        folder: the splits' folders are made in it.
        splits: what to write.
        overwrite: replace lists that differ.
        val: validation images, which no list may hold.
    """
    files: dict[str, Sequence[str]] = {}
    for split in splits:
        check_disjoint(
            **{
                f'labeled images of {split.name}': split.labeled,
                f'unlabeled images of {split.name}': split.unlabeled,
                'validation images': val or [],
            }
        )
        files[osp.join(folder, split.name, LABELED)] = split.labeled
        files[osp.join(folder, split.name, UNLABELED)] = split.unlabeled
    hashes = write_lists(files, overwrite)
    for split in splits:
        path = osp.join(folder, split.name)
        print(
            f'{path}: {len(split.labeled)} labeled, '
            f'{len(split.unlabeled)} unlabeled, sha256 '
            f'{hashes[osp.join(path, LABELED)][:12]}'
        )


def _read(path: str) -> str:
    with open(path, encoding='utf-8', newline='') as file:
        return file.read()
