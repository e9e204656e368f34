"""Processes that need not import anything anew.

They are forks of the test's. Where there is a GPU, whose state a fork cannot
share, they come from a fork server.
"""

import os
import runpy
import sys
import traceback
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
import torch.multiprocessing as mp


def in_two(worker: Callable, folder: Path, *args) -> None:
    """Call ``worker(rank, folder, *args)`` in two processes at once.

    They form a group of gloo.

    Args:
        worker: function of a module.
        folder: where it can leave what it finds.
        args: what else it is given.
    """
    mp.start_processes(
        _joined,
        (worker, str(folder), *args),
        nprocs=2,
        start_method=_method(worker.__module__),
    )


def _method(module: str) -> str:
    if not torch.cuda.is_available():
        return 'fork'
    mp.get_context('forkserver').set_forkserver_preload(
        [module, 'mmsemi.models']
    )
    return 'forkserver'


def _joined(rank: int, worker: Callable, folder: str, *args) -> None:
    # A pool of threads does not survive a fork.
    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), WORLD_SIZE='2', LOCAL_RANK=str(rank))
    store = f'file://{folder}/store_of_{worker.__name__}'
    torch.distributed.init_process_group(
        'gloo', init_method=store, rank=rank, world_size=2
    )
    worker(rank, folder, *args)
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def start_script(script: str | Path, *words, log: Path) -> BaseProcess:
    """Start a script in a process and a session of its own.

    Args:
        script: a Python file.
        words: of its command line.
        log: where what it prints is added.

    Returns:
        The process; ``exitcode`` is that of the script once it is joined.
    """
    process = mp.get_context(_method('mmsemi.apis.train')).Process(
        target=_script, args=(str(script), [str(w) for w in words], str(log))
    )
    process.start()
    return process


def run_script(script: str | Path, *words, log: Path) -> str:
    """Run a script, which must succeed; what it prints, see above."""
    process = start_script(script, *words, log=log)
    process.join()
    output = log.read_text()
    assert process.exitcode == 0, output[-4000:]
    return output


def _script(script: str, words: list[str], log: str) -> None:
    os.setsid()
    torch.set_num_threads(1)
    os.environ['OMP_NUM_THREADS'] = '1'
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(file, number)
    sys.stdin = open(os.devnull)
    sys.stdout, sys.stderr = open(1, 'w'), open(2, 'w', buffering=1)
    sys.argv = [script, *words]
    code = 0
    try:
        runpy.run_path(script, run_name='__main__')
    except SystemExit as stopped:
        code = stopped.code
    except BaseException:
        code = traceback.format_exc()
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    sys.stdout.flush()
    os._exit(code or 0)
