"""Networks for images with another number of bands than three."""

import math
from typing import Any

from torch import Tensor, nn

from mmsemi.registry import MODELS


def adapt_bands(weight: Tensor, bands: int) -> Tensor:
    """The first layer of a network for colors, for other bands.

    The weights of the three colors are repeated in their order and scaled by
    3 / bands, so that outputs keep their size; those for one band are their
    sum. This is ``adapt_input_conv`` of timm (R. Wightman, PyTorch Image
    Models).

    Args:
        weight: (O, 3, h, w).
        bands: bands of the images.

    Returns:
        (O, bands, h, w) of the same type.
    """
    if bands == 1:
        return weight.sum(1, keepdim=True)
    times = math.ceil(bands / 3)
    return weight.repeat(1, times, 1, 1)[:, :bands] * (3 / bands)


def is_for_colors(module: nn.Module, given: Tensor, wanted: Tensor) -> bool:
    """Whether weights are those of a first layer for three colors.

    Args:
        module: that they go to.
        given: the weights.
        wanted: those the module has.
    """
    return (
        isinstance(module, nn.Conv2d)
        and given.ndim == 4
        and given.shape[1] == 3 != wanted.shape[1]
        and given.shape[:1] + given.shape[2:]
        == wanted.shape[:1] + wanted.shape[2:]
    )


@MODELS.register_module()
def BackboneOfBands(bands: int, backbone: dict, **settings: Any) -> nn.Module:
    """A backbone that takes images of any number of bands.

    For those without ``in_channels``, such as MobileNetV2: every layer that
    takes three channels is made anew, all others are as they were.

    Args:
        bands: of the images.
        backbone: config of the backbone.
        **settings: more of them, such as ``init_cfg``.

    Returns:
        The backbone itself, so that weights keep their names.
    """
    network = MODELS.build({**backbone, **settings})
    first = [
        layer
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d) and layer.in_channels == 3
    ]
    if not first:
        raise ValueError(
            f'{type(network).__name__} has no layer for images of three '
            f'bands that could take {bands}; choose another backbone'
        )
    for layer in first:
        layer.in_channels = bands
        layer.weight = nn.Parameter(adapt_bands(layer.weight.detach(), bands))
    return network
