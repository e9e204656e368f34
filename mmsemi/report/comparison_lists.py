"""Lists of a comparison: hashes, nested ratios, disjointness."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmsemi.datasets.names import Names

from .comparison import LISTS
from .comparison_tables import table


def read_names(path: Path) -> list[str]:
    """Names of a kept list; none if it is not there."""
    return Names(path.read_bytes()).all() if path.is_file() else []


def list_facts(folder: Path, cells: Sequence[dict]) -> list[dict[str, Any]]:
    """Lists of each split and seed, what they share and how they nest."""
    found = []
    kept: dict[tuple, set[str]] = {}
    fullest: dict[tuple, dict] = {}
    for cell in cells:
        place = (cell['split'], cell['seed'])
        known = fullest.setdefault(place, cell)
        if len(cell['lists']) > len(known['lists']):
            fullest[place] = cell  # the others learn from labeled ones alone
    for place, cell in fullest.items():
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
                    disjoint(facts) if role == 'unlabeled' else '',
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


def disjoint(facts: dict[str, Any]) -> str:
    """Whether no labeled image is among the unlabeled ones."""
    if not facts['known']:
        return '-'
    return '**no**' if facts['shared'] else 'yes'
