"""Children of a comparison: shared threads, failures, ends; and a real one."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmsemi.apis import compare_failures, compare_run
from mmsemi.apis.compare_failures import last_sentence
from mmsemi.apis.compare_run import PROGRAM, CellRunner, is_done
from mmsemi.engine.interruption import Interrupted
from mmsemi.io.lock import FolderLock
from mmsemi.report.comparison import read_json
from mmsemi.utils.errors import UsageError, WriteError
from tests.compare.tiny_facts import write_configs
from tests.conftest import ROOT

# What stands for a training: it writes what a run leaves, fails where a file
# says so, and saves its state when it is asked to end.
CHILD = """
import json, os, signal, sys, time
run = sys.argv[1]
os.makedirs(run, exist_ok=True)
def write(name, **content):
    with open(os.path.join(run, name), 'w') as file:
        json.dump(content, file)
def stop(*_):
    write('saved.json')
    sys.exit(143)
signal.signal(signal.SIGTERM, stop)
write('run.json', finished=False)
write('seen.json', threads=os.environ['OMP_NUM_THREADS'], begin=time.time())
end = time.time() + float(os.environ.get('CHILD_SECONDS', 0))
while time.time() < end:  # a signal just before a long sleep would wait
    time.sleep(0.05)
if os.path.exists(os.path.join(run, '../fail')):
    sys.exit('some lines\\nerror: the disk is full. Free some space')
