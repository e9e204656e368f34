"""The page on fidelity names tests, configs and options that exist."""

import re

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / 'docs/reference/fidelity.md').read_text()
ROWS = [
    [cell.strip() for cell in line.strip('|').split(' | ')]
    for line in PAGE.splitlines()
    if line.startswith('|') and not line.startswith(('| ---', '| what'))
]


def test_every_row_says_what_became_of_it() -> None:
    rows = [row for row in ROWS if len(row) == 3]
    assert len(rows) > 60
    for what, now, where in rows:
        assert what and now and where
        if now.startswith('mended'):
            assert 'tests/' in where or 'documented' in now, what


@pytest.mark.parametrize('name', sorted(set(re.findall(r'`(\S+\.py)`', PAGE))))
def test_files_exist(name) -> None:
    assert (ROOT / name).is_file()


def test_configs_exist() -> None:
    for name in re.findall(r'`(\w+/\w+-\w+_\w+|voc_\d+_\w+)`', PAGE):
        found = ROOT.glob(f'configs/{"" if "/" in name else "*/"}{name}.py')
        assert list(found), name
