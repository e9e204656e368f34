"""What was measured on the hold-out, judged."""

from typing import Any, NamedTuple

import numpy as np

from mmsemi.evaluation.bootstrap import Comparison, Scores, count_array
from mmsemi.utils.errors import UsageError

from .class_rows import class_rows, tally
from .gallery import image_scores
from .mistakes import matrix_rows, never_found, shown_classes, worst_mistakes
from .pseudo_labels import by_confidence
from .run_folder import HOLDOUT, PLACES, RunFolder
from .verdict import Verdict, judge


class Measured(NamedTuple):
    """Figures of the hold-out.

    Attributes:
        verdict: in words.
        number: of images.
        facts: rows of tables, as plain data for the page.
        dead: classes of which the recommended model finds nothing.
        lost: those that the twin finds and the method does not.
    """

    verdict: Verdict
    number: int
    facts: dict[str, Any]
    dead: list[str]
    lost: list[str]


def measure(run: RunFolder, unlabeled: int) -> Measured:
    """Judge ``holdout.json``; without one, nothing is known.

    Args:
        run: whose it is.
        unlabeled: number of unlabeled images.

    Raises:
        UsageError: if the file is damaged or of other classes.
    """
    data = run.optional_json(HOLDOUT) or {}
    data = {key: data[key] for key in PLACES if data.get(key)}
    try:
        return _measure(run, data, unlabeled)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise UsageError(
            f'{run.path / HOLDOUT} does not fit the {len(run.classes)} '
            'classes of the run, or is damaged. Run mmsemi fit again'
        ) from None


def _measure(run: RunFolder, data: dict, unlabeled: int) -> Measured:
    shape = (-1, 3, len(run.classes))
    counts = {
        key: count_array(part['per_image']).reshape(shape)
        for key, part in data.items()
    }
    method = counts.get('method', np.zeros((0, *shape[1:]), np.int64))
    chosen = {s['name']: s['value'] for s in run.facts.get('settings', [])}
    verdict, scores, found = judge(
        method,
        counts.get('twin'),
        unlabeled,
        chosen.get('method') == 'supervised',
        bool(run.folds),
        run.facts.get('label_precision'),
    )
    confusion = {
        key: np.array(part['confusion']).reshape(shape[2], shape[2]).tolist()
        for key, part in data.items()
    }
    dead = {
        key: never_found(part, run.classes) for key, part in confusion.items()
    }
    best = confusion.get(verdict.recommended, [])
    rows = class_rows(run.classes, method, scores, found) if data else []
    facts = dict(
        verdict=verdict._asdict(),
        rows=rows,
        tally=tally(rows),
        absent=[row['name'] for row in rows if not row['images']],
        means=_means(scores, found),
        compared=found is not None,
        supervised=chosen.get('method') == 'supervised',
        gain_verdict=found.gain.mean.verdict if found else None,
        pixels_right=_right(best),
        images=_images(data),
        matrix=_matrix(best, run.classes) if best else None,
        mistakes=worst_mistakes(best, run.classes) if best else [],
        trust=by_confidence(data['method']['confidence'], run.classes)
        if data and data['method'].get('confidence')
        else None,
        holdout_names=sorted(data['method']['per_image']) if data else [],
    )
    return Measured(
        verdict,
        len(method),
        facts,
        dead.get(verdict.recommended, []),
        [c for c in dead.get('method', []) if c not in dead.get('twin', [c])],
    )


def _right(confusion: list[list[int]]) -> float | None:
    """Percent of the known pixels that are right."""
    counts = np.array(confusion)
    total = counts.sum()
    return float(100 * np.trace(counts) / total) if total else None


def _images(data: dict) -> dict[str, int] | None:
    """How many images get better and worse by unlabeled images."""
    if len(data) < 2:
        return None
    after, before = (
        image_scores(data[key]['per_image']) for key in ('method', 'twin')
    )
    # In points of IoU, as they are shown.
    changes = [round(after[name] - before[name], 1) for name in after]
    return dict(
        better=sum(change > 0 for change in changes),
        worse=sum(change < 0 for change in changes),
        same=sum(change == 0 for change in changes),
    )


def _means(scores: Scores, found: Comparison | None) -> dict[str, dict]:
    means = dict(score=scores.mean._asdict())
    if found is not None:
        parts = found._asdict().items()
        means.update({key: part.mean._asdict() for key, part in parts})
    return means


def _matrix(confusion: list, classes: list[str]) -> dict[str, Any]:
    columns = shown_classes(confusion)
    rows = [
        dict(row, id=classes.index(row['name']))
        for row in matrix_rows(confusion, classes)
    ]
    return dict(
        columns=columns,
        rows=[row for row in rows if row['id'] in columns],
        left_out=sum(any(r) for r in confusion) > len(columns),
    )
