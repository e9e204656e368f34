"""Masks in which only some classes were drawn, or only a part of the image.

Where a class was not drawn, its pixels were left in the background: learned
as background they would teach the network to miss the class.
"""

import csv
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mmsemi.doctor.classes import PARTLY
from mmsemi.doctor.findings import Finding
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE

from .mask_source import BACKGROUND_LABELS

_SEPARATORS = re.compile(r'[;,|]')
_HEADINGS = ('image', 'images', 'file', 'name')
OTHERS = (*BACKGROUND_LABELS, 'other', 'others', 'rest')


def background_of(classes: Sequence[str]) -> int | None:
    """Id of the class of all that is nothing else, None without such."""
    for index, name in enumerate(classes):
        if name.lower() in OTHERS:
            return index
    return None


def read_labeled_classes(
    path: str | Path, names: Sequence[str], classes: Sequence[str]
) -> dict[str, frozenset[int]]:
    """Which classes were drawn in which images.

    A line is an image (its name, with or without suffix) and behind it the
    classes that were drawn in it, as further columns or in one column
    separated by ``;`` or ``|``. A first line ``image,classes`` is a heading.
    In images that are not named all classes were drawn.

    Args:
        path: CSV file.
        names: of all images that have a mask.
        classes: names of the classes, by id.

    Returns:
        Ids of the classes by image; background is drawn only if it is named.

    Raises:
        UsageError: naming the line if it is not understood.
    """
    try:
        with open(path, newline='', encoding='utf-8-sig') as file:
            rows = [
                (reader.line_num, row)
                for reader in [csv.reader(file)]
                for row in reader
                if any(cell.strip() for cell in row)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, 'strerror', None) or error
        raise UsageError(
            f'{path}: cannot be read ({why}). Give a CSV file with lines such '
            'as "image_1,car,tree"'
        ) from error
    if rows and rows[0][1][0].strip().lower() in _HEADINGS:
        rows = rows[1:]
    known, ids = set(names), {name: k for k, name in enumerate(classes)}
    found: dict[str, frozenset[int]] = {}
    for line, row in rows:
        name = _image(row[0].strip(), known, f'{path}, line {line}')
        drawn = [
            label.strip()
            for cell in row[1:]
            for label in _SEPARATORS.split(cell)
            if label.strip()
        ]
        unknown = [label for label in drawn if label not in ids]
        if unknown:
            raise UsageError(
                f'{path}, line {line}: there is no class {unknown[0]!r}. '
                f'Classes are {", ".join(classes)}'
            )
        if name in found:
            raise UsageError(
                f'{path}, line {line}: {name} was named before. Give each '
                'image one line'
            )
        found[name] = frozenset(ids[label] for label in drawn)
    if not found:
        raise UsageError(
            f'{path}: no image is named. Give lines such as "image_1,car,tree"'
        )
    return found


def _image(given: str, known: set[str], place: str) -> str:
    """The name of an image that a line means."""
    given = given.replace('\\', '/').removeprefix('./')
    for name in (given, os.path.splitext(given)[0]):
        if name in known:
            return name
    raise UsageError(
        f'{place}: no image with a mask is called {given!r}. Names are paths '
        'below the folder of images'
    )


def hide_undrawn(
    labels: np.ndarray,
    drawn: frozenset[int],
    classes: Sequence[str],
    image: str = 'the image',
) -> np.ndarray:
    """A mask with 255 where a class that was not drawn may be.

    That is the background, unless it is among the drawn classes or all
    others are. What was drawn stays.

    Args:
        labels: (H, W) uint8 ids, 255 where unknown; not changed.
        drawn: ids of the classes that were drawn.
        classes: names of the classes, by id.
        image: for messages.

    Raises:
        UsageError: if the mask holds a class that was not drawn.
    """
    background = background_of(classes)
    counts = np.bincount(labels.ravel(), minlength=256)[: len(classes)]
    for index in np.flatnonzero(counts):
        if index not in drawn and index != background:
            raise UsageError(
                f'{image}: {counts[index]} pixels are {classes[index]}, which '
                'was not drawn there as the list of labeled classes says. Add '
                'it to the line of the image, or correct the mask'
            )
    if not _hides(drawn, classes):
        return labels.copy()
    return np.where(labels == background, np.uint8(IGNORE), labels)


def count_undrawn(
    counts: np.ndarray,
    ignored: np.ndarray,
    names: Sequence[str],
    files: Sequence[str],
    drawn: Mapping[str, frozenset[int]],
    classes: Sequence[str],
) -> tuple[np.ndarray, np.ndarray, list[Finding]]:
    """What :func:`hide_undrawn` leaves of masks, from what was counted.

    Args:
        counts: (N, C) pixels of each class in each mask; not changed.
        ignored: (N,) pixels without a class; not changed.
        names: of N images.
        files: N masks.
        drawn: see :func:`read_labeled_classes`.
        classes: names of the classes, by id.

    Returns:
        The two arrays as they will be, and findings.
    """
    background = background_of(classes)
    counts, ignored = counts.copy(), ignored.copy()
    wrong, hidden = [], []
    for row, name in enumerate(names):
        if name not in drawn:
            continue
        present = {*np.flatnonzero(counts[row]).tolist()} - {background}
        wrong += [(row, index) for index in sorted(present - drawn[name])]
        if _hides(drawn[name], classes):
            ignored[row] += counts[row, background]
            counts[row, background] = 0
            hidden.append(row)
    findings = []
    if wrong:
        row, index = wrong[0]
        findings.append(
            Finding(
                'class-not-drawn',
                'error',
                files[row],
                {classes[index]: int(counts[row, index])},
                f'{counts[row, index]} pixels are {classes[index]}, which was '
                'not drawn there as the list of labeled classes says',
                'Add it to the line of the image, or correct the mask',
                len({row for row, _ in wrong}),
            )
        )
    if hidden:
        listed = [classes[index] for index in sorted(drawn[names[hidden[0]]])]
        findings.append(
            Finding(
                'classes-partly-drawn',
                'note',
                files[hidden[0]],
                listed,
                f'only {", ".join(listed) or "no class"} was drawn here',
                'Background is unknown there: it is left out of the loss, and '
                'learned from like unlabeled images',
                len(hidden),
            )
        )
    elif background is None:
        findings.append(
            Finding(
                'labeled-classes-without-use',
                'warning',
                '',
                list(classes),
                'no class is background, so the list of labeled classes '
                'changes nothing',
                'Pixels that were not drawn are ignored anyway, or belong to '
                'another class',
            )
        )
    return counts, ignored, findings


def _hides(drawn: frozenset[int], classes: Sequence[str]) -> bool:
    """Whether a class that was not drawn may be in the background."""
    background = background_of(classes)
    everything = {*range(len(classes))} - {background} <= drawn
    return not (background is None or background in drawn or everything)


def partly_labeled(
    known: Mapping[str, float], most_known: float = PARTLY
) -> list[str]:
    """Images of which more is unknown than the borders of things.

    They are worth being learned from like unlabeled ones, too.

    Args:
        known: share of the pixels with a label, by image.
        most_known: share of known pixels up to which an image counts.

    Returns:
        Their names in order, those with nothing known left out.
    """
    return [name for name, share in known.items() if 0 < share <= most_known]
