"""Rows of the table of classes, and how many of them gain."""

from typing import Any

import numpy as np

from mmsemi.evaluation.bootstrap import Comparison, Scores, holding


def tally(rows: list[dict[str, Any]]) -> str:
    """How many classes gain and lose, in a sentence; '' without a twin.

    Args:
        rows: of :func:`class_rows`.
    """
    words = dict(
        better='better',
        worse='worse',
        unclear='cannot be told apart',
        unknown='without an interval',
    )
    verdicts = [row.get('verdict') for row in rows if row['images']]
    parts = [
        f'{verdicts.count(key)} {word}'
        for key, word in words.items()
        if key in verdicts
    ]
    absent = sum(not row['images'] for row in rows)
    if parts and absent:
        parts.append(f'{absent} not in the hold-out')
    return f'Of the classes: {", ".join(parts)}.' if parts else ''


def class_rows(
    classes: list[str],
    counts: np.ndarray,
    scores: Scores,
    comparison: Comparison | None,
) -> list[dict[str, Any]]:
    """A row of plain data for each class; see :class:`Estimate`.

    Args:
        classes: names.
        counts: (N, 3, C) of the hold-out.
        scores: of the recommended model.
        comparison: with the twin, None without one.
    """
    images = holding(counts)
    rows = []
    for c, name in enumerate(classes):
        row = dict(
            id=c,
            name=name,
            images=int(images[c]),
            score=scores.classes[c]._asdict(),
        )
        if comparison is not None:
            row.update(
                method=comparison.method.classes[c]._asdict(),
                twin=comparison.twin.classes[c]._asdict(),
                gain=comparison.gain.classes[c]._asdict(),
                verdict=comparison.gain.classes[c].verdict,
            )
        rows.append(row)
    return rows
