"""Reports tell no paths of the machine that the runs were made on."""

import tempfile
from pathlib import Path

import pytest

from mmsemi.report.portable import PortablePaths
from tests.conftest import ROOT

HOME = Path(tempfile.gettempdir(), 'me').as_posix()


@pytest.mark.parametrize(
    'text, expected',
    [
        (f'--out {HOME}/runs/camvid --jobs 2', '--out camvid --jobs 2'),
        ('--out work_dirs/camvid', '--out camvid'),
        (
            'train work_dirs/camvid/cells/a.py '
            f'--work-dir {HOME}/runs/camvid/cells/run',
            'train camvid/cells/a.py --work-dir camvid/cells/run',
        ),
        (f'{ROOT}/configs/cps/camvid.py', 'configs/cps/camvid.py'),
        ("no '/mnt/disk/me/1_16/labeled.txt'", "no '.../labeled.txt'"),
        (f'--set data.root={HOME}/data/', '--set data.root=.../data'),
        ('C:\\Users\\me\\list.txt', '.../list.txt'),
        (f'{HOME}/runs/camvid-2/a.py', '.../a.py'),
        # No path of a machine.
        ('data/camvid/splits/1_16 ../b/c', 'data/camvid/splits/1_16 ../b/c'),
        ('https://a.org/b/c </details>', 'https://a.org/b/c </details>'),
    ],
)
def test_paths_are_those_of_any_machine(text, expected) -> None:
    command = 'mmsemi compare a/b --out work_dirs/camvid/'
    portable = PortablePaths(Path(HOME, 'runs/camvid'), [command])
    assert portable(text) == expected
    assert portable({'key': [text, 3]}) == {'key': [expected, 3]}
