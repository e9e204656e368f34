"""The oracle tests take any folder of the same kinds, and notice an empty one.

They run in a process of their own, on folders made from the published one.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.oracles.kinds import KINDS, kind_of
from tests.processes import start_script

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
# What an array's name says of its case.
CASE = re.compile(r'(.+?__|(?:c|m|s|case|crop|slide|rect|poly)\d+(?=_|$))')


# What this process has read of the oracles is nothing to that one.
SCRIPT = """
import sys
for name in [n for n in sys.modules if n.split('.')[0] == 'tests']:
    del sys.modules[name]
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.fixture
def run(monkeypatch, tmp_path_factory):
    """Function of a folder and files of tests: exit code, what is said."""

    def start(folder: Path, *arguments) -> tuple[int, str]:
        monkeypatch.setenv('MMSEMI_ORACLES', str(folder))
        monkeypatch.chdir(HERE.parents[1])
        script = tmp_path_factory.mktemp('pytest') / 'run.py'
        script.write_text(SCRIPT)
        log = script.with_name('log.txt')
        options = ('-q', '-rA', '-p', 'no:cacheprovider')
        process = start_script(
            script, *options, f'--ignore={__file__}', *arguments, log=log
        )
        process.join(300)
        return process.exitcode, log.read_text()

    return start


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


def test_renamed_and_halved(oracle_dir, tmp_path, run) -> None:
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
    code, said = run(tmp_path, HERE)
    assert code == 0, said[-3000:]


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


def test_no_test_passes_without_cases(oracle_dir, tmp_path, run) -> None:
    hollow(oracle_dir, tmp_path)
    code, said = run(tmp_path, HERE)
    assert code == 1, said[-3000:]
    passed = re.findall(r'^PASSED \S+/(\w+)\.py::(\w+)', said, re.M)
    for module, name in passed:
        source = (HERE / f'{module}.py').read_text()
        arguments = re.search(rf'def {name}\(([^)]*)\)', source)[1]
        reads = re.search('oracle_dir|stored', arguments)
        assert not reads or module == 'test_all_kinds_served', name


@pytest.mark.parametrize('processes', [0, 2])
def test_files_of_several_parts_have_one(
    oracle_dir, tmp_path, run, processes
) -> None:
    """Each of their tests is skipped, but the run fails."""
    kinds = ('eval_helpers', 'schedules')
    hollow(oracle_dir, tmp_path, kinds)
    modules = ('u2pl_evaluation', 'u2pl_ema')
    tests = [HERE / f'test_{name}.py' for name in modules]
    code, said = run(tmp_path, *tests, '-n', processes)
    assert not re.search(r'^(FAILED|ERROR)', said, re.M), said
    assert code == 1
    for kind in kinds:
        assert f'nothing of {kind}.npz was compared' in said