write('summary.json', finished=True, last_miou=40.0)
write('run.json', finished=True)
write('end.json', end=time.time())
"""
MEASURE = 'import sys; open(sys.argv[1] + "/measured.json", "w").write("{}")'


class Cell(SimpleNamespace):
    """As much of a cell as its runner asks for."""

    @property
    def run(self):
        return self.folder / 'run'

    def words(self):
        return [str(self.run)]


@pytest.fixture
def cells(tmp_path, monkeypatch):
    monkeypatch.setattr(compare_run, 'PROGRAM', [sys.executable, '-c', CHILD])
    monkeypatch.setattr(
        compare_run, 'MEASURE', [sys.executable, '-c', MEASURE]
    )
    found = []
    for k in range(3):
        folder = tmp_path / f'cell{k}'
        folder.mkdir()
        found.append(Cell(folder=folder, title=f'cell {k}'))
    return found


def test_cells_run_once_and_share_the_threads(
    cells, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(compare_run.torch, 'get_num_threads', lambda: 7)
    monkeypatch.setenv('CHILD_SECONDS', '0.5')
    CellRunner(3).run(cells)
    assert all(map(is_done, cells))
    seen = [read_json(cell.run / 'seen.json') for cell in cells]
    ends = [read_json(cell.run / 'end.json')['end'] for cell in cells]
    assert {s['threads'] for s in seen} == {'2'}
    # All began before any ended.
    assert max(s['begin'] for s in seen) < min(ends)
    assert capsys.readouterr().out.count('mIoU 40.0') == 3
    CellRunner(3).run(cells)
    assert '3 of 3 are there' in capsys.readouterr().out
    assert [read_json(c.run / 'end.json')['end'] for c in cells] == ends


def test_a_failed_cell_is_told_and_tried_again(cells, capsys) -> None:
    (cells[1].folder / 'fail').write_text('')
    CellRunner(1).run(cells)
    problem = 'the disk is full. Free some space'
    assert f'[2/3] cell 1: failed: {problem}' in capsys.readouterr().out
    failed = cells[1].folder / 'failed.json'
    assert json.loads(failed.read_text()) == dict(problem=problem)
    assert [is_done(cell) for cell in cells] == [True, False, True]
    (cells[1].folder / 'fail').unlink()
    CellRunner(1).run(cells)
    assert is_done(cells[1]) and not failed.exists()


def test_the_reason_of_an_earlier_failure_is_not_told_again(
    cells, monkeypatch, capsys
) -> None:
    (cells[0].folder / 'fail').write_text('')
    CellRunner(1).run(cells[:1])
    assert 'the disk is full' in capsys.readouterr().out
    program = 'import os, signal; os.kill(os.getpid(), signal.SIGKILL)'
    monkeypatch.setattr(
        compare_run, 'PROGRAM', [sys.executable, '-c', program]
    )
    CellRunner(1).run(cells[:1])
    assert 'failed: killed by SIGKILL' in capsys.readouterr().out


def test_a_mistake_of_ours_costs_one_cell_and_is_logged(
    cells, monkeypatch, capsys
) -> None:
    """Not the others, and not the message."""
    plain = Cell.words

    def words(cell):
        if cell is cells[0]:
            raise KeyError('no such\nword')
        return plain(cell)

    monkeypatch.setattr(Cell, 'words', words)
    runner = CellRunner(2)
    runner.run(cells)
    log = cells[0].folder / 'log.txt'
    problem = f"KeyError: 'no such\\nword' (see {log})"
    assert f'cell 0: failed: {problem}\n' in capsys.readouterr().out
    assert runner.failures == 1
    assert read_json(cells[0].folder / 'failed.json') == dict(problem=problem)
    logged = log.read_text()
    assert 'Traceback' in logged and 'in words' in logged
    assert [is_done(cell) for cell in cells] == [False, True, True]
    monkeypatch.setattr(Cell, 'words', plain)
    CellRunner(2).run(cells)
    assert is_done(cells[0])
    assert not (cells[0].folder / 'failed.json').exists()


def test_a_mistake_that_no_log_can_hold_is_told(
    cells, monkeypatch, capsys
) -> None:
    def run_by(*given):
        raise RuntimeError('of ours')

    monkeypatch.setattr(compare_run, 'FolderLock', run_by)
    (cells[0].folder / 'log.txt').mkdir()
    CellRunner(1).run(cells[:1])
    told = capsys.readouterr()
    assert 'cell 0: failed: RuntimeError: of ours' in told.out
    assert 'Traceback' in told.err and 'in run_by' in told.err


def test_a_cell_is_looked_at_before_it_is_run(cells, capsys) -> None:
    def check(cell):
        if cell is cells[1]:
            raise UsageError('planned otherwise')

    CellRunner(2, check).run(cells)
    assert 'cell 1: failed: planned otherwise\n' in capsys.readouterr().out
    assert [is_done(cell) for cell in cells] == [True, False, True]
    assert not cells[1].run.exists()


def test_a_cell_that_another_command_runs_is_left_alone(cells, capsys) -> None:
    with FolderLock(cells[0].folder):
        CellRunner(2).run(cells)
    told = capsys.readouterr().out
    assert 'cell 0: left alone: ' in told
    assert 'choose another --out' in told  # which compare has
    assert [is_done(cell) for cell in cells] == [False, True, True]
    # What becomes of it the other command says.
    assert not cells[0].run.exists()
    assert not (cells[0].folder / 'failed.json').exists()


def test_children_end_with_a_command_that_is_killed(cells, monkeypatch):
    """What they were at is saved, and the same command goes on with it."""
    cell = cells[0]
    code = (
        'import sys; from pathlib import Path\n'
        'from mmsemi.apis import compare_run\n'
        'from tests.compare.test_command import Cell\n'
        'compare_run.PROGRAM = [sys.executable, "-c", sys.argv[2]]\n'
        'cell = Cell(folder=Path(sys.argv[1]), title="cell")\n'
        'compare_run.CellRunner(1).run([cell])\n'
    )
    # As a child begins, but for what it does.
    program = PROGRAM[2].partition('from mmsemi.cli')[0] + '\n' + CHILD
    command = subprocess.Popen(
        [sys.executable, '-c', code, str(cell.folder), program],
        env=dict(os.environ, PYTHONPATH=str(ROOT), CHILD_SECONDS='60'),
    )
    until(lambda: (cell.run / 'seen.json').exists(), 60)
    command.kill()
    command.wait()
    until(lambda: (cell.run / 'saved.json').exists(), 10)
    assert not (cell.run / 'summary.json').exists()
    CellRunner(1).run(cells[:1])
    assert is_done(cell)


def until(done, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_run_that_is_ending_is_waited_for(cells, monkeypatch, capsys):
    held = FolderLock(cells[0].run)
    timer = threading.Timer(1, held.release)
    timer.start()
    CellRunner(1).run(cells[:1])
    assert is_done(cells[0])
    # Not for ever.
    monkeypatch.setattr(compare_run, 'PATIENCE', -10)
    with FolderLock(cells[1].run):
        CellRunner(1).run(cells[1:2])
    assert 'cell 1: left alone: ' in capsys.readouterr().out


def test_the_end_of_the_command_ends_its_children(cells, monkeypatch) -> None:
    """All save their state; what waits is not begun."""
    monkeypatch.setenv('CHILD_SECONDS', '60')

    def press(number, frame) -> None:
        if all((c.run / 'seen.json').exists() for c in cells[:2]):
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            signal.setitimer(signal.ITIMER_REAL, 0.1)

    before = signal.signal(signal.SIGALRM, press)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    start = time.monotonic()
    try:
        with pytest.raises(Interrupted) as stopped:
            CellRunner(2).run(cells)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert stopped.value.exit_code == 143
    assert stopped.value.advice == 'the same command goes on from here'
    assert time.monotonic() - start < 30
    assert all((c.run / 'saved.json').exists() for c in cells[:2])
    assert not cells[2].run.exists()
    assert not any((c.folder / 'failed.json').exists() for c in cells)


def test_who_asks_twice_to_end_does_not_wait(cells, monkeypatch) -> None:
    """Children that do not heed are killed, with what they have started."""
    stubborn = (
        'import os, signal, subprocess, sys, time\n'
        'signal.signal(signal.SIGTERM, signal.SIG_IGN)\n'
        'inner = subprocess.Popen(["sleep", "60"])\n'
        'os.makedirs(sys.argv[1])\n'
        'with open(sys.argv[1] + "/seen", "w") as file:\n'
        '    file.write(f"{os.getpid()} {inner.pid}")\n'
        'time.sleep(60)\n'
    )
    monkeypatch.setattr(
        compare_run, 'PROGRAM', [sys.executable, '-c', stubborn]
    )

    def pids() -> list[int]:
        found = [c.run / 'seen' for c in cells[:2]]
        texts = [path.read_text() for path in found if path.exists()]
        return [int(word) for text in texts for word in text.split()]

    pressed = []

    def press(number, frame) -> None:
        heard = signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL
        if heard and len(pids()) == 4:
            pressed.append(number)
        if len(pressed) < 2:
            signal.setitimer(signal.ITIMER_REAL, 0.3)
        if heard and pressed:
            os.kill(os.getpid(), signal.SIGHUP)

    # Whoever runs the tests may ignore it, as nohup does.
    hangup = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    before = signal.signal(signal.SIGALRM, press)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(Interrupted) as stopped:
            CellRunner(2).run(cells)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.signal(signal.SIGHUP, hangup)
    assert stopped.value.exit_code == 128 + signal.SIGHUP
    end = time.monotonic() + 10
    while any(map(runs, pids())) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(map(runs, pids()))


def runs(pid: int) -> bool:
    """Whether a process is there and not only waits to be reaped."""
    try:
        return Path(f'/proc/{pid}/stat').read_text().split()[2] != 'Z'
    except OSError:
        return False


def test_a_full_disk_keeps_neither_notes_nor_the_reason(
    cells, monkeypatch, capsys
) -> None:
    """What the log cannot hold, the command says itself."""

    def full(folder, name, content):
        raise WriteError(f'{folder / name}: the disk is full')

    monkeypatch.setattr(compare_run, 'write_json', full)
    monkeypatch.setattr(
        compare_failures.shutil,
        'disk_usage',
        lambda _: SimpleNamespace(free=0),
    )
    monkeypatch.setattr(
        compare_run, 'PROGRAM', [sys.executable, '-c', 'raise SystemExit(1)']
    )
    runner = CellRunner(2)
    runner.run(cells)
    told = capsys.readouterr().out
    assert runner.failures == 3
    for cell in cells:
        reason = f'{cell.folder}: the disk is full. Free some space'
        assert f'{cell.title}: failed: {reason}\n' in told


def test_the_last_sentence_of_a_child(tmp_path) -> None:
    log = tmp_path / 'log.txt'
    log.write_text('a\nerror: no such list\nwarning: b\n')
    assert last_sentence(log, 1) == 'no such list'
    log.write_text('Traceback\n  line\nKeyError: 3\n\n')
    assert last_sentence(log, 1) == f'KeyError: 3 (see {log})'
    assert last_sentence(log, -9).startswith('killed by SIGKILL')


@pytest.mark.slow
@pytest.mark.skipif(
    'MMSEMI_LONG' not in os.environ, reason='a minute: set MMSEMI_LONG=1'
)
def test_methods_are_trained_and_compared(tmp_path) -> None:
    """The command as a user gives it, twice, on a few small images."""
    folder = write_configs(tmp_path / 'set')
    out = tmp_path / 'out'
    words = [str(folder / m / 'tiny.py') for m in ('mean_teacher', 'rounds')]
    words += ['--out', str(out), '--iterations', '8', '--jobs', '2']
    first = command(*words, '--seeds', '0', '1')
    assert first.returncode == 0, first.stdout + first.stderr
    text = (out / 'comparison.md').read_text()
    rows = json.loads((out / 'comparison.json').read_text())
    cells = rows['cells']
    assert len(cells) == 14 and {c['state'] for c in cells} == {'done'}
    assert {c['same_as_in_training'] for c in cells} == {True}
    assert all(c['masks']['masks']['unlabeled']['opened'] == 0 for c in cells)
    for cell in cells:
        audited = cell['method'] in ('mean_teacher', 'rounds')
        assert (cell['pseudo_labels'] is not None) == audited
    assert {c['lists']['labeled']['images'] for c in cells} == {6, 15}
    assert text.count('yes | 2 |') == 7
    again = command(*words, '--seeds', '0', '1')
    assert '14 of 14 are there' in again.stdout and again.returncode == 0
    # Other settings do not mix with what is there.
    other = command(*words[:-4], '--iterations', '12', '--seeds', '0')
    assert other.returncode == 1
    assert 'holds a run with another' in other.stderr
    # What was told is what a person may type.
    told = read_json(out / cells[0]['folder'] / 'cell.json')['command'].split()
    assert told[:2] == ['mmsemi', 'train'] and Path(told[2]).is_file()


def command(*words):
    return subprocess.run(
        [
            sys.executable,
            '-c',
            'from mmsemi.cli import main; main()',
            'compare',
            *words,
        ],
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
    )
