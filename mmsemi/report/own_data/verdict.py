"""Did the unlabeled images help? In figures and in plain words."""

from typing import NamedTuple

import numpy as np

from mmsemi.evaluation.bootstrap import (
    FEWEST,
    Comparison,
    Estimate,
    Scores,
    compare,
    score,
)

from ..tables import percent

# Points of mean IoU. A hold-out is small, and models that have also seen the
# other images were better on most data, so a tie goes to them.
TIE = 1.0
FEW = 20  # hold-out images: below, intervals tend to be too narrow
SURER = (
    'To know more, run fit with --cross-validate and another --out: it '
    'measures on all labeled images.'
)


class Verdict(NamedTuple):
    """What a boss reads first.

    Attributes:
        kind: ``better``, ``worse``, ``unclear``, ``unknown`` (of the gain),
            ``no twin`` or ``no holdout``.
        recommended: ``method`` or ``twin``.
        headline: some words.
        text: sentences with the figures.
        advice: which model to use, and why.
    """

    kind: str
    recommended: str
    headline: str
    text: str
    advice: str


def recommend(method: np.ndarray, twin: np.ndarray | None = None) -> str:
    """``method``, or ``twin`` where its mean IoU is clearly higher.

    That is by :data:`TIE` points, or by less where the interval of the
    difference lies on one side of 0.

    Args:
        method: (N, 3, C) counts of
            :func:`mmsemi.evaluation.bootstrap.count_array`.
        twin: those of the labeled-only twin.
    """
    if twin is None:
        return 'method'
    return _better(compare(method, twin).gain.mean)


def _better(gain: Estimate) -> str:
    if gain.value is None:
        return 'method'
    clearly = gain.value < -TIE or gain.verdict == 'worse'
    return 'twin' if clearly else 'method'


def points(value: float) -> str:
    """``+1.2``, with a real minus sign."""
    # -0.04 is no loss.
    rounded = round(value, 1) + 0.0
    return f'{rounded:+.1f}'.replace('-', '\N{MINUS SIGN}')


def between(estimate: Estimate, signed: bool = True) -> str:
    """The interval in words, or that it is unknown."""
    if estimate.low is None or estimate.high is None:
        return 'interval unknown'
    show = points if signed else '{:.1f}'.format
    return f'{show(estimate.low)} to {show(estimate.high)}'


def _count(number: int) -> str:
    words = {1: 'One image', 2: 'Two images', 3: 'Three images'}
    return words.get(number, f'{number} images')


def images_of(number: int) -> str:
    """``1 hold-out image``, ``7 hold-out images``."""
    return f'{number} hold-out image{"" if number == 1 else "s"}'


def judge(
    method: np.ndarray,
    twin: np.ndarray | None,
    unlabeled: int = 1,
    supervised: bool = False,
    folds: bool = False,
    label_precision: float | None = None,
) -> tuple[Verdict, Scores, Comparison | None]:
    """The verdict and the figures behind it.

    Args:
        method: (N, 3, C) counts on the hold-out.
        twin: those of the labeled-only twin, None without one.
        unlabeled: number of unlabeled images.
        supervised: whether they were left aside.
        folds: whether all labeled images were held out once.
        label_precision: of labels for them, which was too low to learn from
            them; None where they were left aside for another reason.
    """
    # Images without a known pixel say nothing.
    number = int((method[:, 0].sum(-1) > 0).sum())
    if twin is None:
        scores = score(method)
        told = _without_twin(
            scores, len(method), unlabeled, supervised, label_precision
        )
        return told, scores, None
    found = compare(method, twin)
    gain, before, after = (
        part.mean for part in (found.gain, found.twin, found.method)
    )
    best = _better(gain)
    if gain.value is None:
        return _nothing_known(len(method)), found.method, found
    figures = (
        f'On {images_of(number)} the mean IoU is {after.value:.1f} % with the '
        f'unlabeled images and {before.value:.1f} % without: '
        f'{points(gain.value)} points'
    )
    kind = gain.verdict
    if kind == 'unknown':
        text = f'{figures}. How sure that is, is unknown: ' + (
            f'{_count(number).lower()} give{"s" * (number == 1)} no interval.'
            if number < FEWEST
            else 'the difference is the same in all images.'
        )
    else:
        text = f'{figures} (95 % interval {between(gain)}).'
    words = list(_words(kind, best, text, number, gain.value))
    if kind in ('unknown', 'unclear') and number < FEW and not folds:
        words[-1] += ' ' + SURER
    return (
        Verdict(kind, best, *words),
        found.method if best == 'method' else found.twin,
        found,
    )


