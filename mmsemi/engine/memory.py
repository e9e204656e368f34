"""Steps that are too large for the memory of a GPU."""

import gc
import re

import torch
from mmengine.config import Config

from mmsemi.utils.errors import UsageError

from .machine import divide

# What CUDA and its libraries say where torch has no error of its own for it.
_REFUSED = re.compile(
    r'CUDA (error: )?out of memory|cudaErrorMemoryAllocation|'
    r'\bCU\w+_STATUS_(\w*DEVICE_ALLOCATION|ALLOC)_FAILED'
)


# Of what is no step: a validation, labels, predictions.
TOO_LARGE = (
    'the memory of the GPU does not hold what is to be predicted. End other '
    'programs that use it (nvidia-smi lists them), let the network slide over '
    "large images (test_cfg with mode='slide', crop_size and stride), or "
    'give smaller ones'
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of a GPU does not do.

    Libraries that bring memory of their own, such as cuBLAS and cuDNN, say so
    in a plain ``RuntimeError``.
    """
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError)
        and _REFUSED.search(str(error)) is not None
    )


class StepTooLarge(UsageError):
    """The memory of a GPU does not hold a step, or a part of one."""


def more_parts(cfg: Config) -> Config | None:
    """The config with steps in twice as many parts, or the next that work.

    Args:
        cfg: resolved config; left alone.

    Returns:
        A copy, None if a process already takes its images one by one.
    """
    machine = cfg.get('machine') or {}
    processes, parts = (
        machine.get('processes', 1),
        machine.get('accumulate', 1),
    )
    sizes = [
        cfg[key].batch_size
        for key in ('train_dataloader', 'semi_dataloader')
        if cfg.get(key)
    ]
    for number in range(2 * parts, max(sizes, default=1) + 1):
        copied = Config(cfg.to_dict(), filename=cfg.filename)
        try:
            divide(copied, processes, number)
        except UsageError:
            continue
        return copied
    return None


def remedy(cfg: Config) -> str:
    """What to do about a step that is too large, in one sentence."""
    smaller = more_parts(cfg)
    if smaller is None:
        return (
            'a step takes its images one by one and still needs more memory '
            'than the GPU has. Take smaller crops (data.crop_size), a smaller '
            'network, or --amp'
        )
    return (
        'a step needs more memory than the GPU has. Go on with --resume '
        f'--accumulate {smaller.machine.accumulate}, which takes it in parts'
    )


def release_memory() -> None:
    """Give back what a run that was given up has left on the GPU."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
