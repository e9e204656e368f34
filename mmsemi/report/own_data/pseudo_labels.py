"""How good pseudo-labels were, where that can be known."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmsemi.evaluation.holdout import BINS

THRESHOLDS = (0.0, 0.5, 0.8, 0.9, 0.95)
AUDIT = 'pseudo_label_audit.json'


def audited(reports: Any, summary: Any) -> dict[str, Any] | None:
    """Figures of a run whose unlabeled images have masks.

    Args:
        reports: content of ``pseudo_label_audit.json``, None without one.
        summary: content of ``summary.json``, None without one.

    Returns:
        ``kind`` (``audit`` or ``rounds``) and ``rows``, in percent; None
        where the run knew no masks of unlabeled images.
    """
    if reports:
        last = reports[-1]
        rows = [
            dict(
                name=name,
                **{
                    key: _percent(values.get(key))
                    for key in ('predicted', 'confident', 'right', 'found')
                },
            )
            for name, values in last['per_class'].items()
        ]
        return dict(kind='audit', iterations=last['iterations'], rows=rows)
    rows = [
        dict(
            round=row['round'],
            kept=_percent(row['kept']),
            right=_percent(row['pseudo_label_accuracy']),
        )
        for row in (summary or {}).get('rounds', [])
        if row.get('pseudo_label_accuracy') is not None
        and row.get('kept') is not None
    ]
    return dict(kind='rounds', rows=rows) if rows else None


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def by_confidence(
    confidence: dict[str, Any], classes: Sequence[str]
) -> dict[str, Any]:
    """How right predictions are that are at least so sure.

    Args:
        confidence: (C, BINS) ``pixels`` and ``right``, as
            :class:`mmsemi.evaluation.holdout.HoldoutScores` gives them.
        classes: names.

    Returns:
        ``rows`` over all classes for each threshold, ``classes`` at 0.9, and
        ``bins``: share right of each tenth, in percent, None where nothing
        is predicted.
    """
    pixels = np.asarray(confidence['pixels'], np.int64)
    right = np.asarray(confidence['right'], np.int64)
    rows = []
    for threshold in THRESHOLDS:
        first = round(threshold * BINS)
        kept, hit = pixels[:, first:].sum(), right[:, first:].sum()
        rows.append(
            dict(
                threshold=threshold,
                kept=_share(kept, pixels.sum()),
                right=_share(hit, kept),
            )
        )
    first = round(0.9 * BINS)
    return dict(
        rows=rows,
        classes=[
            dict(
                name=name,
                kept=_share(all_of_it[first:].sum(), all_of_it.sum()),
                right=_share(hit[first:].sum(), all_of_it[first:].sum()),
            )
            for name, all_of_it, hit in zip(classes, pixels, right)
            if all_of_it.sum()
        ],
        bins=[
            _share(hit, number)
            for number, hit in zip(
                pixels.sum(0).reshape(-1, 2).sum(1),
                right.sum(0).reshape(-1, 2).sum(1),
            )
        ],
    )


def _share(part: int, whole: int) -> float | None:
    return float(100 * part / whole) if whole else None
