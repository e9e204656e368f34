"""Whether training has spoiled a tensor."""

from typing import Any

import torch

_FINITE = ('weight', 'bias', 'running_mean', 'running_var')


def spoiled(name: str, value: Any) -> bool:
    """Whether a tensor of a state holds what none can go on with.

    Weights and statistics must be finite. Other buffers may hold infinite
    values on purpose, such as thresholds of absent classes, but no NaN.

    Args:
        name: of the tensor in the state.
        value: a tensor, which on the meta device has a shape alone, or
            anything else, which is not spoiled.
    """
    if not torch.is_tensor(value) or value.is_meta:
        return False
    if not value.is_floating_point():
        return False
    wrong = ~value.isfinite() if name.endswith(_FINITE) else value.isnan()
    return bool(wrong.any())
