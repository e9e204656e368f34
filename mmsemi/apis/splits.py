"""Make lists of labeled and unlabeled images, or bring in published ones."""

import os.path as osp
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmsemi.prepare.import_lists import (
    check_files,
    check_roots,
    note_of_suffixes,
    write_found,
)
from mmsemi.prepare.published_lists import Found, find, read_stems
from mmsemi.prepare.split_coverage import Coverage, coverage_lines
from mmsemi.prepare.split_pools import POOLS
from mmsemi.prepare.split_protocols import published_splits, random_splits
from mmsemi.prepare.splits import Split, write_splits
from mmsemi.utils.errors import UsageError


def make_splits(
    kind: str,
    protocol: str = 'random',
    out: str = 'data/splits',
    ratios: Sequence[float] = (),
    counts: Sequence[int] = (),
    seeds: Sequence[int] = (0, 1, 2),
    min_pixels: int = 64,
    min_images: int = 0,
    coverage: bool = True,
    overwrite: bool = False,
    **source: Any,
) -> list[Split]:
    """Draw lists of labeled and unlabeled images.

    They go to ``<out>/<data set>/<protocol>/<name>/``, whole or not at all.

    Args:
        kind: ``'voc'``, ``'cityscapes'``, or ``'folder'`` for any images and
            masks.
        protocol: ``'random'`` for nested draws, ``'dst_cbc'`` for the lists
            of DST-CBC and DMT, ``'voc_1464'`` for VOC's own train against the
            rest of trainaug.
        out: folder of all lists.
        ratios: random: label one image in so many.
        counts: random: label so many images.
        seeds: random: one draw for each.
        min_pixels: pixels for a class to count as present in an image.
        min_images: random: draw until the smallest list has every class in
            so many images.
        coverage: read masks, and print in how many images each class is.
        overwrite: replace lists that differ.
        source: where the images are: ``root`` of VOC (with ``aug``, to write
            its lists aug and trainaug) or Cityscapes; or ``images``,
            ``masks``, ``name``, ``image_suffix``, ``mask_suffix`` and
            ``exclude`` (a list) of a folder.

    Returns:
        What was written.

    Raises:
        UsageError: if images, masks or lists are missing or damaged, or a
            list exists with other lines; or if published lists are asked for
            in sizes of one's own.
    """
    if protocol != 'random' and (ratios or counts or min_images):
        raise UsageError(
            f'--protocol {protocol} makes lists of the published sizes. Leave '
            '--ratios, --counts and --min-images out'
        )
    only_aug = source.get('aug') and protocol == 'random'
    if kind == 'voc':
        source['overwrite'] = overwrite
    pool = POOLS[kind](**source)
    if only_aug and not (ratios or counts):
        return []
    classes = Coverage(pool.mask, min_pixels)
    if protocol == 'random':
        splits = random_splits(
            pool, classes, ratios, counts, seeds, min_images
        )
    else:
        splits = published_splits(protocol, pool, source['root'])
    # Masks that cannot be read stop this before lists are written.
    table = coverage_lines(splits, classes) if coverage else []
    folder = osp.join(out, pool.dataset, protocol)
    write_splits(folder, splits, overwrite, pool.val)
    print('\n'.join(table), end='\n' if table else '')
    return splits


def import_splits(
    source: str,
    out: str = 'data/splits',
    protocol: str | None = None,
    data_root: Mapping[str, str] | None = None,
    val: str | None = None,
    overwrite: bool = False,
) -> list[Found]:
    """Bring in split lists that others published.

    The layouts that are known are those of DST-CBC, DMT, U2PL, UniMatch,
    CPS, ST++ and CRST; see :mod:`mmsemi.prepare.published_lists`.

    Args:
        source: folder with the lists, or with folders of them.
        out: folder of all lists.
        protocol: name of the folder to write to instead of ``dst_cbc``,
            ``u2pl``, ``unimatch`` or ``crst``.
        data_root: folders by data set, in which files must exist.
        val: list of validation images, which no list may hold; ``val*.txt``
            beside the lists are used in any case.
        overwrite: replace lists that differ.

    Returns:
        What was found, by folder.

    Raises:
        UsageError: if there are no lists, they overlap, or files of theirs
            do not exist.
    """
    roots = dict(data_root or {})
    check_roots(roots)
    found = find(Path(source))
    for part in found:
        check_files(part, roots)
        note = note_of_suffixes(part)
        if note:
            print(note)
    for part in found:
        given = read_stems(Path(val)) if val else []
        folder = osp.join(out, part.dataset, protocol or part.protocol)
        write_found(part, folder, given, overwrite)
    return found