def _words(kind: str, best: str, text: str, number: int, gain: float) -> tuple:
    if kind == 'better':
        return (
            'Yes, the unlabeled images helped',
            text,
            'Use the model trained with unlabeled images.',
        )
    if kind == 'worse':
        return (
            'No, the unlabeled images made it worse',
            text,
            'Use the model trained on the labeled images only.',
        )
    if kind == 'unknown':
        headline = (
            f'{_count(number)} cannot tell whether the unlabeled images helped'
            if number < FEWEST and gain
            else 'The unlabeled images made no difference'
            if not gain
            else 'How sure the difference is, is unknown'
        )
    else:
        headline = 'The two models cannot be told apart'
        text += (
            f' The interval covers 0: on {images_of(number)} a difference '
            'this small may be chance.'
        )
    if best == 'twin':
        return (
            headline,
            text,
            'Use the model trained on the labeled images only, which did '
            'better here.',
        )
    if gain < 0:
        return (
            headline,
            text,
            'The model trained with unlabeled images is kept: so small a '
            'difference says little, and it has seen more images.',
        )
    return (
        headline,
        text,
        'The model trained with unlabeled images is kept, since it was not '
        'worse here; do not count on the gain.',
    )


def _without_twin(
    scores: Scores,
    number: int,
    unlabeled: int,
    supervised: bool,
    label_precision: float | None,
) -> Verdict:
    mean = scores.mean
    if mean.value is None:
        return _nothing_known(number)
    text = (
        f'On {images_of(number)} the mean IoU is {mean.value:.1f} % '
        f'(95 % interval {between(mean, signed=False)}).'
    ).replace('(95 % interval interval unknown)', '(interval unknown)')
    if label_precision is not None:
        left = 'What is unknown in partly labeled images was'
        if unlabeled:
            left = (
                f'The {unlabeled} unlabeled images were'
                if unlabeled > 1
                else 'The unlabeled image was'
            )
        return Verdict(
            'no twin',
            'method',
            'Trained on labeled images only',
            f'{text} {left} left aside: half-way through its training the '
            'model would have given labels that are right in '
            f'{percent(label_precision, 0)} of the pixels of an average '
            'class, too few to learn from.',
            'Use this model. With more masks its labels get better, and '
            'unlabeled images may help.',
        )
    if not unlabeled:
        return Verdict(
            'no twin',
            'method',
            'Trained on labeled images only',
            f'{text} There were no unlabeled images.',
            'Use this model.',
        )
    if supervised:
        return Verdict(
            'no twin',
            'method',
            'Trained on labeled images only',
            f'{text} The {unlabeled} unlabeled images were left aside, as '
            'you said.',
            'Use this model; to learn from the others, too, run fit without '
            '--method supervised.',
        )
    return Verdict(
        'no twin',
        'method',
        'Whether the unlabeled images helped was not measured',
        f'{text} No model was trained on the labeled images only to compare '
        'with.',
        'Use this model; to know what the unlabeled images bring, run fit '
        'without --no-twin.',
    )


def _nothing_known(number: int) -> Verdict:
    return Verdict(
        'no holdout',
        'method',
        'How good the model is was not measured',
        'No hold-out image has a pixel of a known class.'
        if number
        else 'There is no hold-out image.',
        'Look at the pictures, and label some images to measure on.',
    )


def cross_validation(folds: int, labeled: int) -> str:
    """How the figures came about, where there was no one hold-out.

    Args:
        folds: their number, 0 without cross-validation.
        labeled: images with a mask.
    """
    if not folds:
        return ''
    return (
        f'Measured by cross-validation: each of the {labeled} labeled images '
        f'was held out once, in {folds} parts, and predicted by models '
        'trained without it. The model in segmentor.pth is trained on all '
        f'{labeled}; it was not measured itself, and should be no worse.'
    )
