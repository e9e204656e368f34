"""Means and deviations over the seeds of a method, as Markdown.

``python tools/analysis_tools/summarize.py work_dirs/dst_cbc_seed*`` reads the
``summary.json`` of each work dir. Runs of different configs get tables of
their own.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from mmsemi.report.tables import SUMMARY, labels_used
from mmsemi.utils.errors import UsageError


def read_summary(work_dir: str) -> dict:
    """Summary of a finished run.

    Raises:
        UsageError: if there is none, or the run is not over.
    """
    path = Path(work_dir) / SUMMARY
    try:
        summary = json.loads(path.read_text())
    except OSError as error:
        raise UsageError(
            f'{path} does not exist: {work_dir} is not the work dir of a run '
            'that has finished a round'
        ) from error
    except ValueError as error:
        raise UsageError(
            f'{path} is damaged ({error}); `--resume` of its '
            'run writes it again'
        ) from error
    if not summary['finished']:
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
    """Tables of the runs of one config."""
    first = summaries[0]
    if len({len(s['rounds']) for s in summaries}) > 1:
        raise UsageError(
            f'{first["config"]}: the runs differ in their '
            'number of rounds, so they are not comparable'
        )
    seeds = ', '.join(str(s['seed']) for s in summaries)
    lines = [
        f'### {first["config"]}',
        '',
        f'{len(summaries)} run{"s" * (len(summaries) > 1)}, seed {seeds}; '
        'val mIoU in percent, of the last checkpoint of each round; the '
        'deviation is that of a sample (n - 1).',
        '',
        '| round | labels | portion | mean | deviation | min | max | '
        'pseudo-label accuracy |',
        '| --: | :-- | --: | --: | --: | --: | --: | --: |',
    ]
    for rows in zip(*(s['rounds'] for s in summaries)):
        row = rows[0]
        accuracy = [
            r['pseudo_label_accuracy']
            for r in rows
            if r['pseudo_label_accuracy'] is not None
        ]
        mean = f'{statistics.fmean(accuracy):.3f}' if accuracy else '-'
        portion = '-' if row['portion'] is None else f'{row["portion"]:g}'
        lines.append(
            f'| {row["round"]} | {labels_used(row)} | {portion} | '
            f'{figures([r["val_miou"] for r in rows])} {mean} |'
        )
    gains = [s['gain_over_round_0'] for s in summaries]
    if any(value is not None for value in gains):
        lines.append(f'| | gain, last over first | | {figures(gains)} - |')
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


def summarize(work_dirs: Sequence[str]) -> str:
    """Markdown on runs, grouped by config.

    Raises:
        UsageError: see :func:`read_summary`.
    """
    methods: dict[str, list[dict]] = {}
    for work_dir in dict.fromkeys(work_dirs):
        summary = read_summary(work_dir)
        methods.setdefault(summary['config'], []).append(summary)
    return '\n\n'.join(
        method_table(sorted(found, key=lambda s: s['seed']))
        for found in methods.values()
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description='Mean and deviation over runs, as Markdown'
    )
    parser.add_argument(
        'work_dirs',
        nargs='+',
        metavar='WORK_DIR',
        help='folders of finished runs',
    )
    print(summarize(parser.parse_args().work_dirs))


if __name__ == '__main__':
    try:
        main()
    except UsageError as error:
        sys.exit(f'error: {error}')
