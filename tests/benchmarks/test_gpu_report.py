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
    assert len(one['parts']) == 4 and one['peak_mib'] is None
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


def test_commands_side_by_side(tool, tmp_path) -> None:
    sleeper = 'import time; print("begun", flush=True); time.sleep(60)'
    commands = {
        name: [sys.executable, '-c', code]
        for name, code in dict(
            good='print("fine")',
            bad='raise SystemExit(3)',
            long=sleeper,
            longer=sleeper,
            last='print("never")',
        ).items()
    }
    start = time.monotonic()
    state = tool.side_by_side.run(commands, 2, start + 3, tmp_path)
    assert state == dict(
        good='done',
        bad='failed',
        long='stopped',
        longer='stopped',
        last='not begun',
    )
    assert time.monotonic() - start < 20
    assert (tmp_path / 'good.log').read_text() == 'fine\n'
    assert not (tmp_path / 'last.log').exists()


def test_one_form_of_the_network_does_not_cost_the_others(
    tool, tmp_path, monkeypatch
) -> None:
    def passes(self, name, precision, images):
        if name == 'compiled':
            raise RuntimeError('no compiler:\n cc | missing')
        return 2.0

    monkeypatch.setattr(tool.Report, 'passes', passes)
    words = ['--device', 'cpu', '--parts', 'network', '--train']
    facts = tool.main([*words, '--out', str(tmp_path)])['network']
    assert facts.pop('compiled') == 'RuntimeError: no compiler: cc / missing'
    assert set(facts.values()) == {2.0} and len(facts) == 4
