"""Precision of labels, shown on few labeled images, whatever their pixels.

The pixels of an image are wrong together, so they are no independent
observations; whole images are what is drawn. An image gives its share of
right labels r and a weight g in [0, 1], and the precision in question is
sum g r / sum g over all images of the set.
"""

import bisect
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Bets of which the capital is the mean, as shares of the largest one.
BETS = np.array([0.25, 0.5, 1.0])
# Kept shares at which tests begin, see `largest_shown`.
STARTS = (0.25, 0.75)


def capital(weights: np.ndarray, right: np.ndarray, precision: float) -> float:
    """Evidence that the precision is above a stated one.

    A gambler who bets on every labeled image that its labels are better than
    ``precision`` ends with

        K = mean_f prod_i (1 + f g_i (r_i / P - 1)),   f = 1/4, 1/2, 1,

    times what he had (Waudby-Smith and Ramdas, "Estimating means of bounded
    random variables by betting", JRSS B 2024, with constant bets). If the
    precision over the whole set is P or less and the labeled images are drawn
    from it at random, the expectation of K is at most 1: with replacement
    since each factor then has an expectation of at most 1, without since the
    mean of products over subsets is at most that power (Maclaurin's
    inequality). So K reaches 1 / delta with a probability of at most delta
    (Markov), with any number of images and whatever is within them.

    Args:
        weights: (n,) g of the labeled images, in [0, 1].
        right: (n,) r, in [0, 1]; of no meaning where g is 0.
        precision: P, in (0, 1].
    """
    gains = np.outer(BETS, weights * (right / precision - 1))
    with np.errstate(divide='ignore'):  # an image may take everything
        logs = np.log1p(gains).sum(1)
    return float(np.exp(np.minimum(logs, 700)).mean())


def lower_bound(weights: np.ndarray, right: np.ndarray, delta: float) -> float:
    """Largest precision for which :func:`capital` reaches ``1 / delta``.

    With a probability of at least ``1 - delta`` it is below the precision
    over the whole set, where nothing was chosen by its value.

    Args:
        weights: see :func:`capital`.
        right: as well.
        delta: probability in (0, 1).
    """
    low, high = 0.0, 1.0
    if capital(weights, right, high) >= 1 / delta:
        return high
    for _ in range(20):  # the capital falls where the precision rises
        middle = (low + high) / 2
        if capital(weights, right, middle) >= 1 / delta:
            low = middle
        else:
            high = middle
    return low


class Shown(NamedTuple):
    """What labeled images show of the labels at one threshold.

    Attributes:
        place: of the threshold.
        kept: whether the stated precision is shown there.
        measured: precision on the labeled images, NaN without any label.
        bound: lower bound, of this threshold taken alone.
    """

    place: int
    kept: bool
    measured: float
    bound: float


def largest_shown(
    weights: np.ndarray,
    right: np.ndarray,
    shares: Sequence[float],
    precision: float,
    delta: float,
) -> Shown:
    """The lowest threshold at which a stated precision is shown.

    Thresholds are tested from the strictest to the one that keeps most, as
    hypotheses in a fixed order (Angelopoulos, Bates, Candes, Jordan and Lei,
    "Learn then Test", Annals of Applied Statistics 2025, section 3.2): the
    error probability is shared out over the places where tests begin (see
    ``STARTS``), and each test that succeeds hands its part on to the next one
    (the fallback procedure of Wiens, 2003). So *all* thresholds that succeed
    have the precision, together, with a probability of at least
    ``1 - delta``, and the last of them may be chosen.

    Args:
        weights: (T, n), see :func:`capital`, of each threshold, strictest
            first.
        right: (T, n).
        shares: T rising shares of the labels that are kept.
        precision: P in (0, 1]; 0 keeps everything.
        delta: probability in (0, 1).

    Returns:
        The lowest threshold that succeeds, or, with ``kept=False``, that of
        the tests made which has the highest bound.
    """
    shares = np.asarray(shares)
    part = np.zeros(len(shares))
    for start in STARTS:
        place = min(int((shares < start).sum()), len(shares) - 1)
        part[place] += delta / len(STARTS)
    if precision == 0:
        return _shown(weights, right, len(shares) - 1, True, delta)
    handed, found, missed = 0.0, None, []
    for index in range(len(shares)):
        level = float(part[index]) + handed
        handed = 0.0
        if level == 0:
            continue
        shown = capital(weights[index], right[index], precision) >= 1 / level
        handed = level if shown else 0.0
        result = _shown(weights, right, index, shown, level)
        if shown:
            found = result
        else:
            missed.append(result)
    return found or max(missed, key=lambda result: result.bound)


def _shown(weights, right, index: int, kept: bool, level: float) -> Shown:
    total = weights[index].sum()
    measured = (weights[index] * right[index]).sum() / total if total else 0
    return Shown(
        index,
        kept,
        float(measured) if total else float('nan'),
        lower_bound(weights[index], right[index], level),
    )


def images_needed(precision: float, delta: float) -> int:
    """Labeled images, all labels of which are right, that show a precision.

    Args:
        precision: P in (0, 1).
        delta: probability in (0, 1), all of it at one threshold.
    """
    growth = np.log1p(BETS * (1 / precision - 1))  # of the capital, an image

    def shows(number: int) -> bool:
        logs = np.minimum(number * growth, 700)
        return bool(np.exp(logs).mean() >= 1 / delta)

    most = 1
    while not shows(most):
        most *= 2
    # The more images, the more they show.
    return bisect.bisect_left(range(most + 1), True, lo=1, key=shows)
