"""What a command does before torch is imported."""

import ctypes
import logging
import subprocess
import sys

import pytest

from mmsemi.cli.process import cpu_quota, prepare, set_threads
from tests.conftest import ROOT


def write(root, name, text):
    path = root / 'sys/fs/cgroup' / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def system(root, line):
    (root / 'proc/self').mkdir(parents=True)
    (root / 'proc/self/cgroup').write_text(f'9:name=x:/\n{line}\n')


def test_quota_of_version_2_is_the_smallest_above_the_process(tmp_path):
    system(tmp_path, '0::/jobs/one')
    write(tmp_path, 'jobs/cpu.max', '150000 100000\n')
    write(tmp_path, 'jobs/one/cpu.max', 'max 100000\n')
    assert cpu_quota(tmp_path) == 1.5


def test_quota_of_version_1(tmp_path):
    system(tmp_path, '4:cpu,cpuacct:/docker/abc')
    folder = 'cpu,cpuacct'
    # In a container the groups of the host are not below its path.
    write(tmp_path, f'{folder}/cpu.cfs_quota_us', '250000')
    write(tmp_path, f'{folder}/cpu.cfs_period_us', '100000')
    assert cpu_quota(tmp_path) == 2.5


@pytest.mark.parametrize('text', ['max 100000', 'nonsense', '1 0'])
def test_no_quota(tmp_path, text):
    system(tmp_path, '0::/')
    write(tmp_path, 'cpu.max', text)
    assert cpu_quota(tmp_path) is None


def test_threads_follow_the_quota_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.setattr('mmsemi.cli.process.available_cpus', lambda: 8)
    monkeypatch.setattr('mmsemi.cli.process.cpu_quota', lambda: 2.5)
    environment = {}
    set_threads(environment)
    assert environment == dict(OMP_WAIT_POLICY='PASSIVE', OMP_NUM_THREADS='2')
    own = dict(OMP_WAIT_POLICY='ACTIVE', OMP_NUM_THREADS='5')
    set_threads(own)
    assert own == dict(OMP_WAIT_POLICY='ACTIVE', OMP_NUM_THREADS='5')
    monkeypatch.setattr('mmsemi.cli.process.cpu_quota', lambda: None)
    environment = {}
    set_threads(environment)
    assert 'OMP_NUM_THREADS' not in environment


def test_a_command_sets_them_before_torch_is_there():
    """And stays silent about parts of libraries that are not used."""
    code = (
        'import os, sys\n'
        'os.environ.pop("OMP_WAIT_POLICY", None)\n'
        'from mmsemi.cli import main\n'
        'sys.argv = ["mmsemi", "summarize", "nowhere"]\n'
        'assert "torch" not in sys.modules\n'
        'try: main()\n'
        'except SystemExit: pass\n'
        'assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"\n'
        'import mmseg.datasets, mmseg.models\n'
        'assert "torch" in sys.modules'
    )
    done = subprocess.run(
        [sys.executable, '-c', code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout + done.stderr == ''


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), 'gnu_get_libc_version'),
    reason='the C library is not glibc',
)
def test_memory_that_is_freed_is_used_again() -> None:
    """New pages of maps that are made again and again: hardly any."""
    code = (
        'import resource, torch\n'
        'from mmsemi.cli.process import keep_memory\n'
        'def pages():\n'
        '    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n'
        '    for _ in range(20): torch.zeros(2**24)\n'
        '    after = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n'
        '    return after - before\n'
        'keep_memory(dict(MALLOC_ARENA_MAX="2")) and print("wrong")\n'
        'first = pages()\n'
        'assert keep_memory({})\n'
        'print(first, pages() + pages())'
    )
    done = subprocess.run(
        [sys.executable, '-c', code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    before, after = map(int, done.stdout.split())
    assert before > 1000 and after < before / 2


def test_a_log_on_a_full_disk_is_no_traceback(monkeypatch, capfd):
    class Full(logging.Handler):
        def emit(self, record):
            try:
                raise OSError(28, 'No space left on device')
            except OSError:
                self.handleError(record)

    monkeypatch.setattr(logging, 'raiseExceptions', True)
    prepare()
    Full().handle(logging.makeLogRecord(dict(msg='x')))
    assert capfd.readouterr().err == ''


WITHOUT_READER = """
import sys
from pathlib import Path
from mmsemi.cli.process import prepare
prepare()
prepare()  # a tool calls another
print('begun', flush=True)
sys.stdin.read()
for _ in range(3):
    print('nobody reads this', flush=True)
print('nor this', file=sys.stderr)
Path(sys.argv[1]).touch()
print('what waits to be written')
sys.exit(130)
"""


def test_a_run_outlives_the_program_that_reads_its_log(tmp_path) -> None:
    """As ``tee``, which ends at Ctrl-C before the run has saved its state."""
    run = subprocess.Popen(
        [sys.executable, '-c', WITHOUT_READER, str(tmp_path / 'done')],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert run.stdout.readline() == b'begun\n'
    run.stdout.close()
    run.stdin.close()
    assert run.wait(60) == 130
    assert (tmp_path / 'done').exists()
