"""Copies of networks that nothing trains."""

import copy

import torch
from torch import Tensor, nn

from mmsemi.utils.compat import copy_tensors


def frozen_copy(module: nn.Module) -> nn.Module:
    """Deep copy in evaluation mode whose parameters are buffers.

    Optimizers, gradient reduction and parameter counts then pass it over,
    while its state dict has the keys of the original. What several modules
    share is one buffer.
    """
    clone = copy.deepcopy(module).eval()
    shared: dict[nn.Parameter, Tensor] = {}
    for part in clone.modules():
        own = part.named_parameters(recurse=False, remove_duplicate=False)
        for name, value in list(own):
            delattr(part, name)
            part.register_buffer(
                name, shared.setdefault(value, value.detach())
            )
    return clone


@torch.no_grad()
def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Copy parameters and buffers of equal names, all at once."""
    weights = source.state_dict()
    into = target.state_dict()
    copy_tensors(list(into.values()), [weights[key] for key in into])
