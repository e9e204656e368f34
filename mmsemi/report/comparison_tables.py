"""A comparison in Markdown: what came out, and what it is worth."""

from collections.abc import Iterable, Sequence
from typing import Any

from .comparison import ALL_LABELS, LABELED_ONLY, SAME_IMAGES, counting
from .comparison_figures import by_pair, mean_of, names


def table(
    heads: Sequence[str], rows: Iterable[Sequence[Any]], left: int = 1
) -> list[str]:
    """Lines of a Markdown table; the first columns are words."""
    places = [':--' if k < left else '--:' for k in range(len(heads))]
    lines = [line(heads), line(places)]
    return lines + [line(row) for row in rows]


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
        'In percent. The deviation is that of a sample (n - 1). Differences '
        'to labeled-only are paired by split and seed; in brackets is '
        "Student's 95 % interval of their mean over seeds. Where it holds 0, "
        'or there is one pair only, the two are **not separable** by these '
        'runs.',
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
    body = []
    for name, row in ordered:
        found = row['difference']
        words, ends, resampled = '-', '', ''
        if found:
            words = f'{found["mean"]:+.1f}'
            if found['low'] is not None:
                ends = f' [{found["low"]:+.1f}, {found["high"]:+.1f}]'
            if found['resampled']:
                low, high = found['resampled']
                resampled = f' (bootstrap {low:+.1f}, {high:+.1f})'
        share = row['share']
        body.append(
            (
                name,
                found['verdict'] if found else '-',
                row['runs'],
                number(row['mean'], '.2f'),
                number(row['deviation'], '.2f'),
                f'{words}{ends}{resampled}',
                '-' if share is None else f'{100 * share:.0f} %',
            )
        )
    heads = (
        'method',
        'against labeled-only',
        'runs',
        'mean',
        'deviation',
        'difference',
        'of all labels',
    )
    return table(heads, body, left=2)


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


def best_on_test(cells: Sequence[dict]) -> list[str]:
    """The best checkpoint, marked as what it is; nothing if none is better."""
    runs = counting(cells)
    body = []
    for name in names(runs):
        own = [c for c in runs if c['method'] == name]
        last = mean_of(own, 'miou')
        best = mean_of(own, 'best_miou')
        if best is not None:
            body.append((name, number(last, '.2f'), number(best, '.2f')))
    return [
        '## Extra: best checkpoint, chosen on the images it is measured on',
        '',
        'Not a result: whoever picks the best of several validations has '
        'used the test labels. Given because papers report it.',
        '',
        *table(('method', 'last', 'best on test'), body),
        '',
    ]


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
        for c in cells
        if c['state'] != 'done'
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
            ', '.join(f'`{k}={v}`' for k, v in c['options'].items())
            or 'as in the config',
            c['split'],
            c['seed'],
            number(c['miou'], '.2f'),
        )
        for c in tried
    ]
    budget = ', '.join(
        f'{name} {sum(c["method"] == name for c in tried)}'
        for name in names(tried)
    )
    return [
        '## Tuning',
        '',
        'Every setting was run on the one seed and split named here, which '
        'no mean above holds. The setting of the best last mIoU was taken '
        f'for the other seeds. Settings tried: {budget}.',
        '',
        *table(('method', 'setting', 'split', 'seed', 'mIoU'), rows, left=3),
        '',
    ]


def budgets(cells: Sequence[dict]) -> list[str]:
    """A warning where runs that are compared differ in length."""
    found: dict[int, list[str]] = {}
    for cell in counting(cells):
        own = found.setdefault(cell['iterations'], [])
        if cell['method'] not in (*own, SAME_IMAGES):
            own.append(cell['method'])
    told = [
        f'{length} iterations: {", ".join(methods)}'
        for length, methods in sorted(found.items())
        if methods
    ]
    if len(told) < 2:
        return []
    return [
        f'- **Budgets are not equal**: {"; ".join(told)}. `--iterations` '
        'makes them so.'
    ]


def headline(figures: dict[str, Any], cells: Sequence[dict]) -> list[str]:
    """Which methods these runs tell from labeled-only, in words."""
    lines = []
    for split, rows in figures['splits'].items():
        said: dict[str, list[str]] = {}
        for name, row in rows.items():
            if row['difference'] and name != LABELED_ONLY:
                said.setdefault(row['difference']['verdict'], []).append(name)
        words = '; '.join(
            f'{kind}: {", ".join(found)}' for kind, found in said.items()
        )
        if words:
            lines.append(f'- Split {split}, against labeled-only: {words}.')
    lines += budgets(cells)
    done = sum(c['state'] == 'done' for c in cells)
    return [f'{done} of {len(cells)} cells have a result.', '', *lines, '']
