"""Whether a tensor of a file can be a weight, before it is copied into one."""

from typing import Any

import torch
from torch import Tensor

from mmsemi.utils.errors import UsageError


def refuse_other_kind(
    name: str, given: Any, wanted: Tensor, source: str
) -> None:
    """Refuse what copying would change in silence, or not take at all.

    torch copies integers, and the real parts of complex numbers, into
    weights without a word.

    Args:
        name: of the weight.
        given: what the file holds under this name.
        wanted: the weight of the model.
        source: where it is from, for messages.

    Raises:
        UsageError: naming file, weight and kind.
    """
    what = None
    if not torch.is_tensor(given):
        what = f'no tensor but a {type(given).__name__}'
    elif given.is_meta and not wanted.is_meta:
        what = 'a shape without values'
    elif given.layout != torch.strided:
        what = 'a sparse tensor'
    elif given.is_quantized:
        what = 'quantized'
    elif wanted.is_floating_point() and not _keeps_numbers(given):
        what = f'of type {str(given.dtype).removeprefix("torch.")}'
    if what:
        raise UsageError(
            f'{source}: {name} is {what}, which cannot be loaded as a weight. '
            'Give a file with plain tensors of floating-point numbers'
        )


def _keeps_numbers(given: Tensor) -> bool:
    """Whether a tensor holds real numbers of 16 bits or more.

    Those of 8 bits are multiples of a factor that is kept elsewhere.
    """
    return given.is_floating_point() and given.element_size() > 1
