"""The table of speed: sides agree, rows stay, the page is fresh."""

import json
import sys

import pytest
import torch

from tests.conftest import ROOT


@pytest.fixture(scope='module')
def tool():
    sys.path.insert(0, str(ROOT / 'benchmarks'))
    import speed

    yield speed
    sys.path.remove(str(ROOT / 'benchmarks'))


def test_rows_are_measured_and_others_stay(tool, tmp_path) -> None:
    threads = torch.get_num_threads()
    old = dict(tool.ROWS)
    kept = dict(ours_ms=1, plain_ms=2, ratio=0.5, date='d', cpu='c', torch='t')
    names = [name for name in old if 'gray' in name or 'jitter' in name]
    (tmp_path / 'speed.json').write_text(
        json.dumps({'OHEM, 2x19x769x769': kept, 'gone': kept})
    )
    words = ['--repeats', '1', '--out', str(tmp_path), '--rows', 'gray']
    try:
        facts = tool.main([*words, 'jitter'])
    finally:
        torch.set_num_threads(threads)
    assert list(facts) == ['OHEM, 2x19x769x769', *names]
    assert facts['OHEM, 2x19x769x769'] == kept
    assert all(0 < facts[name]['ratio'] for name in names)
    assert (tmp_path / 'speed.md').read_text() == tool.page(facts)


def test_sides_that_differ_are_noticed(tool) -> None:
    row = tool.Row(lambda: torch.ones(2), lambda: torch.zeros(2), 0.5)
    with pytest.raises(RuntimeError, match='differ by 1.0'):
        tool.compare(row, 1)


def test_the_page_is_that_of_the_figures(tool) -> None:
    facts = json.loads((ROOT / 'docs/speed.json').read_text())
    assert set(facts) == {*tool.ROWS, *tool.WHOLE}
    assert (ROOT / 'docs/speed.md').read_text() == tool.page(facts)
