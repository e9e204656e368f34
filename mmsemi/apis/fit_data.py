"""From two folders to the data of a run: lists, masks of ids, facts."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmsemi.datasets.lists import read_lines
from mmsemi.doctor.classes import check_held_partly, check_holdout
from mmsemi.doctor.findings import Finding, in_order, stop_at_errors
from mmsemi.io.files import write_text
from mmsemi.prepare.band_statistics import choose_loading
from mmsemi.prepare.fit_settings import DataFacts
from mmsemi.prepare.holdout import draw_holdout, holdout_size
from mmsemi.prepare.labeled_classes import partly_labeled
from mmsemi.prepare.mask_labels import palette_of
from mmsemi.prepare.masks import ENCODING, convert_masks, threads_for
from mmsemi.prepare.pairing import Pair
from mmsemi.utils.errors import UsageError

from .diagnosis import Diagnosis
from .fit_folds import check_folds, fold_lists, number_of_folds
from .fit_run import DATA, MASKS, below


class Plan(NamedTuple):
    """What will be made of two folders.

    Attributes:
        facts: what settings depend on.
        record: what a run remembers of its data, for ``fit.json``.
        findings: the doctor's, and those about the hold-out.
        lists: paths of images below their folder, by role.
        pairs: labeled images.
        folds: lists of each fold of cross-validation, none without.
    """

    facts: DataFacts
    record: dict[str, Any]
    findings: list[Finding]
    lists: dict[str, list[str]]
    pairs: list[Pair]
    folds: list[dict[str, list[str]]]


def plan_data(
    diagnosis: Diagnosis,
    images: str,
    val: str | None,
    seed: int,
    held_before: Sequence[str] = (),
    cross_validate: int | str | None = None,
    aside: Collection[str] = (),
) -> Plan:
    """Share images out to learn from and to measure on; writes nothing.

    Args:
        diagnosis: of the two folders.
        images: folder of images.
        val: list of images to measure on, or folder below ``images``.
        seed: of the draw, where ``val`` is None.
        held_before: images an earlier run was measured on; they stay.
        cross_validate: number of folds in place of a hold-out, or ``auto``.
        aside: files that are not learned from.

    Raises:
        UsageError: if an error was found, or ``val`` fits nothing.
    """
    stop_at_errors(diagnosis.findings)
    known = diagnosis.pixels.sum(1) > 0
    rows = {
        item.name: row
        for row, item in enumerate(diagnosis.masks)
        if known[row]  # a mask in which all is ignored teaches nothing
    }
    pairs = [p for p in diagnosis.pairs.labeled if p.name in rows]
    if len(pairs) == 1:
        raise UsageError(
            f'{pairs[0].masks[0][1]}: no other mask has a pixel with a class, '
            'so none is left to measure on. Label another image'
        )
    names = [below(pair.image, images) for pair in pairs]
    pixels = diagnosis.pixels[list(rows.values())]
    partial = np.array([p.name in diagnosis.drawn for p in pairs], bool)
    number = number_of_folds(cross_validate, len(names))
    inside = np.zeros(len(names), bool)
    if not number:
        inside[
            _held_out(names, pixels, images, val, seed, held_before, partial)
        ] = True
    encoding = diagnosis.encoding
    taken = set(names)
    everything = (below(p.image, images) for p in diagnosis.pairs.pairs)
    unknown = diagnosis.unknown[list(rows.values())]
    share = pixels.sum(1) / (pixels.sum(1) + unknown)
    partly = partly_labeled(
        {n: s for n, s, out in zip(names, share, inside) if not out}
    )
    lists = dict(
        labeled=[n for n, out in zip(names, inside) if not out],
        holdout=[n for n, out in zip(names, inside) if out],
        unlabeled=[name for name in everything if name not in taken],
    )
    record = dict(
        classes=list(encoding.classes),
        palette=[[int(v) for v in rgb] for rgb in palette_of(encoding)],
        encoding=f'{MASKS}/{ENCODING}',
        numbers={role: len(names) for role, names in lists.items()},
        masks_seen={
            name: _digest(diagnosis, pair) for name, pair in zip(names, pairs)
        },
    )
    if aside:
        left = {below(file, images) for file in aside} - taken
        lists = dict(
            lists,
            aside=[n for n in lists['unlabeled'] if n in left],
            unlabeled=[n for n in lists['unlabeled'] if n not in left],
        )
    if partly:  # what is unknown in them is learned from as in unlabeled ones
        lists = dict(
            lists, partly=partly, unlabeled=lists['unlabeled'] + partly
        )
    folds = fold_lists(lists, pixels, number, seed) if number else []
    classes = encoding.classes
    if folds:
        findings = check_folds(classes, pixels, names, folds)
    else:
        findings = check_holdout(classes, pixels[~inside], pixels[inside])
    findings += check_held_partly(names, partial & (inside | bool(folds)))
    stop_at_errors(findings)
    facts = DataFacts(
        np.array([photo.size for photo in diagnosis.photos]),
        pixels[~inside].sum(0),
        len(lists['labeled']),
        len(lists['unlabeled']),
        'partly' in lists,
    )
    findings = in_order([*diagnosis.findings, *findings])
    return Plan(facts, record, findings, lists, pairs, folds)


def loading_of(diagnosis: Diagnosis) -> tuple[dict[str, Any], str]:
    """Facts about how images are loaded, and why; none for plain images."""
    photos = diagnosis.photos
    if all(p.bits <= 8 and p.kind in ('color', 'gray') for p in photos):
        return {}, ''
    found = choose_loading(photos)
    return found.facts, found.reason


def write_data(
    plan: Plan, diagnosis: Diagnosis, run: Path, folders: Sequence[str]
) -> dict[str, float]:
    """Write lists and masks of ids into the folder of a run.

    Args:
        plan: of :func:`plan_data`.
        diagnosis: that it was made of.
        run: folder of the run.
        folders: the user's, of images first; nothing is written to them.

    Returns:
        Share of changed pixels of masks with any, by name.
    """
    changed = convert_masks(
        plan.pairs,
        diagnosis.source,
        diagnosis.encoding,
        run / MASKS,
        folders,
        threads_for(plan.facts.sizes.tolist(), 4),
        lambda pair: below(pair.image, folders[0]),
        diagnosis.drawn,
    )
    for role, names in plan.lists.items():
        content = ''.join(f'{name}\n' for name in names)
        write_text(run / DATA, f'{role}.txt', content)
    return changed


def _held_out(
    names: list[str],
    pixels: np.ndarray,
    images: str,
    val: str | None,
    seed: int,
    before: Sequence[str],
    partial: np.ndarray,
) -> np.ndarray:
    """Rows of the images to measure on.

    Images in which all classes were drawn, where there are enough: what is
    unknown cannot be measured.
    """
    if val is not None:
        rows = _chosen(names, images, val)
    elif before:
        rows = [row for row, name in enumerate(names) if name in set(before)]
        if len(rows) == len(names):  # masks of all others are gone
            rows = []
    else:
        rows = []
    if not rows and val is None:
        number = holdout_size(len(names))
        whole = np.flatnonzero(~partial)
        if len(whole) <= number:
            whole = np.arange(len(names))
        rows = whole[draw_holdout(pixels[whole], number, seed)].tolist()
    if len(rows) == len(names):
        raise UsageError(
            f'--val {val}: it holds every image with a mask, so none is left '
            'to learn from. Hold fewer out'
        )
    return np.array(rows)


def _digest(diagnosis: Diagnosis, pair: Pair) -> str:
    """What was drawn, and which classes were."""
    found = diagnosis.source.digest(pair)
    if pair.name in diagnosis.drawn:
        found += ' ' + ','.join(map(str, sorted(diagnosis.drawn[pair.name])))
    return found


def _chosen(names: list[str], images: str, val: str) -> list[int]:
    if os.path.isdir(val):
        start = below(os.path.realpath(val), os.path.realpath(images)) + '/'
        start = start.removeprefix('./')
        rows = [row for row, n in enumerate(names) if n.startswith(start)]
        if not rows:
            raise UsageError(
                f'--val {val}: no image with a mask in it. It has to be a '
                f'folder below {images}, or a list of its images'
            )
        return rows
    if not os.path.isfile(val):
        raise UsageError(f'--val {val}: no such folder or list')
    by_name = {name: row for row, name in enumerate(names)}
    for name, row in list(by_name.items()):
        by_name.setdefault(os.path.splitext(name)[0], row)
    wanted = read_lines(val)
    missing = [name for name in wanted if name not in by_name]
    if missing or not wanted:
        what = f"'{missing[0]}'" if missing else 'nothing'
        raise UsageError(
            f'{val}: it names {what}, which is no image of {images} with a '
            'mask. Name images relative to that folder, one a line'
        )
    return sorted({by_name[name] for name in wanted})
