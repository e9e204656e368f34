"""The report of a graphics processor works on a CPU, in a small form."""

import json
import sys
import time

import pytest

from tests.conftest import ROOT

WORDS = '--small --device cpu --methods mean_teacher --parts step amp losses'


@pytest.fixture(scope='module')
def tool():
    sys.path.insert(0, str(ROOT / 'benchmarks'))
    import gpu_report

    yield gpu_report
    sys.path.remove(str(ROOT / 'benchmarks'))


def test_parts_are_measured_once(tool, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tool, 'PRECISIONS', ('float32', 'bfloat16'))
    words = [*WORDS.split(), '--out', str(tmp_path)]
    monkeypatch.setattr(
        tool.Report, 'losses', lambda self: 1 / 0, raising=True
    )
    facts = tool.main(words)
    assert facts == json.loads((tmp_path / 'report.json').read_text())
    one = facts['step mean_teacher float32']
    assert one['ms'] > 0 and 0.5 < one['ratio'] < 20
    assert len(one['parts']) == 6 and one['peak_mib'] is None
    differences = facts['amp mean_teacher']['bfloat16']
    assert set(differences) == {'loss_sup_ce', 'loss_unsup'}
    assert all(0 <= value < 1 for value in differences.values())
    # A part that failed says why, and is tried again; others are not.
    assert facts['losses'] == dict(error='ZeroDivisionError: division by zero')
    monkeypatch.setattr(tool.Report, 'losses', lambda self: dict(ratio=1.5))
    monkeypatch.setattr(tool.Report, 'step', None)
    monkeypatch.setattr(tool.Report, 'amp', None)
    again = tool.main(words)
    assert again['losses'] == dict(ratio=1.5)
    assert again['step mean_teacher float32'] == one
    page = (tmp_path / 'report.md').read_text()
    assert '| mean_teacher float32 | ' in page and '| losses | 1.5 |' in page


def test_no_part_begins_when_time_is_up(tool, tmp_path) -> None:
    words = [*WORDS.split(), '--out', str(tmp_path), '--minutes', '0']
    assert set(tool.main(words)) == {'machine'}


def test_comparison_ends_with_the_time(tool, tmp_path, monkeypatch) -> None:
    """It is asked to stop, and what it has done by then is counted."""
    code = (
        'import pathlib, signal, sys, time\n'
        'signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n'
        'cells = pathlib.Path(sys.argv[-1], "cells/1_16/seed0")\n'
        'for name in ("a", "b"):\n'
        '    (cells / name).mkdir(parents=True)\n'
        '    (cells / name / "cell.json").touch()\n'
        '(cells / "a/measured.json").touch()\n'
        'print(" ".join(sys.argv[1:]), flush=True)\n'
        'time.sleep(60)'
    )
    monkeypatch.setattr(tool, 'COMPARE', (sys.executable, '-c', code))
    words = '--device cpu --parts train --train cps --minutes 1.3'
    start = time.monotonic()
    facts = tool.main([*words.split(), '--out', str(tmp_path)])
    assert facts['train'] == dict(runs=2, done=1, exit=143)
    assert time.monotonic() - start < 30
    given = (tmp_path / 'compare.log').read_text()
    assert given.startswith('cps/camvid_1-16 --set data.variant=480x360')


def test_one_form_of_the_network_does_not_cost_the_others(
    tool, tmp_path, monkeypatch
) -> None:
    def network(self, name):
        if name == 'compiled':
            raise RuntimeError('no compiler:\n cc | missing')
        return dict(ms=2.0)

    monkeypatch.setattr(tool.Report, 'network', network)
    words = '--device cpu --parts network --published --train'.split()
    facts = tool.main([*words, '--out', str(tmp_path)])
    facts.pop('machine')
    assert facts.pop('network compiled') == dict(
        error='RuntimeError: no compiler: cc / missing'
    )
    assert len(facts) == 4
    assert all(row == dict(ms=2.0) for row in facts.values())
