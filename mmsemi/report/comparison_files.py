"""Write the report of a comparison, from its run folders alone."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmsemi.io.files import read_json, write_json, write_text

from .comparison import MANIFEST, certified, compute, passed, read_cells
from .comparison_answer import headline
from .comparison_configs import config_changes, configs
from .comparison_figures import figures, relative_compute
from .comparison_lists import list_facts, lists
from .comparison_picture import draw_comparison
from .comparison_records import best_on_test, cost, evaluation, labels, leaks
from .comparison_tables import classes, every_run, failures, results, tuning
from .portable import PortablePaths

NAME = 'comparison'
COLUMNS = (
    'method',
    'role',
    'split',
    'seed',
    'setting',
    'state',
    'problem',
    'miou',
    'best_miou',
    'boundary_miou',
    'calibration_error',
    'iterations',
    'images_drawn',
    'seconds',
    'memory_mib',
    'device',
    'folder',
)


def write_report(folder: Path) -> tuple[str, list[dict]]:
    """Write ``comparison.md``, ``.csv``, ``.json`` and ``.png``.

    Args:
        folder: of the comparison.

    Returns:
        The Markdown, and the cells.

    Raises:
        UsageError: if the folder holds no comparison.
    """
    cells = read_cells(folder)
    found = figures(cells)
    manifest = read_json(folder / MANIFEST)
    # The report may be read where the runs are not.
    commands = [made['command'] for made in manifest.get('commands', [])]
    portable = PortablePaths(folder, commands)
    text = portable(markdown(folder, cells, found, manifest))
    write_text(folder, f'{NAME}.md', text)
    told = portable(
        [
            dict(
                cell,
                folder=Path(cell['folder']).relative_to(folder).as_posix(),
            )
            for cell in cells
        ]
    )
    write_text(folder, f'{NAME}.csv', csv_text(told))
    write_json(
        folder,
        f'{NAME}.json',
        dict(
            figures=found,
            compute=relative_compute(cells),
            lists=portable(list_facts(folder, cells)),
            changes=portable(config_changes(cells)),
            cells=told,
            manifest=portable(manifest),
        ),
    )
    draw_comparison(folder, f'{NAME}.png', found, cells)
    return text, cells


def markdown(
    folder: Path,
    cells: Sequence[dict],
    found: dict[str, Any],
    manifest: dict[str, Any],
) -> str:
    """The report."""
    changes = config_changes(cells)
    lines = [f'# Comparison {folder.resolve().name}', '']
    lines += [f'{origin(cells, manifest)}.', '']
    lines += headline(found, cells, changes)
    if any(found['splits'].values()):  # else nothing is drawn
        lines += [f'![results and cost]({NAME}.png)', '']
    lines += results(found) + every_run(cells)
    lines += failures(cells)
    lines += cost(cells) + classes(cells) + labels(cells) + evaluation(cells)
    lines += best_on_test(cells) + tuning(cells)
    lines += leaks(cells) + lists(folder, cells) + configs(cells, changes)
    lines += again(cells, manifest)
    return '\n'.join(lines).rstrip() + '\n'


def origin(cells: Sequence[dict], manifest: dict[str, Any]) -> str:
    """Date, machine, seeds and iterations, in a line."""
    counted = [c for c in cells if c['setting'] is None]
    numbers = {
        key: ', '.join(map(str, sorted({cell[key] for cell in counted})))
        for key in ('seed', 'iterations')
    }
    last = (manifest.get('commands') or [{}])[-1]
    words = [last.get('date'), last.get('machine')]
    words += [f'{name} {number}' for name, number in numbers.items()]
    return ', '.join(word for word in words if word)


def again(cells: Sequence[dict], manifest: dict[str, Any]) -> list[str]:
    """When, where and by which command it was made."""
    lines = ['## How to make it again', '']
    for command in manifest.get('commands', []):
        lines += [
            f'{command["date"]}, {command["machine"]}:',
            '',
            '```bash',
            command['command'],
            '```',
            '',
        ]
    found = Counter(
        ', '.join(f'{k} {v}' for k, v in c['versions'].items())
        for c in cells
        if c['versions']
    )
    told = next(iter(found), '')
    if len(found) > 1:
        told = '; '.join(
            f'{versions} ({runs} run{"s" * (runs > 1)})'
            for versions, runs in found.items()
        )
    lines += [
        'Paths are relative to the repository, the folder of the comparison '
        f'goes by its name. {told}{"." * bool(told)}'.rstrip(),
        '',
    ]
    return lines


def csv_text(cells: Sequence[dict]) -> str:
    """A line for each cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    kinds = ('learning', 'looking', 'labeling')
    writer.writerow(
        (
            *COLUMNS,
            *(f'images_{kind}' for kind in kinds),
            'compute',
            'coverage',
            'precision',
            'certified',
            'sha256_labeled',
        )
    )
    for cell in cells:
        quality = cell['pseudo_labels'] or {}
        labeled = cell['lists'].get('labeled') or {}
        writer.writerow(
            (
                *(cell.get(column) for column in COLUMNS),
                *(passed(cell, kind) for kind in kinds),
                compute(cell),
                quality.get('coverage'),
                quality.get('precision'),
                certified(cell),
                labeled.get('sha256'),
            )
        )
    return text.getvalue()
