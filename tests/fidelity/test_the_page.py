"""The page on fidelity leaves nothing out, and names what exists."""

import re

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / 'docs/reference/fidelity.md').read_text('utf-8')
ROWS = [
    [cell.strip() for cell in line.strip('|').split(' | ')]
    for line in PAGE.splitlines()
    if line.startswith('|') and not line.startswith(('| ---', '| what'))
]
# Findings of the two comparisons, and sections that have rows of their own.
FINDINGS = [
    *(f'H{k}' for k in range(1, 4)),
    *(f'M{k}' for k in range(1, 9)),
    *(f'L{k}' for k in range(1, 13)),
    *(f'D{k}' for k in range(1, 7)),
    *(f'D7.{k}' for k in range(1, 9)),
    *(f'D8.{k}' for k in range(1, 4)),
    *('§1', '§2', '§2.1', '§2.2', '§2.3', '§2.4', '§2.5'),
    *(f'§3.{k}' for k in range(1, 8)),
    *('§3', '§4.1', '§4.2', '§4.3', '§4.4'),
]


@pytest.mark.parametrize('finding', FINDINGS)
def test_no_finding_is_left_out(finding) -> None:
    heads = [row[0].partition(':')[0].split(', ') for row in ROWS]
    assert any(finding in head for head in heads)


def test_every_row_says_what_became_of_it() -> None:
    rows = [row for row in ROWS if len(row) == 3]
    assert len(rows) > 110
    for what, now, where in rows:
        assert what and now and where
        if now.startswith('mended'):
            assert 'tests/' in where, what
            assert re.match(r'mended( \([0-9a-f]{7}\))?($|:)', now), what


@pytest.mark.parametrize('name', sorted(set(re.findall(r'`(\S+\.py)`', PAGE))))
def test_files_exist(name) -> None:
    assert (ROOT / name).is_file()


def test_configs_exist() -> None:
    for name in re.findall(r'`(\w+/\w+-\w+_\w+|voc_\d+_\w+)`', PAGE):
        found = ROOT.glob(f'configs/{"" if "/" in name else "*/"}{name}.py')
        assert list(found), name
