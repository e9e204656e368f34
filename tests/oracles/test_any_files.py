"""The oracle tests take any folder of the same kinds, and notice an empty one.

They run in a process of their own, on folders made from the published one.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.oracles.kinds import KINDS, kind_of

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
# What an array's name says of its case.
CASE = re.compile(r'(.+?__|(?:c|m|s|case|crop|slide|rect|poly)\d+(?=_|$))')


def run(folder: Path, *arguments) -> subprocess.CompletedProcess:
    """The oracle tests, or some of their files, on another folder."""
    command = [sys.executable, '-m', 'pytest', '-q', '-rA', '-p']
    command += ['no:cacheprovider', f'--ignore={__file__}', *arguments]
    return subprocess.run(
        [str(part) for part in command],
        cwd=HERE.parents[1],
        env=dict(os.environ, MMSEMI_ORACLES=str(folder)),
        capture_output=True,
        text=True,
        timeout=300,
    )


def stored(oracle_dir: Path):
    """``(family, kind, files)`` of the published folder."""
    for family, kinds in KINDS.items():
        paths = sorted((oracle_dir / family).glob('*.npz'))
        for kind in kinds:
            yield (
                family,
                kind,
                [p for p in paths if kind_of(p, family) == kind],
            )


def half_of_the_cases(path: Path) -> dict[str, np.ndarray]:
    """Arrays of a file without every other of its cases."""
    with np.load(path, allow_pickle=False) as arrays:
        found = {key: arrays[key] for key in arrays.files}
    case = {k: m[1] for k in found if (m := CASE.match(k))}
    names = sorted(set(case.values()))
    dropped = set(names[::2]) if len(names) > 1 else set()
    return {k: v for k, v in found.items() if case.get(k) not in dropped}


def test_renamed_and_halved(oracle_dir, tmp_path) -> None:
    """Half of the files under other names; of single ones half the cases."""
    for family, kind, paths in stored(oracle_dir):
        (tmp_path / family).mkdir(exist_ok=True)
        kept = paths[1::2] or paths
        for number, path in enumerate(kept):
            target = tmp_path / family / f'{kind}_zz{number}.npz'
            assert kind_of(target, family) == kind
            if len(paths) > 1:
                target.symlink_to(path)
            else:
                np.savez(target, **half_of_the_cases(path))
    done = run(tmp_path, HERE)
    assert done.returncode == 0, done.stdout[-3000:]


def hollow(oracle_dir: Path, folder: Path, chosen=None) -> None:
    """The published folder where files hold an array that nobody knows."""
    for family, kind, paths in stored(oracle_dir):
        (folder / family).mkdir(exist_ok=True)
        for path in paths:
            target = folder / family / path.name
            if chosen is None or kind in chosen:
                np.savez(target, unknown=np.zeros(1))
            else:
                target.symlink_to(path)


def test_no_test_passes_without_cases(oracle_dir, tmp_path) -> None:
    hollow(oracle_dir, tmp_path)
    done = run(tmp_path, HERE)
    assert done.returncode == 1, done.stdout[-3000:]
    passed = re.findall(r'^PASSED \S+/(\w+)\.py::(\w+)', done.stdout, re.M)
    for module, name in passed:
        source = (HERE / f'{module}.py').read_text()
        arguments = re.search(rf'def {name}\(([^)]*)\)', source)[1]
        reads = re.search('oracle_dir|stored', arguments)
        assert not reads or module == 'test_all_kinds_served', name


@pytest.mark.parametrize('processes', [0, 2])
def test_files_of_several_parts_have_one(
    oracle_dir, tmp_path, processes
) -> None:
    """Each of their tests is skipped, but the run fails."""
    kinds = ('eval_helpers', 'schedules')
    hollow(oracle_dir, tmp_path, kinds)
    modules = ('u2pl_evaluation', 'u2pl_ema')
    tests = [HERE / f'test_{name}.py' for name in modules]
    done = run(tmp_path, *tests, '-n', processes)
    assert not re.search(r'^(FAILED|ERROR)', done.stdout, re.M), done.stdout
    assert done.returncode == 1
    for kind in kinds:
        assert f'nothing of {kind}.npz was compared' in done.stdout
