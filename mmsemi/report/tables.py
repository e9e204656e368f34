"""Rows of a run's summary as a table and as sentences."""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

from mmsemi.utils.progress import format_seconds

from .validation import (
    WIDTH,
    class_lines,
    name_dead,
    name_left_out,
    name_values,
    sentence,
    with_classes,
)

SUMMARY = 'summary.json'


def percent(share: float | None, digits: int = 1) -> str:
    """``0.953 -> '95.3 %'``, ``'-'`` for None."""
    return '-' if share is None else f'{100 * share:.{digits}f} %'


def miou(value: float | None) -> str:
    """``45.12 -> '45.1'``, ``'-'`` for None."""
    return '-' if value is None else f'{value:.1f}'


def gain(rows: Sequence[dict]) -> float | None:
    """Validation mIoU of the last round less that of round 0."""
    first, last = rows[0], rows[-1]
    if (
        first is last
        or first['round'] != 0
        or None in (first['val_miou'], last['val_miou'])
    ):
        return None
    return last['val_miou'] - first['val_miou']


def metric_of(row: dict) -> str:
    """Name of the validation metric of a row, or of a summary."""
    return row.get('metric') or 'mIoU'


def labels_used(row: dict) -> str:
    """What a round trained on, in words."""
    if not row['pseudo_labeled']:
        return 'labeled only'
    return f'{row["labeled"]} + {row["pseudo_labeled"]} pseudo'


def round_line(row: dict, rows: Sequence[dict]) -> str:
    """One finished round in one line."""
    parts = [f'round {row["round"]} finished']
    if row['portion'] is not None:
        parts += [
            f'portion {row["portion"]:g}',
            f'kept {percent(row["kept"])}',
        ]
        if row['pseudo_label_accuracy'] is not None:
            parts.append(
                f'{percent(row["pseudo_label_accuracy"])} of it right'
            )
    result = f'val {metric_of(row)} {miou(row["val_miou"])}'
    difference = gain(rows)
    if difference is not None:
        start = 'labeled only' if rows[0]['iterations'] else 'where it began'
        side = 'over' if difference >= 0 else 'below'
        result += f' ({abs(difference):.1f} {side} {start})'
    result = with_classes(result, row)
    took = f'in {format_seconds(row["seconds"])}'
    return ', '.join([f'{parts[0]} {took}', *parts[1:], result])


def round_table(rows: Sequence[dict]) -> str:
    """All rounds as a table that any terminal and log file shows.

    Args:
        rows: as ``RunSummaryHook`` makes them.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    terminal = sys.stdout.isatty()
    drawn = terminal and 'utf' in (sys.stdout.encoding or '').lower()
    table = Table(box=box.ROUNDED if drawn else box.ASCII2)
    table.add_column('round', justify='right')
    table.add_column('labels used')
    for name in (
        'portion',
        'kept',
        'pseudo-label accuracy',
        f'val {metric_of(rows[-1]) if rows else "mIoU"}',
        'time',
    ):
        table.add_column(name, justify='right')
    for row in rows:
        table.add_row(
            str(row['round']),
            labels_used(row),
            '-' if row['portion'] is None else f'{row["portion"]:g}',
            percent(row['kept']),
            percent(row['pseudo_label_accuracy']),
            miou(row['val_miou']),
            format_seconds(row['seconds']),
        )
    text = io.StringIO()
    Console(file=text, width=WIDTH, color_system=None).print(table)
    return '\n'.join(
        line.rstrip() for line in text.getvalue().rstrip().splitlines()
    )


def class_table(per_class: dict[str, dict]) -> str:
    """Pseudo-labels of a round, a line for each class.

    Args:
        per_class: as in the manifest of a ``PseudoLabelStore``.
    """
    total = max(sum(c['candidates'] for c in per_class.values()), 1)
    lines = [f'{"class":>16s}  predicted  threshold  labeled  right']
    for name, c in per_class.items():
        known = c['threshold'] is not None and c['candidates']
        threshold = f'{c["threshold"]:.4g}' if known else '-'
        share = c['kept'] / c['candidates'] if c['candidates'] else None
        lines.append(
            f'{name:>16s}  {percent(c["candidates"] / total, 2):>9s}'
            f'  {threshold:>9s}  {percent(share):>8s}'
            f'  {percent(c["accuracy"]):>5s}'
        )
    return '\n'.join(lines)


def outcome(summary: dict) -> str:
    """What came out of a run, in one sentence and the time it took."""
    rows: list[dict] = summary['rounds']
    last, best = rows[-1]['val_miou'], summary['best_miou']
    others = summary.get('other_metrics')
    if last is None and others:
        found = ', '.join(
            f'{name} {value:g}' for name, value in others.items()
        )
        return (
            f'The last validation gave {found}, and no {metric_of(rows[-1])}, '
            'which the table shows; default_hooks.summary.metric names '
            'another.'
        )
    if last is None:
        return (
            'Training is finished; nothing was validated. It took '
            f'{format_seconds(summary["wall_seconds"])}.'
        )
    difference, total = gain(rows), sum(row['iterations'] for row in rows)
    # Of the model it began with, other training would have made more, too.
    begun = difference is not None and not rows[0]['iterations']
    if difference is None or begun:
        record = dict(miou=last, networks=rows[-1].get('networks') or {})
        words = (
            f'val {metric_of(rows[-1])} {name_values(record)} '
            f'after {total} iterations'
            f'{" (stopped early)" if summary.get("stopped_early") else ""}'
        )
        if begun:
            words += f', {rows[0]["val_miou"]:.1f} before them'
    else:
        direction = 'gains' if difference >= 0 else 'loses'
        words = (
            f'Self-training {direction} {abs(difference):.1f} '
            f'{metric_of(rows[-1])}: '
            f'from {rows[0]["val_miou"]:.1f} after {rows[0]["iterations"]} '
            'iterations with labeled images only '
            f'to {last:.1f} after {total} iterations in all'
        )
    if best is not None and best > last + 0.05:
        words += f' (best on the way: {best:.1f})'
    return f'{words}. It took {format_seconds(summary["wall_seconds"])}.'


def closing_words(summary: dict, work_dir: str | Path) -> str:
    """Rounds, outcome, classes and files of a run that is over."""
    rows = summary['rounds']
    # A table of one line that says no more than the sentence below is none.
    bare = len(rows) == 1 and all(
        rows[0][key] is None
        for key in ('portion', 'kept', 'pseudo_label_accuracy')
    )
    others = summary.get('other_metrics')
    told = bare and (rows[0]['val_miou'] is not None or not others)
    lines = [round_table(rows)] if rows and not told else []
    lines.append(outcome(summary))
    if rows:
        lines.append(class_lines(rows[-1].get('class_iou', {})))
        dead = name_dead(rows[-1].get('dead_classes', []), most=WIDTH)
        if dead:
            lines.append(sentence(dead))
        left_out = name_left_out(rows[-1], most=WIDTH)
        if left_out:
            lines.append(f'The mIoU is {left_out}.')
    for event in summary.get('collapses') or []:
        lines.append(sentence(f'{event["text"]} ({event["action"]})'))
    lines.append(f'  summary    {Path(work_dir) / SUMMARY}')
    for name, path in summary['files'].items():
        lines.append(f'  {name:10s} {Path(work_dir) / path}')
    return '\n'.join(filter(None, lines))
