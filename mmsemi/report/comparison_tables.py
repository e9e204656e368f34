"""A comparison in Markdown: what came out, and what it is worth."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .comparison import (
    ALL_LABELS,
    BASELINES,
    LABELED_ONLY,
    SAME_IMAGES,
    SAME_LABELS,
    SUPERSEDED,
    counting,
    without_result,
)
from .comparison_figures import by_pair, mean_of, names

# What a row is held against beside labeled-only, and the heads of columns.
AGAINST = {
    SAME_LABELS: 'minus as-many-labels',
    SAME_IMAGES: 'minus as-many-images',
    'best': 'minus the best',
}


def table(
    heads: Sequence[str], rows: Iterable[Sequence[Any]], left: int = 1
) -> list[str]:
    """Lines of a Markdown table; the first columns are words."""
    places = [':--' if k < left else '--:' for k in range(len(heads))]
    lines = [line(heads), line(places)]
    return lines + [line(row) for row in rows]


def split_tables(
    cells: Sequence[dict],
    heads: Sequence[str],
    rows: Callable[[Sequence[dict]], Iterable[Sequence[Any]]],
    left: int = 1,
) -> list[str]:
    """A table for each split, as means over several would hide which.

    Args:
        cells: that count.
        heads: of the columns.
        rows: gives the rows of some cells.
        left: so many columns are words.
    """
    splits = {c['split']: None for c in cells if c['method'] != ALL_LABELS}
    if len(splits) < 2:
        return [*table(heads, rows(cells), left), '']
    lines = []
    for split in splits:
        part = [
            c
            for c in cells
            if c['split'] == split or c['method'] == ALL_LABELS
        ]
        lines += [f'### Split {split}', '', *table(heads, rows(part), left)]
        lines.append('')
    return lines


def line(cells: Iterable[Any]) -> str:
    """A line of a table."""
    return '| ' + ' | '.join(str(c).replace('|', '\\|') for c in cells) + ' |'


def number(value: float | None, form: str = '.1f') -> str:
    """A figure, ``-`` for None."""
    return '-' if value is None else format(value, form)


def results(figures: dict[str, Any]) -> list[str]:
    """Tables of mIoU, one for each split and one over all."""
    lines = ['## mIoU of the last checkpoint', '']
    lines += [
        'In percent, the highest mean first, baselines in italics. '
        'Differences are paired: of runs with the same labeled images and '
        "seed. In brackets is Student's 95 % interval for their mean over "
        'seeds. Where it holds 0, or there is one pair only, these runs do '
        'not separate the two; **bold** differences are separable. Of twenty '
        'pairs of equal methods one comes out separable by chance.',
        '',
    ]
    for title, rows in tables_of(figures):
        lines += [f'### {title}', '', *result_table(rows), '']
    return lines


def tables_of(figures: dict[str, Any]) -> list[tuple[str, dict]]:
    """Title and rows of each table of mIoU."""
    parts = [
        (f'Split {split}', rows) for split, rows in figures['splits'].items()
    ]
    if figures['over_splits']:
        parts.append(
            ('Over the splits (one value a seed)', figures['over_splits'])
        )
    more = {}
    if figures.get('all_labels'):
        more[ALL_LABELS] = figures['all_labels']
    return [(title, {**rows, **more}) for title, rows in parts]


def result_table(rows: dict[str, dict]) -> list[str]:
    """Methods, the best mean first."""
    ordered = sorted(rows.items(), key=lambda item: -item[1]['mean'])
    told = [
        (key, head)
        for key, head in AGAINST.items()
        if any(row.get('against', {}).get(key) for row in rows.values())
    ]
    # Without baselines there is less to tell.
    held = any(row['difference'] for row in rows.values())
    shared = any(row['share'] is not None for row in rows.values())
    body = []
    for name, row in ordered:
        found, share = row['difference'], row['share']
        others = row.get('against', {})
        body.append(
            (
                f'*{name}*' if name in BASELINES else name,
                *([found['verdict'] if found else '-'] if held else []),
                number(row['mean'], '.2f'),
                number(row['deviation'], '.2f'),
                row['runs'],
                *([in_words(found)] if held else []),
                *(in_words(others.get(key)) for key, _ in told),
                *([percent(share)] if shared else []),
            )
        )
    heads = (
        'method',
        *(['against labeled-only'] if held else []),
        'mean',
        'deviation of runs',
        'runs',
        *(['minus labeled-only'] if held else []),
        *(head for _, head in told),
        *(['share of all-labels'] if shared else []),
    )
    return table(heads, body, left=1 + held)


def percent(share: float | None) -> str:
    """``87 %`` of a share in [0, 1]."""
    return '-' if share is None else f'{100 * share:.0f} %'


def in_words(found: dict[str, Any] | None) -> str:
    """``**+2.1** [+1.9, +2.3]`` of a difference."""
    if not found:
        return '-'
    words = f'{found["mean"]:+.1f}'
    if found['verdict'] in ('better', 'worse'):
        words = f'**{words}**'
    if found['low'] is not None:
        words += f' [{found["low"]:+.1f}, {found["high"]:+.1f}]'
    if found['resampled']:
        low, high = found['resampled']
        words += f' (bootstrap {low:+.1f}, {high:+.1f})'
    return words


def every_run(cells: Sequence[dict]) -> list[str]:
    """Last mIoU of each run that counts, a column for each split and seed."""
    runs = counting(cells)
    pairs = sorted(
        {(c['split'], c['seed']) for c in runs if c['method'] != ALL_LABELS}
    )
    body = []
    for name in names(runs):
        own = by_pair(runs, name)
        if name == ALL_LABELS:
            own = {
                (split, seed): value
                for split, seed in pairs
                for (_, other), value in own.items()
                if other == seed
            }
        body.append((name, *(number(own.get(pair)) for pair in pairs)))
    heads = ('method', *(f'{split}, seed {seed}' for split, seed in pairs))
    return ['### Every run', '', *table(heads, body), '']


def classes(cells: Sequence[dict]) -> list[str]:
    """IoU of each class, mean over the seeds of a split."""
    lines = ['## IoU of each class', '']
    runs = [c for c in counting(cells) if c['class_iou']]
    for split in dict.fromkeys(c['split'] for c in runs):
        part = [c for c in runs if c['split'] == split]
        labels = list(part[0]['class_iou'])
        body = []
        for name in names(part):
            own = [c for c in part if c['method'] == name]
            values = [mean_of(own, 'class_iou', label) for label in labels]
            body.append((name, *map(number, values)))
        lines += [
            f'### Split {split}',
            '',
            *table(('method', *labels), body),
            '',
        ]
    return lines


def failures(cells: Sequence[dict]) -> list[str]:
    """Cells without a result, and why."""
    rows = [
        (
            c['method'],
            c['split'],
            c['seed'],
            c['problem'] or 'has not been run to its end',
        )
        for c in without_result(cells)
    ]
    if not rows:
        return []
    return [
        '## Cells without a result',
        '',
        'The same command tries them again.',
        '',
        *table(('method', 'split', 'seed', 'why'), rows, left=4),
        '',
    ]


def tuning(cells: Sequence[dict]) -> list[str]:
    """All settings that were tried, and on what."""
    tried = [c for c in cells if c['setting'] is not None]
    if not tried:
        return []
    rows = [
        (
            c['method'],
            (
                ', '.join(f'`{k}={v}`' for k, v in c['options'].items())
                or 'as in the config'
            )
            + ' (of an earlier grid)' * bool(c.get(SUPERSEDED)),
            c['split'],
            c['seed'],
            number(c['miou'], '.2f'),
        )
        for c in tried
    ]
    now = [c for c in tried if not c.get(SUPERSEDED)]
    budget = ', '.join(
        f'{name} {sum(c["method"] == name for c in now)}'
        for name in names(now)
    )
    if any(c['method'] == LABELED_ONLY for c in cells):
        if LABELED_ONLY not in names(now):
            budget += f', {LABELED_ONLY} none'
    earlier = len(tried) - len(now)
    also = (
        f' Besides, {earlier} settings of an earlier grid were tried, of '
        'which none was taken.'
        if earlier
        else ''
    )
    return [
        '## Tuning',
        '',
        'Every setting was run on the one seed and split named here, which '
        'no mean above holds. The setting of the best last mIoU was taken '
        'for the other seeds. It was chosen on the images that all results '
        'are measured on, so what it gains may be less on others. Settings '
        f'tried: {budget}.{also}',
        '',
        *table(('method', 'setting', 'split', 'seed', 'mIoU'), rows, left=3),
        '',
    ]
