"""A function in two processes of one gloo group."""

import os
from collections.abc import Callable
from pathlib import Path

import torch
import torch.multiprocessing as mp


def in_two(worker: Callable, folder: Path, *args) -> None:
    """Call ``worker(rank, folder, *args)`` in two processes at once.

    They are forks, which need not import anything anew. Where there is a
    GPU, whose state a fork cannot share, they come from a fork server.

    Args:
        worker: function of a module.
        folder: where it can leave what it finds.
        args: what else it is given.
    """
    method = 'forkserver' if torch.cuda.is_available() else 'fork'
    if method == 'forkserver':
        mp.get_context(method).set_forkserver_preload(
            [worker.__module__, 'mmsemi.models']
        )
    mp.start_processes(
        _joined, (worker, str(folder), *args), nprocs=2, start_method=method
    )


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
