"""Means, deviations and paired differences of a comparison."""

import statistics
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from mmsemi.evaluation.paired import Difference, difference, over_seeds, paired

from .comparison import (
    ALL_LABELS,
    LABELED_ONLY,
    SAME_IMAGES,
    SAME_LABELS,
    compute,
    counting,
)


def names(cells: Sequence[dict], split: str | None = None) -> list[str]:
    """Methods in the order of their cells, of a split or of all."""
    return list(
        dict.fromkeys(
            c['method'] for c in cells if split in (None, c['split'])
        )
    )


def splits(cells: Sequence[dict]) -> list[str]:
    """Splits that methods are compared on, without that of all labels."""
    return list(
        dict.fromkeys(
            c['split']
            for c in sorted(cells, key=lambda c: c['lists_labeled'])
            if c['method'] != ALL_LABELS
            and c['setting'] is None
            and not c.get('tuned_on')
        )
    )


def by_pair(
    cells: Sequence[dict], method: str, key: str = 'miou'
) -> dict[tuple, float]:
    """``{(split, seed): value}`` of the runs of a method that count."""
    return {
        (c['split'], c['seed']): c[key]
        for c in counting(cells)
        if c['method'] == method and c[key] is not None
    }


def mean_of(cells: Sequence[dict], *path: str) -> float | None:
    """Mean over the cells that have a value at a path of keys."""
    values = []
    for cell in cells:
        value: Any = cell
        for key in path:
            value = (value or {}).get(key)
        values.append(value)
    return mean(values)


def mean(values: Iterable[float | None]) -> float | None:
    """Mean of what is known."""
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def figures(cells: Sequence[dict]) -> dict[str, Any]:
    """All figures of a comparison, as plain data.

    Returns:
        ``{'splits': {split: {method: row}}, 'over_splits': {method: row}}``;
        a row has ``values`` by seed, ``mean``, ``deviation`` (n - 1),
        ``difference`` to labeled-only, ``against`` the other baselines on
        labeled images and the ``best`` of the rows, and ``share`` of
        all-labels.
    """
    cells = [with_size(c) for c in cells]
    found: dict[str, Any] = dict(splits={}, over_splits={})
    everything = by_pair(cells, ALL_LABELS)
    upper = statistics.fmean(everything.values()) if everything else None
    base = by_pair(cells, LABELED_ONLY)
    for split in splits(cells):
        runs = {
            name: {
                pair: value
                for pair, value in by_pair(cells, name).items()
                if pair[0] == split
            }
            for name in names(counting(cells), split)
        }
        found['splits'][split] = rows_of(runs, base, upper)
    if len(found['splits']) > 1:
        runs = {
            name: on_all(by_pair(cells, name), found['splits'])
            for name in names(counting(cells))
        }
        everywhere = {name: own for name, own in runs.items() if own}
        base = on_all(base, found['splits'])
        found['over_splits'] = rows_of(everywhere, base, upper)
    if everything:
        found['all_labels'] = row(everything, {}, None, ALL_LABELS)
    return found


def on_all(
    runs: dict[tuple, float], splits: Collection[str]
) -> dict[tuple, float]:
    """Runs of the seeds that have one on every split.

    Means over fewer splits, of more labels perhaps, are others.
    """
    return {
        (split, seed): value
        for (split, seed), value in runs.items()
        if all((other, seed) in runs for other in splits)
    }


def with_size(cell: dict) -> dict:
    """A cell that says how many labeled images it has, for the order."""
    labeled = (cell.get('lists') or {}).get('labeled') or {}
    return dict(cell, lists_labeled=labeled.get('images', 0))


def rows_of(
    runs: dict[str, dict[tuple, float]],
    base: dict[tuple, float],
    upper: float | None,
) -> dict[str, dict[str, Any]]:
    """Rows of a table by method, each held against the best of them."""
    rows = {name: row(own, base, upper, name) for name, own in runs.items()}
    best = best_of(rows)
    for name, found in rows.items():
        others = dict(best=best) if best else {}
        others.update({n: n for n in (SAME_IMAGES, SAME_LABELS) if n in runs})
        found['against'] = {
            key: gap(runs[name], runs[other])
            for key, other in others.items()
            if other != name
        }
    return rows


def best_of(rows: dict[str, dict[str, Any]]) -> str | None:
    """The method of the highest mean, of those that have most runs."""
    most = max((row['runs'] for row in rows.values()), default=0)
    whole = [name for name, row in rows.items() if row['runs'] == most]
    return max(whole, key=lambda name: rows[name]['mean'], default=None)


def gap(
    own: dict[tuple, float], other: dict[tuple, float]
) -> dict[str, Any] | None:
    """Paired difference to another method; None without a pair."""
    means = over_seeds(paired(own, other))
    return as_data(difference(means)) if means else None


def row(
    own: dict[tuple, float],
    base: dict[tuple, float],
    upper: float | None,
    name: str,
) -> dict[str, Any]:
    """Figures of a method on one split, or over several."""
    values = over_seeds(own)
    middle = statistics.fmean(values)
    return dict(
        values={f'{split} seed {seed}': v for (split, seed), v in own.items()},
        runs=len(own),
        mean=middle,
        deviation=statistics.stdev(values) if len(values) > 1 else None,
        difference=gap(own, base) if name != LABELED_ONLY else None,
        share=middle / upper if upper else None,
    )


def as_data(found: Difference) -> dict[str, Any]:
    """A difference as plain data, with what it says in words."""
    return dict(found._asdict(), verdict=verdict(found))


def verdict(found: Difference) -> str:
    """What an interval allows to say."""
    if found.low is None:
        return 'one pair, not separable'
    if not found.separable:
        return 'not separable'
    return 'better' if found.mean > 0 else 'worse'


def relative_compute(cells: Sequence[dict]) -> dict[str, float]:
    """Compute of each method, that of labeled-only being 1.

    Without labeled-only the cheapest is 1. Methods that were not counted
    are left out.
    """
    costs = {}
    for name in names(cells):
        own = [c for c in counting(cells) if c['method'] == name]
        known = [cost for cost in map(compute, own) if cost]
        if known:
            costs[name] = statistics.fmean(known)
    if not costs:
        return {}
    unit = costs.get(LABELED_ONLY) or min(costs.values())
    return {name: cost / unit for name, cost in costs.items()}
