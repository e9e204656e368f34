"""Differences between two methods that share seeds and splits."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

# Fewer values have too few different resamples for an interval.
FEWEST_TO_RESAMPLE = 5
RESAMPLES = 9999


class Difference(NamedTuple):
    """What pairs of runs say of the difference of two methods.

    Attributes:
        pairs: number of independent pairs.
        mean: of the differences.
        deviation: of a sample (n - 1); None with one pair.
        low: lower end of Student's interval for the mean; None with one
            pair, of which nothing can be said.
        high: its upper end.
        resampled: percentile interval of the bootstrap (Efron and
            Tibshirani 1993, chapter 13); None with fewer than five pairs.
    """

    pairs: int
    mean: float
    deviation: float | None
    low: float | None
    high: float | None
    resampled: tuple[float, float] | None

    @property
    def separable(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low is not None and (self.low > 0 or self.high < 0)


def difference(values: Sequence[float], level: float = 0.95) -> Difference:
    """Mean of paired differences, with its interval.

    Student's interval holds for differences that are about normal. The
    pairs must be independent: runs of one seed on nested lists are not, see
    :func:`over_seeds`.

    Args:
        values: differences, one a pair, at least one.
        level: share of such intervals that hold the true mean.
    """
    if not values:
        raise ValueError('no pair to compare')
    number, mean = len(values), statistics.fmean(values)
    if number == 1:
        return Difference(1, mean, None, None, None, None)
    deviation = statistics.stdev(values)
    reach = float(stats.t.ppf((1 + level) / 2, number - 1)) * deviation
    reach /= math.sqrt(number)
    return Difference(
        number,
        mean,
        deviation,
        mean - reach,
        mean + reach,
        resample(values, level),
    )


def resample(
    values: Sequence[float], level: float = 0.95
) -> tuple[float, float] | None:
    """Percentile interval of the bootstrap for a mean, equal at each call."""
    if len(values) < FEWEST_TO_RESAMPLE:
        return None
    found = stats.bootstrap(
        (np.asarray(values),),
        np.mean,
        confidence_level=level,
        n_resamples=RESAMPLES,
        method='percentile',
        random_state=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def paired(
    method: Mapping[tuple, float], base: Mapping[tuple, float]
) -> dict[tuple, float]:
    """Differences by what both have; what one lacks is left out."""
    return {
        key: method[key] - base[key]
        for key in method
        if key in base and None not in (method[key], base[key])
    }


def over_seeds(found: Mapping[tuple, float]) -> list[float]:
    """One value a seed: its mean over the splits.

    Lists of different sizes are nested, so runs of one seed on several
    splits share images and are no independent pairs. Seeds that lack a
    split are left out, or splits would weigh differently.

    Args:
        found: by (split, seed).
    """
    splits = {split for split, _ in found}
    seeds = sorted({seed for _, seed in found})
    return [
        statistics.fmean(found[split, seed] for split in splits)
        for seed in seeds
        if all((split, seed) in found for split in splits)
    ]
