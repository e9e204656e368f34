"""Arrows run down only: a room imports what lies below it."""

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Lowest first. What shares a line knows nothing of its neighbor.
ROOMS = [
    ('utils',),
    ('io', 'ops'),
    ('pseudo_labels',),
    ('models', 'datasets'),
    ('evaluation',),
    ('self_training',),
    ('report',),
    ('engine',),
    ('doctor',),
    ('prepare',),
    ('apis',),
    ('cli',),
]
# Modules at the top that every room may use.
COMMON = {'registry', 'stack', 'version'}
# Parts of methods, which are used without the rest of the models: of these
# they know the base class of what they give.
PARTS = ('losses', 'mixing', 'pseudo_labelers')
PARTS_MAY_USE = (
    'mmsemi.registry',
    'mmsemi.utils',
    'mmsemi.io.arrays',
    'mmsemi.io.json_data',
    'mmsemi.ops',
    'mmsemi.pseudo_labels',
    'mmsemi.models.targets',
)
HEIGHT = {room: k for k, level in enumerate(ROOMS) for room in level}
FILES = sorted((ROOT / 'mmsemi').rglob('*.py'))


def imports(path: Path, text: str | None = None) -> list[str]:
    """Full names of the modules of mmsemi that a file imports, anywhere."""
    package = path.relative_to(ROOT).parent.parts
    found = []
    for node in ast.walk(ast.parse(text or path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level]
            base = '.'.join(start) if node.level else ''
            module = '.'.join(filter(None, (base, node.module)))
            if module == 'mmsemi' or not node.module:
                found += [f'{module}.{alias.name}' for alias in node.names]
            else:
                found.append(module)
    return [name for name in found if name.split('.')[0] == 'mmsemi']


def room(name: str) -> str:
    return (name.split('.') + [''])[1]


def test_every_room_has_its_place() -> None:
    rooms = {
        path.name
        for path in (ROOT / 'mmsemi').iterdir()
        if (path / '__init__.py').is_file()
    }
    assert rooms == set(HEIGHT)


@pytest.mark.parametrize('level', HEIGHT)
def test_arrows_run_down(level) -> None:
    wrong = []
    for path in (ROOT / 'mmsemi' / level).rglob('*.py'):
        for name in imports(path):
            other = room(name)
            if other == level or other in COMMON or not other:
                continue
            if HEIGHT[other] >= HEIGHT[level]:
                wrong.append(f'{path.relative_to(ROOT)} imports {name}')
    assert not wrong


@pytest.mark.parametrize('part', PARTS)
def test_parts_of_methods_know_no_method(part) -> None:
    wrong = [
        f'{path.relative_to(ROOT)} imports {name}'
        for path in (ROOT / 'mmsemi/models' / part).rglob('*.py')
        for name in imports(path)
        if not name.startswith((*PARTS_MAY_USE, f'mmsemi.models.{part}'))
    ]
    assert not wrong


def test_imports_are_found_however_they_are_written() -> None:
    """The test above could not fail if names were missed."""
    names = [name for path in FILES for name in imports(path)]
    assert len(names) > 300 and {room(n) for n in names} >= set(HEIGHT) - {
        'prepare'
    }
    inner = [
        'from ..apis import train',
        'from .. import apis',
        'import mmsemi.apis.train',
        'from mmsemi.apis.train import train',
        'def f():\n    from mmsemi import apis',
    ]
    path = ROOT / 'mmsemi/utils/never.py'
    for text in inner:
        assert 'apis' in map(room, imports(path, text)), text


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_files_stay_short() -> None:
    """One idea a file; what collects strangers is no room of utilities."""
    long = [path for path in FILES if lines(path) > 300]
    assert long == []
    assert sum(map(lines, (ROOT / 'mmsemi/utils').glob('*.py'))) < 700


def test_a_data_set_is_stated_in_one_short_file() -> None:
    found = list((ROOT / 'configs/_base_/datasets').glob('*.py'))
    assert len(found) > 10
    assert [path.name for path in found if lines(path) > 45] == []
