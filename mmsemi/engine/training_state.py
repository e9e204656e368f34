"""What a training consists of: is it sound, how large, which one is it?"""

import zlib
from typing import Any

import torch
from mmengine.runner import EpochBasedTrainLoop
from torch import nn

from mmsemi.models.wrappers import unwrapped
from mmsemi.ops.spoiled import spoiled

from .optimizers import single_wrappers


def not_finite(state: dict[str, Any]) -> str | None:
    """Name of the first tensor in a state that training has spoiled."""
    return next((k for k, v in state.items() if spoiled(k, v)), None)


def state_bytes(state: dict[str, Any]) -> int:
    """Size of all tensors of a state."""
    return sum(
        value.numel() * value.element_size()
        for value in state.values()
        if torch.is_tensor(value)
    )


def checkpoint_bytes(runner) -> int:
    """Size of a regular checkpoint: model, and what its optimizer keeps."""
    model = unwrapped(runner.model)
    total = state_bytes(model.state_dict())
    optimizers = single_wrappers(runner.optim_wrapper)
    # SGD keeps one tensor for each parameter, Adam and its kind two.
    plain = [isinstance(o.optimizer, torch.optim.SGD) for o in optimizers]
    kept = 1 if all(plain) else 2
    trained = sum(
        p.numel() * p.element_size()
        for p in model.parameters()
        if p.requires_grad
    )
    return total + kept * trained


def progress_of(loop) -> tuple[int, int]:
    """How far a loop is and how long, in what its intervals count."""
    if isinstance(loop, EpochBasedTrainLoop):
        return loop.epoch, loop.max_epochs
    return loop.iter, loop.max_iters


def repeat_validation(runner, validated: int | None) -> None:
    """Catch up on a validation that a run without rounds was stopped in.

    Args:
        runner: of a training that is about to go on.
        validated: iteration after which it was validated last.
    """
    loop = runner.train_loop
    if hasattr(loop, 'round_end') or validated == runner.iter:
        return
    done, end = progress_of(loop)
    if isinstance(loop, EpochBasedTrainLoop):
        if loop.iter != loop.epoch * len(loop.dataloader):
            return  # within an epoch
    if (
        done
        and runner.val_loop is not None
        and done >= loop.val_begin
        and (done % loop.val_interval == 0 or done == end)
    ):
        runner.logger.info(f'validation after iteration {runner.iter}, again')
        runner.val_loop.run()


def fingerprint(model: nn.Module) -> str:
    """Checksum of all weights and buffers, to tell models apart."""
    checksum = 0
    for tensor in model.state_dict().values():
        array = tensor.detach().cpu().contiguous().numpy()
        if array.size:
            checksum = zlib.crc32(memoryview(array).cast('B'), checksum)
    return f'{checksum:08x}'
