"""How sure IoU figures of a few images are, by drawing the images again.

Pixels of an image are alike, so images are drawn, not pixels; both models
are measured on the same draws, since what makes an image hard is hard for
both (a paired bootstrap).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

DRAWS = 2000
LEVEL = 0.95
# Images for an interval: of three it is wider than anything there is.
FEWEST = 4
_BLOCK = 4_000_000  # weights held at once
KEYS = ('label', 'prediction', 'both')


class Estimate(NamedTuple):
    """A figure in percent with its interval; None is unknown.

    Attributes:
        value: over all images as they are.
        low: lower end of the interval.
        high: upper end.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def verdict(self) -> str:
        """What a difference says.

        ``better`` or ``worse`` where the interval lies on one side of 0,
        ``unclear`` where it holds 0, ``unknown`` without an interval.
        """
        if self.low is None:
            return 'unknown'
        if self.low > 0:
            return 'better'
        return 'worse' if self.high < 0 else 'unclear'


class Scores(NamedTuple):
    """IoU, or a difference of two, in percent.

    Attributes:
        mean: over the classes that the ground truth holds.
        classes: of each class, unknown where the ground truth has none.
    """

    mean: Estimate
    classes: list[Estimate]


class Comparison(NamedTuple):
    """Two models on the same images.

    Attributes:
        method: IoU of the model trained with unlabeled images.
        twin: IoU of the one trained without.
        gain: the first less the second.
    """

    method: Scores
    twin: Scores
    gain: Scores


def count_array(per_image: Mapping[str, Mapping[str, Any]]) -> np.ndarray:
    """(N, 3, C) int64 of ``{image: dict(label, prediction, both)}``.

    Each value is a list of C pixel counts: in the ground truth, predicted,
    and both, ignored pixels left out.
    """
    return np.array(
        [[counts[key] for key in KEYS] for counts in per_image.values()],
        np.int64,
    )


def iou_percent(counts: np.ndarray) -> np.ndarray:
    """(..., C) IoU of (..., 3, C) counts; NaN where truth has no pixel.

    A class that is predicted but not there costs the classes that are in
    its place; as one of its own it would count twice.
    """
    label, prediction, both = np.moveaxis(counts, -2, 0)
    with np.errstate(invalid='ignore', divide='ignore'):
        iou = 100.0 * both / (label + prediction - both)
    return np.where(label > 0, iou, np.nan)


def mean_known(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis without NaN; NaN where nothing is left."""
    known = ~np.isnan(values)
    with np.errstate(invalid='ignore'):
        return np.where(known, values, 0).sum(-1) / known.sum(-1)


def score(
    counts: np.ndarray, draws: int = DRAWS, level: float = LEVEL, seed: int = 0
) -> Scores:
    """IoU of one model with intervals.

    Args:
        counts: (N, 3, C), see :func:`count_array`.
        draws: how often N images are drawn.
        level: of the intervals.
        seed: of the draws.
    """
    return compare(counts, counts, draws, level, seed).method


def compare(
    method: np.ndarray,
    twin: np.ndarray,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> Comparison:
    """IoU of two models and of their difference, with intervals.

    The intervals are the value plus and minus the standard error of the
    bootstrap times a quantile of Student's t, the error widened by
    sqrt(n / (n - 1)) (Hesterberg, What Teachers Should Know About the
    Bootstrap, The American Statistician 69(4), 2015). Percentiles of the
    draws are far too narrow for few images: none goes beyond what these
    images hold. Of a class n is the number of images with it. Fewer than
    :data:`FEWEST` give no interval, and neither do draws that are all alike.

    Args:
        method: (N, 3, C), see :func:`count_array`.
        twin: the same for the other model and the same images.
        draws: how often N images are drawn.
        level: of the intervals.
        seed: of the draws.

    Raises:
        ValueError: if the two are not about the same images and labels.
    """
    method, twin = np.asarray(method), np.asarray(twin)
    if method.shape != twin.shape or (method[:, 0] != twin[:, 0]).any():
        raise ValueError('both models need counts of the same images')
    both = np.stack([method, twin])
    # An image without a known pixel says nothing.
    both = both[:, both[0, :, 0].sum(-1) > 0]
    values = iou_percent(both.sum(1))
    samples = np.concatenate(
        [iou_percent(sums) for sums in _draw(both, draws, seed)], 1
    )
    images = (both[0, :, 0] > 0).sum(0)
    pairs = (
        (values[0], samples[0]),
        (values[1], samples[1]),
        (values[0] - values[1], samples[0] - samples[1]),
    )
    found = Comparison(
        *(
            Scores(
                _estimate(
                    mean_known(value), mean_known(drawn), both.shape[1], level
                ),
                [
                    _estimate(value[c], drawn[:, c], images[c], level)
                    for c in range(both.shape[-1])
                ],
            )
            for value, drawn in pairs
        )
    )
    return Comparison(
        *(_within(part, low) for part, low in zip(found, (0.0, 0.0, -100.0)))
    )


def holding(counts: np.ndarray) -> np.ndarray:
    """(C,) in how many images the ground truth has each class."""
    return (counts[:, 0] > 0).sum(0)


def _draw(both: np.ndarray, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Blocks of sums (2, D, 3, C) over N drawn images."""
    models, images, _, classes = both.shape
    flat = both.reshape(models, images, 3 * classes).astype(np.float64)
    rng = np.random.default_rng(seed)
    if images < 2:
        yield np.zeros((models, 0, 3, classes))
        return
    block = max(_BLOCK // images, 1)
    for begin in range(0, draws, block):
        size = min(block, draws - begin)
        weights = rng.multinomial(images, np.full(images, 1 / images), size)
        yield (weights.astype(np.float64) @ flat).reshape(
            models, size, 3, classes
        )


def _estimate(
    value: float, drawn: np.ndarray, images: int, level: float
) -> Estimate:
    if np.isnan(value):
        return Estimate()
    drawn = drawn[~np.isnan(drawn)]
    if images < FEWEST or not drawn.size:
        return Estimate(float(value))
    reach = _reach(drawn, int(images), level)
    # Rounding is no variation.
    if reach < 1e-9:
        return Estimate(float(value))
    return Estimate(float(value), float(value - reach), float(value + reach))


def _within(scores: Scores, low: float) -> Scores:
    """No IoU is below 0 or above 100 %, and no difference below -100."""
    mean, *classes = (
        e
        if e.low is None or e.high is None
        else e._replace(low=max(e.low, low), high=min(e.high, 100.0))
        for e in (scores.mean, *scores.classes)
    )
    return Scores(mean, classes)


def _reach(drawn: np.ndarray, images: int, level: float) -> float:
    """Half the width of an interval."""
    from scipy.special import stdtrit

    error = drawn.std() * np.sqrt(images / (images - 1))
    return stdtrit(images - 1, (1 + level) / 2) * error


def absent_classes(counts: np.ndarray, classes: Sequence[str]) -> list[str]:
    """Classes without a pixel in the ground truth."""
    return [
        name for name, images in zip(classes, holding(counts)) if not images
    ]
