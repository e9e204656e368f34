"""Cross-validation: every labeled image is held out once.

With a handful of labeled images a hold-out of one or two tells nothing. Here
they are shared out into folds; for each fold the method and its labeled-only
twin are trained without its images, and what they predict for them is counted
together. The model that a person gets is trained with all images then.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmsemi.doctor.classes import FEW_IMAGES
from mmsemi.doctor.findings import Finding
from mmsemi.evaluation.bootstrap import FEWEST
from mmsemi.io.files import write_text
from mmsemi.prepare.fit_config import SHARED
from mmsemi.prepare.fold_config import fold_text
from mmsemi.prepare.holdout import draw_folds
from mmsemi.report.own_data.run_folder import fold_folder
from mmsemi.utils.errors import UsageError
from mmsemi.utils.progress import format_seconds

from .fit_run import DATA

USUAL = 5  # folds, where their number is not said
AUTO = 'auto'
TRAINED = 0.85  # share of the time of a run that goes into training


def number_of_folds(wanted: int | str | None, labeled: int) -> int:
    """How many folds to make, 0 for none.

    Args:
        wanted: their number, ``auto``, or None.
        labeled: images with a mask.

    Raises:
        UsageError: if there cannot be so many.
    """
    if wanted is None:
        return 0
    number = min(USUAL, labeled) if wanted == AUTO else wanted
    if not isinstance(number, int) or not 2 <= number <= labeled:
        raise UsageError(
            f'--cross-validate {wanted}: the number of folds must be 2 to '
            f'{labeled}, as {labeled} images have a mask'
        )
    return number


def fold_lists(
    lists: dict[str, list[str]], pixels: np.ndarray, number: int, seed: int
) -> list[dict[str, list[str]]]:
    """Lists of images of each fold, by role.

    Images that are held out are not learned from at all: they are not among
    the unlabeled ones either.

    Args:
        lists: of the run, with all labeled images.
        pixels: (N, C) of each class in each labeled image.
        number: of folds.
        seed: of the draw.

    Raises:
        UsageError: if a fold would have no unlabeled images left.
    """
    found = []
    for rows in draw_folds(pixels, number, seed):
        held = [lists['labeled'][row] for row in rows]
        out = set(held)
        fold = {
            role: [name for name in names if name not in out]
            for role, names in lists.items()
        }
        if lists['unlabeled'] and not fold['unlabeled']:
            raise UsageError(
                f'--cross-validate {number}: when {held[0]} is held out, no '
                'image with unknown pixels is left to learn from. Choose '
                'more folds, or --method supervised'
            )
        found.append(dict(fold, holdout=held))
    return found


def check_folds(
    names: Sequence[str],
    pixels: np.ndarray,
    labeled: Sequence[str],
    folds: Sequence[dict[str, list[str]]],
) -> list[Finding]:
    """Findings about classes that are only learned from what is held out.

    Args:
        names: of C classes.
        pixels: (N, C) of each class in each labeled image.
        labeled: names of the N images.
        folds: of :func:`fold_lists`.
    """
    row = {name: number for number, name in enumerate(labeled)}
    lost = np.zeros(len(names), bool)
    for fold in folds:
        left = pixels[[row[name] for name in fold['labeled']]].sum(0)
        lost |= (pixels.sum(0) > 0) & (left == 0)
    listed = [name for name, gone in zip(names, lost) if gone]
    if not listed:
        return []
    return [
        Finding(
            'class-in-one-fold',
            'warning',
            '',
            listed,
            f'{", ".join(listed)} is in no image to learn from while those '
            'with it are held out',
            'There it counts as not found; label more images with it',
        )
    ]


def write_folds(
    run: Path,
    folds: Sequence[dict[str, list[str]]],
    configs: Sequence[str],
    iters: int,
    shared: int,
    partly: bool,
) -> None:
    """Write lists and configs of each fold.

    Args:
        run: folder of the run.
        folds: of :func:`fold_lists`.
        configs: names of those of the run, which the others inherit.
        iters: iterations of a training.
        shared: of these, those of the labeled-only model.
        partly: whether the config of the run names partly labeled images.
    """
    for number, lists in enumerate(folds, 1):
        folder = fold_folder(run, number)
        for role, names in lists.items():
            content = ''.join(f'{name}\n' for name in names)
            write_text(folder / DATA, f'{role}.txt', content)
        for name in configs:
            text = fold_text(
                *(name, number, len(folds)),
                *(lists.get('partly') if partly else None, iters, shared),
            )
            write_text(folder, name, text)


def steps_of_all(seconds: Sequence[float], folds: int) -> float:
    """Seconds of a step of all trainings of a run together.

    Args:
        seconds: of the method, and of the twin if there is one.
        folds: their number; then the better one is trained with all images,
            which may be that of all images, for which both are.
    """
    method, *twin = seconds
    both = method * (1 - SHARED) + twin[0] if twin else method
    return (folds + 1) * both


def trainings(kinds: int, folds: int) -> int:
    """How often a run trains, with one kind of model or two."""
    return kinds * (folds + 1)


def offer(
    labeled: int, held: int, kinds: int, iters: int, seconds: Sequence[float]
) -> str:
    """A line that offers cross-validation, and says what it costs.

    Args:
        labeled: images with a mask, those held out included.
        held: of these.
        kinds: of models that are trained, 1 or 2.
        iters: iterations of each.
        seconds: of a step of each; none where steps were not timed.

    Returns:
        Nothing where there are labeled images enough.
    """
    if labeled >= FEW_IMAGES and held >= FEWEST or labeled < 2:
        return ''
    folds = number_of_folds(AUTO, labeled)
    text = (
        f'A hold-out of {held} tells little. --cross-validate measures on '
        f'all {labeled} labeled images, by {trainings(kinds, folds)} '
        f'trainings instead of {kinds}'
    )
    if not seconds:
        return f'{text}, of {iters} iterations each.'
    times = [
        iters * steps_of_all(seconds, number) / TRAINED
        for number in (folds, 0)
    ]
    minutes = max(round(times[0] / 60), 1)
    return (
        f'{text}: about {format_seconds(times[0])} instead of '
        f'{format_seconds(times[1])} for as many iterations '
        f'(--cross-validate --time {minutes}m).'
    )
