"""Means and deviations over the runs of a method, as Markdown."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from mmsemi.io.json_data import NoJson, load_json
from mmsemi.utils.errors import UsageError

from .tables import SUMMARY, labels_used, metric_of


def read_summary(work_dir: str) -> dict:
    """Summary of a finished run.

    Raises:
        UsageError: if there is none, or the run is not over.
    """
    path = Path(work_dir) / SUMMARY
    try:
        summary = load_json(path)
    except OSError as error:
        raise UsageError(
            f'{path} does not exist: {work_dir} is not the work dir of a run '
            'that has finished a round'
        ) from error
    except NoJson as error:
        raise UsageError(
            f'{path} is damaged ({error.why}); `--resume` of its '
            'run writes it again'
        ) from error
    if not isinstance(summary, dict):
        raise UsageError(
            f'{path} is damaged (it holds no object); `--resume` of its '
            'run writes it again'
        )
    if 'recipe' not in summary:
        raise UsageError(
            f'{path} was written by an earlier version of mmsemi, which did '
            'not note what was overridden, so it cannot be told whether runs '
            'are comparable. `--resume` of its run writes it again'
        )
    if not summary.get('finished'):
        raise UsageError(
            f'{path}: the run is not over, it has done '
            f'{summary["iterations"]} iterations. Continue it '
            'with --resume, or leave it out'
        )
    return dict(summary, work_dir=str(work_dir))


def figures(values: Sequence[float]) -> str:
    """``| mean | standard deviation | min | max |`` of a sample."""
    values = [value for value in values if value is not None]
    if not values:
        return '- | - | - | - |'
    deviation = f'{statistics.stdev(values):.2f}' if len(values) > 1 else '-'
    return (
        f'{statistics.fmean(values):.2f} | {deviation} | '
        f'{min(values):.2f} | {max(values):.2f} |'
    )


def method_table(summaries: list[dict]) -> str:
    """Tables of runs of one method, which differ in seed and split only."""
    first = summaries[0]
    if len({len(s['rounds']) for s in summaries}) > 1:
        raise UsageError(
            f'{first["config"]}: the runs differ in their number of rounds '
            f'({", ".join(s["work_dir"] for s in summaries)}), so they are '
            'not comparable. Summarize them one by one'
        )
    seeds = ', '.join(str(s['seed']) for s in summaries)
    lines = [
        f'### {first["config"]}',
        '',
        *describe(first),
        f'{len(summaries)} run{"s" * (len(summaries) > 1)}, seed {seeds}; '
        f'val {metric_of(first)} in percent, of the last checkpoint of each '
        'round; the deviation is that of a sample (n - 1).',
        '',
        '| round | labels | iterations | portion | mean | deviation | min | '
        'max | pseudo-label accuracy |',
        '| --: | :-- | --: | --: | --: | --: | --: | --: | --: |',
    ]
    total = 0
    for rows in zip(*(s['rounds'] for s in summaries)):
        row = rows[0]
        total += row['iterations']
        accuracy = [
            r['pseudo_label_accuracy']
            for r in rows
            if r['pseudo_label_accuracy'] is not None
        ]
        mean = f'{statistics.fmean(accuracy):.3f}' if accuracy else '-'
        portion = '-' if row['portion'] is None else f'{row["portion"]:g}'
        lines.append(
            f'| {row["round"]} | {labels_used(row)} | {total} | '
            f'{portion} | '
            f'{figures([r["val_miou"] for r in rows])} {mean} |'
        )
    gains = [s['gain_over_round_0'] for s in summaries]
    if any(value is not None for value in gains):
        lines.append(f'| | gain, last over first | | | {figures(gains)} - |')
    return '\n'.join(lines + [''] + seed_table(summaries))


def seed_table(summaries: list[dict]) -> list[str]:
    """A line for each run."""
    lines = [
        '| run | seed | labeled list | labeled only | last round | gain | '
        'minutes |',
        '| :-- | --: | :-- | --: | --: | --: | --: |',
    ]
    for summary in summaries:
        rows = summary['rounds']
        known = [
            '-' if value is None else f'{value:.2f}'
            for value in (
                rows[0]['val_miou']
                if rows[0]['round'] == 0 and len(rows) > 1
                else None,
                summary['last_miou'],
            )
        ]
        gain = summary['gain_over_round_0']
        labeled = summary['data'].get('labeled', [])
        lines.append(
            f'| {summary["work_dir"]} | {summary["seed"]} | '
            f'{", ".join(part["sha256"] for part in labeled)} | '
            f'{" | ".join(known)} | '
            f'{"-" if gain is None else f"{gain:+.2f}"} | '
            f'{summary["wall_seconds"] / 60:.1f} |'
        )
    return lines


def describe(summary: dict) -> list[str]:
    """What a method is, and what its runs changed of the config file."""
    method, changed = summary['method'], summary['overrides']
    parts = [
        str(part)
        for name, part in method.items()
        if name not in ('loop', 'labeled_only')
    ]
    words = (
        f'{", ".join(parts)}; batches of {summary["lengths"]["batch_size"]}'
    )
    if method['labeled_only']:
        words += '; labeled images only'
    lines = [f'{words}.', '']
    if changed is None:
        lines += ['The config file is not there any more to compare with.', '']
    elif changed:
        lines += ['Not as in the config file:', '']
        lines += [f'- `{change}`' for change in changed] + ['']
    return lines


def method_key(summary: dict) -> tuple:
    """Equal for runs that differ in seed and in the images of a split only.

    The config's name is part of it, as two methods may share a recipe only
    by chance; so is the number of labeled images, by which protocols differ.
    """
    return (
        summary['config'],
        summary['recipe'],
        summary['lengths']['batch_size'],
        metric_of(summary),
        sum(part['images'] for part in summary['data'].get('labeled', [])),
    )


def summarize(work_dirs: Sequence[str]) -> str:
    """Markdown on runs, a table for each method.

    Raises:
        UsageError: see :func:`read_summary`.
    """
    methods: dict[tuple, list[dict]] = {}
    for work_dir in dict.fromkeys(work_dirs):
        summary = read_summary(work_dir)
        methods.setdefault(method_key(summary), []).append(summary)
    return '\n\n'.join(
        method_table(sorted(found, key=lambda s: s['seed']))
        for found in methods.values()
    )
