"""Whether training has spoiled a tensor."""

from typing import Any

import torch

_FINITE = ('weight', 'bias', 'running_mean', 'running_var')


def spoiled(name: str, value: Any) -> bool:
    """Whether a tensor of a state holds what none can go on with.

    Weights and statistics must be finite. Other buffers may hold infinite
    values on purpose, such as thresholds of absent classes, but no NaN.
    A tensor on the meta device has none, and what is no tensor neither.
    """
    if not torch.is_tensor(value) or value.is_meta:
        return False
    if not value.is_floating_point():
        return False
    wrong = ~value.isfinite() if name.endswith(_FINITE) else value.isnan()
    return bool(wrong.any())
