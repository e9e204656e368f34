"""What a validation found, as plain data and as sentences."""

import textwrap
from collections.abc import Sequence

from mmsemi.evaluation.class_iou import ClassScores

WIDTH = 100  # also where there is no terminal to ask


def network_values(metrics: dict[str, float], name: str) -> dict[str, float]:
    """Values of one metric, by the network (or prefix) they belong to.

    Args:
        metrics: as a validation loop gives them, such as
            ``{'teacher/mIoU': 43.2}``; the network that predicts is first.
        name: ``'mIoU'``.
    """
    return {
        key.rpartition('/')[0]: round(float(value), 4)
        for key, value in metrics.items()
        if key.split('/')[-1] == name
    }


def usual_metric(metrics: dict[str, float]) -> str:
    """Name of the metric to report: mIoU, or the first of the others.

    Args:
        metrics: see :func:`network_values`.
    """
    names = [key.split('/')[-1] for key in metrics]
    means = [name for name in names if name != 'aAcc'] or names
    return 'mIoU' if 'mIoU' in names or not names else means[0]


def validation_record(
    iteration: int,
    values: dict[str, float],
    scores: ClassScores | None,
    metric: str = 'mIoU',
) -> dict:
    """One validation as it stands in the summary of a run.

    Args:
        iteration: iterations done by the run so far.
        values: from :func:`network_values`, not empty.
        scores: of the classes, None where the metric does not keep them.
        metric: name of the metric.
    """
    return dict(
        iteration=iteration,
        metric=metric,
        miou=next(iter(values.values())),
        # Teacher and student, where both are validated.
        networks=values if len(values) > 1 else {},
        class_iou=scores.iou if scores else {},
        dead_classes=scores.dead if scores else [],
        left_out=list(scores.left_out) if scores else [],
    )


def name_values(record: dict) -> str:
    """``'43.2 (teacher), 41.0 (student)'`` or ``'43.2'``."""
    values = record['networks'] or {'': record['miou']}
    return ', '.join(
        f'{value:.1f} ({name})' if name else f'{value:.1f}'
        for name, value in values.items()
    )


def name_dead(dead: Sequence[str], most: int = 5) -> str:
    """``'no pixel of bicycle, pole is found'``, or nothing.

    Args:
        dead: classes that are never predicted.
        most: names of classes.
    """
    if not dead:
        return ''
    named = ', '.join(dead[:most])
    if len(dead) > most:
        named += f' and {len(dead) - most} more classes'
    return f'no pixel of {named} is found'


def name_left_out(record: dict, most: int = 5) -> str:
    """``'the mean of 2 of 3 classes: no image holds pole'``, or nothing.

    Args:
        record: a validation, or the row of a round.
        most: names of classes.
    """
    names, total = record.get('left_out'), len(record.get('class_iou') or ())
    if not names or record.get('metric', 'mIoU') != 'mIoU':
        return ''
    named = ', '.join(names[:most])
    if len(names) > most:
        named += f' and {len(names) - most} more'
    return (
        f'the mean of {total - len(names)} of {total} classes: no image '
        f'holds {named}'
    )


def validation_line(record: dict, total: int) -> str:
    """A validation on the way, in one line.

    Args:
        record: from :func:`validation_record`.
        total: iterations of the whole run.
    """
    return with_classes(
        f'iteration {record["iteration"]} of {total}: val '
        f'{record.get("metric", "mIoU")} {name_values(record)}',
        record,
    )


def with_classes(figures: str, record: dict) -> str:
    """Figures, and behind them what must be said of single classes.

    Args:
        figures: of a validation, in words.
        record: the validation, or the row of a round.
    """
    dead = name_dead(record.get('dead_classes', []))
    return '; '.join(filter(None, [figures, dead, name_left_out(record)]))


def sentence(words: str) -> str:
    """Words as a sentence; names in them keep their letters."""
    return f'{words[:1].upper()}{words[1:]}.'


def class_lines(class_iou: dict[str, float | None]) -> str:
    """IoU of every class in a few lines, '' where nothing is known."""
    if not class_iou:
        return ''
    # A figure must not be parted from the name before it.
    pairs = [
        f'{name} {"-" if value is None else f"{value:.1f}"}'.replace(' ', '\0')
        for name, value in class_iou.items()
    ]
    return textwrap.fill(
        ', '.join(pairs),
        WIDTH,
        initial_indent='IoU of each class: ',
        subsequent_indent='  ',
    ).replace('\0', ' ')
