"""Write the report of a comparison, from its run folders alone."""

import csv
import io
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmsemi.io.files import read_json, write_json, write_text

from .comparison import MANIFEST, certified, compute, passed, read_cells
from .comparison_configs import config_changes, configs
from .comparison_figures import figures, relative_compute
from .comparison_lists import list_facts, lists
from .comparison_picture import draw_comparison
from .comparison_records import cost, evaluation, labels, leaks
from .comparison_tables import (
    best_on_test,
    classes,
    every_run,
    failures,
    headline,
    results,
    tuning,
)
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
    lines = ['# Comparison', '', *origin(cells, manifest)]
    lines += headline(found, cells)
    lines += [f'![results and cost]({NAME}.png)', '']
    lines += results(found) + every_run(cells)
    lines += failures(cells)
    lines += cost(cells) + evaluation(cells) + labels(cells)
    lines += classes(cells) + best_on_test(cells) + tuning(cells)
    lines += leaks(cells) + lists(folder, cells) + configs(cells)
    return '\n'.join(lines).rstrip() + '\n'


def origin(cells: Sequence[dict], manifest: dict[str, Any]) -> list[str]:
    """When, where and by which command."""
    versions = next((c['versions'] for c in cells if c['versions']), {})
    lines = []
    if versions:
        told = ', '.join(f'{k} {v}' for k, v in versions.items())
        lines += [f'{told}.', '']
    for command in manifest.get('commands', []):
        lines += [
            f'{command["date"]}, {command["machine"]}:',
            '',
            '```bash',
            command['command'],
            '```',
            '',
        ]
    return lines or [f'Made on {platform.system()}.', '']


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
