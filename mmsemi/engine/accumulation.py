"""A step in parts, for graphics processors too small for a whole one."""

from contextlib import nullcontext
from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from mmsemi.utils.errors import UsageError


def step_in_parts(model: nn.Module, parts: int) -> None:
    """Let ``model.train_step`` take a batch in parts.

    Gradients of the parts are averaged, then the optimizer steps once. So an
    iteration stays one of the optimizer: loops, schedules, samplers and
    hooks need not know. Normalization by batch statistics sees the parts.

    Args:
        model: changed in place; may be wrapped for several processes.
        parts: how many.
    """
    inner = model.module if is_model_wrapper(model) else model

    def train_step(data: Any, optim_wrapper: OptimWrapper) -> dict:
        figures: dict[str, Tensor] = {}
        for k in range(parts):
            # Processes share their gradients once, with the last part.
            alone = k + 1 < parts and hasattr(model, 'no_sync')
            with model.no_sync() if alone else nullcontext():
                with optim_wrapper.optim_context(model):
                    batch = inner.data_preprocessor(
                        part_of(data, k, parts), True
                    )
                    losses = model(**batch, mode='loss')
                loss, logged = inner.parse_losses(losses)
                optim_wrapper.backward(loss / parts)
            for key, value in logged.items():
                figures[key] = figures.get(key, 0) + value.detach() / parts
        optim_wrapper.step()
        optim_wrapper.zero_grad()
        return figures

    model.train_step = train_step


def part_of(data: Any, k: int, parts: int) -> Any:
    """Part ``k`` of a batch: of each branch, if it has any.

    Raises:
        UsageError: if a branch has a number of samples that does not divide.
    """
    if isinstance(data, dict):
        return {key: part_of(item, k, parts) for key, item in data.items()}
    if len(data) % parts:
        raise UsageError(
            f'a batch of {len(data)} samples cannot be taken in {parts} '
            'parts. Choose another --accumulate, or another batch size'
        )
    size = len(data) // parts
    return data[k * size : (k + 1) * size]
