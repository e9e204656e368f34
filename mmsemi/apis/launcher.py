"""Several processes without a GPU, which mmengine's launcher cannot do."""

import atexit
import datetime
import os
import subprocess
import sys

import torch.distributed as torch_dist
from mmengine.config import Config
from mmengine.device import get_device

from mmsemi.models.norms import share_statistics
from mmsemi.utils.compat import run_exit_functions
from mmsemi.utils.errors import UsageError


def is_first_process() -> bool:
    """Whether this is rank 0, known before any process group exists."""
    rank = os.environ.get('RANK') or os.environ.get('SLURM_PROCID') or '0'
    return int(rank) == 0


def launched_processes(launcher: str) -> int:
    """Processes that a launcher started, known before they meet."""
    names = dict(
        pytorch='WORLD_SIZE', slurm='SLURM_NTASKS', mpi='OMPI_COMM_WORLD_SIZE'
    )
    return int(os.environ.get(names.get(launcher, ''), 1))


def setup_launcher(cfg: Config, launcher: str) -> None:
    """Prepare ``cfg`` for a launcher; start gloo where there is no GPU.

    BatchNorm averages over all processes on GPUs, unless the config says
    ``sync_bn = False``. On CPUs each process normalizes with statistics of
    its own, because PyTorch's SyncBatchNorm has no kernel for them.

    mmengine calls ``torch.cuda.set_device`` whatever the backend. It leaves
    an existing process group alone, so on a CPU we make one beforehand and
    wrap the model without device ids.

    Args:
        cfg: config of the run; changed in place.
        launcher: ``none``, ``pytorch`` or ``slurm``; ``mpi`` on GPUs only.
    """
    cfg.launcher = launcher
    # mmengine would take it for the name of an implementation.
    sync_bn = cfg.pop('sync_bn', True)
    if launcher == 'none':
        return
    if get_device() not in ('cpu', 'mps'):
        if sync_bn:
            share_statistics(cfg.model)
        return
    if launcher == 'slurm':
        _environment_from_slurm(cfg)
    elif launcher != 'pytorch':
        raise UsageError(
            f'--launcher {launcher} needs GPUs; without them '
            'use tools/dist_train.sh (torchrun)'
        )
    missing = [
        name
        for name in ('RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT')
        if name not in os.environ
    ]
    if missing:
        raise UsageError(
            f'--launcher {launcher}: {", ".join(missing)} not set; start '
            'through tools/dist_train.sh or torchrun'
        )
    cfg.setdefault('env_cfg', {})
    cfg.env_cfg.setdefault('dist_cfg', {})
    cfg.env_cfg.dist_cfg['backend'] = 'gloo'
    if not torch_dist.is_initialized():
        timeout = cfg.env_cfg.dist_cfg.get('timeout', 1800)
        torch_dist.init_process_group(
            'gloo', timeout=datetime.timedelta(seconds=timeout)
        )
        atexit.register(_leave_process_group)
    wrapper = dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False),
    )
    wrapper.update(cfg.get('model_wrapper_cfg') or {})
    wrapper['device_ids'] = None
    cfg.model_wrapper_cfg = wrapper
    share_statistics(cfg.model, False)


def _leave_process_group() -> None:
    """End gloo's threads: one that outlives the process may abort it."""
    if torch_dist.is_initialized():
        torch_dist.destroy_process_group()


def end_process(code: int = 0) -> None:
    """End a tool that has done its work; returns unless gloo was used.

    With another exit code than 0 it always ends the process.

    Once a model was wrapped, gloo's threads live on behind the process
    group. One that is at work while the interpreter ends aborts the process
    now and then, so it does not end but stops.
    """
    if not torch_dist.is_initialized() or torch_dist.get_backend() != 'gloo':
        if code:
            sys.exit(code)
        return
    run_exit_functions()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _environment_from_slurm(cfg: Config) -> None:
    """Set torch's variables from those of slurm, as mmengine does."""
    if 'SLURM_PROCID' not in os.environ:
        raise UsageError(
            '--launcher slurm: SLURM_PROCID not set; start '
            'through tools/slurm_train.sh'
        )
    os.environ['RANK'] = os.environ['SLURM_PROCID']
    os.environ['LOCAL_RANK'] = os.environ.get('SLURM_LOCALID', '0')
    os.environ['WORLD_SIZE'] = os.environ['SLURM_NTASKS']
    port = cfg.get('env_cfg', {}).get('dist_cfg', {}).get('port', 29500)
    os.environ.setdefault('MASTER_PORT', str(port))
    if 'MASTER_ADDR' not in os.environ:
        nodes = os.environ['SLURM_NODELIST']
        os.environ['MASTER_ADDR'] = subprocess.getoutput(
            f'scontrol show hostname {nodes} | head -n1'
        )
