"""A step in parts, for graphics processors too small for a whole one."""

from contextlib import nullcontext
from typing import Any

from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from mmsemi.models.wrappers import unwrapped
from mmsemi.ops.step import InParts
from mmsemi.utils.errors import UsageError


def step_in_parts(model: nn.Module, parts: int) -> None:
    """Let ``model.train_step`` take a batch in parts.

    Gradients of the parts are averaged, then the optimizer steps once. So an
    iteration stays one of the optimizer: loops, schedules, samplers and
    hooks need not know. Modules that are :class:`InParts` are told the part.
    Normalization by batch statistics, and averages over the pixels of a
    batch, see the parts, as they see the processes of a distributed run.

    Args:
        model: changed in place; may be wrapped for several processes.
        parts: how many.
    """
    inner = unwrapped(model)
    told = [part for part in inner.modules() if isinstance(part, InParts)]

    def train_step(data: Any, optim_wrapper: OptimWrapper) -> dict:
        figures: dict[str, Tensor] = {}
        for k in range(parts):
            for module in told:
                module.set_part(k, parts)
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


def part_of(data: dict, k: int, parts: int) -> dict:
    """Part ``k`` of a collated batch.

    Each branch gives a part of its samples, in their order. Where these do
    not divide, as in batches that mix all images, the batch is divided by
    its items.

    Raises:
        UsageError: if the batch has a number of items that does not divide.
    """
    branches = data['inputs']
    if not isinstance(branches, dict):
        return {key: _share(value, k, parts) for key, value in data.items()}
    present = {
        name: [i for i, image in enumerate(images) if image is not None]
        for name, images in branches.items()
    }
    if all(len(places) % parts == 0 for places in present.values()):
        places = {name: _share(p, k, parts) for name, p in present.items()}
    else:
        places = {
            name: _share(list(range(len(images))), k, parts)
            for name, images in branches.items()
        }
    return {
        key: {
            name: [samples[i] for i in places[name]]
            for name, samples in value.items()
        }
        for key, value in data.items()
    }


def _share(items: Any, k: int, parts: int) -> Any:
    if len(items) % parts:
        raise UsageError(
            f'a batch of {len(items)} samples cannot be taken in {parts} '
            'parts. Choose another --accumulate, or another batch size'
        )
    size = len(items) // parts
    return items[k * size : (k + 1) * size]
