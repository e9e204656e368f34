"""What a model takes for what: the confusion matrix, and its worst entries."""

from collections.abc import Sequence
from typing import Any

import numpy as np

MOST_MISTAKES = 8
MOST_CLASSES = 30  # of a matrix that a person can read
_WORTH = 0.05  # of the pixels of a class: less is no pattern


def matrix_rows(
    confusion: Sequence[Sequence[int]], classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows of shares of the ground truth, of classes with truth.

    Args:
        confusion: (C, C) pixels, rows = ground truth.
        classes: names.

    Returns:
        For each row ``name``, ``pixels`` and ``shares`` of all C classes.
    """
    counts = np.asarray(confusion, np.int64)
    return [
        dict(
            name=name, pixels=int(row.sum()), shares=(row / row.sum()).tolist()
        )
        for name, row in zip(classes, counts)
        if row.sum()
    ]


def shown_classes(confusion: Sequence[Sequence[int]]) -> list[int]:
    """Classes of the matrix: those that occur, the most frequent ones."""
    counts = np.asarray(confusion, np.int64)
    size = counts.sum(0) + counts.sum(1)
    order = [int(c) for c in np.argsort(-size, kind='stable') if size[c]]
    return sorted(order[:MOST_CLASSES])


def worst_mistakes(
    confusion: Sequence[Sequence[int]], classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Pairs of classes that are mixed up most.

    Args:
        confusion: (C, C) pixels, rows = ground truth.
        classes: names.

    Returns:
        ``truth``, ``taken_for``, ``share`` of the pixels of the first and
        ``pixels``, the largest shares first.
    """
    counts = np.asarray(confusion, np.int64)
    total = counts.sum(1, keepdims=True)
    shares = counts / np.maximum(total, 1)
    np.fill_diagonal(shares, 0)
    found = []
    for place in np.argsort(-shares, axis=None, kind='stable'):
        row, column = (int(k) for k in divmod(int(place), len(counts)))
        if shares[row, column] < _WORTH or len(found) == MOST_MISTAKES:
            break
        found.append(
            dict(
                truth=classes[row],
                taken_for=classes[column],
                share=float(shares[row, column]),
                pixels=int(counts[row, column]),
            )
        )
    return found


def never_found(
    confusion: Sequence[Sequence[int]], classes: Sequence[str]
) -> list[str]:
    """Classes with ground truth of which not one pixel is found."""
    counts = np.asarray(confusion, np.int64)
    return [
        name
        for name, row, hit in zip(classes, counts, np.diag(counts))
        if row.sum() and not hit
    ]
