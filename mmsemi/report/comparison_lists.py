"""Lists and configs of a comparison: what is shared, and what is not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmsemi.io.config_data import read_dumped_config
from mmsemi.utils.errors import UsageError

from .comparison import ALL_LABELS, LABELED_ONLY, LISTS
from .comparison_tables import table
from .recipe import differences, recipe

# A config is told by this many settings; the JSON has all.
MOST = 40


def read_names(path: Path) -> list[str]:
    """Names of a kept list; none if it is not there."""
    return path.read_text().splitlines() if path.is_file() else []


def list_facts(folder: Path, cells: Sequence[dict]) -> list[dict[str, Any]]:
    """Lists of each split and seed, what they share and how they nest."""
    found = []
    kept: dict[tuple, set[str]] = {}
    for cell in cells:
        place = (cell['split'], cell['seed'])
        if place in kept:
            continue
        where = folder / LISTS / cell['split'] / f'seed{cell["seed"]}'
        parts = {
            role: set(read_names(where / f'{role}.txt'))
            for role in ('labeled', 'unlabeled', 'val')
        }
        kept[place] = parts['labeled']
        found.append(
            dict(
                split=cell['split'],
                seed=cell['seed'],
                lists=cell['lists'],
                shared=len(parts['labeled'] & parts['unlabeled']),
                shared_with_val=len(parts['labeled'] & parts['val']),
                known=bool(parts['labeled']),
            )
        )
    for facts in found:
        own = kept[facts['split'], facts['seed']]
        larger = {
            split: other
            for (split, seed), other in kept.items()
            if seed == facts['seed'] and len(other) > len(own) > 0
        }
        facts['within'] = {
            split: len(own & other) / len(own)
            for split, other in larger.items()
        }
    return found


def lists(folder: Path, cells: Sequence[dict]) -> list[str]:
    """Named lists with hashes, nested ratios and disjointness."""
    body = []
    for facts in list_facts(folder, cells):
        nested = ', '.join(
            f'{share:.0%} in {split}'
            for split, share in facts['within'].items()
        )
        for role, part in facts['lists'].items():
            body.append(
                (
                    facts['split'],
                    facts['seed'],
                    role,
                    ', '.join(f'`{s}`' for s in part['sources']),
                    part['images'],
                    f'`{part["sha256"]}`',
                    (nested or '-') if role == 'labeled' else '',
                    ('yes' if facts['shared'] == 0 else '**no**')
                    if role == 'unlabeled'
                    else '',
                )
            )
    heads = (
        'split',
        'seed',
        'role',
        'list',
        'images',
        'SHA-256 of the names',
        'within larger splits',
        'disjoint from labeled',
    )
    return ['## Lists', '', *table(heads, body, left=4), '']


def config_changes(cells: Sequence[dict]) -> dict[str, list[str]]:
    """Settings in which each method leaves labeled-only, of its first cell.

    Without labeled-only the first method is what others are held against.
    """
    read: dict[str, dict] = {}
    for cell in cells:
        if cell['setting'] is None and cell['method'] not in read:
            path = Path(cell['folder'], cell['config'])
            try:
                read[cell['method']] = recipe(read_dumped_config(path))
            except UsageError:
                continue
    base = read.get(LABELED_ONLY) or next(iter(read.values()), {})
    return {
        name: differences(base, settings)
        for name, settings in read.items()
        if settings is not base
    }


def configs(cells: Sequence[dict]) -> list[str]:
    """The diff of each method's config against the shared base."""
    lines = [
        '## Configs against the shared base',
        '',
        'Settings in which each method leaves labeled-only; all else is '
        'shared: data, network, optimizer, evaluator.',
        '',
    ]
    origins = {c['method']: c['origin'] for c in cells}
    for name, found in config_changes(cells).items():
        if name == ALL_LABELS:
            found = [*found, '(the labels of all images)']
        lines += [
            f'<details><summary>{name} ({origins[name]}): '
            f'{len(found)} settings</summary>',
            '',
            '```text',
            *found[:MOST],
            *([f'... and {len(found) - MOST} more'] * (len(found) > MOST)),
            '```',
            '</details>',
            '',
        ]
    return lines
