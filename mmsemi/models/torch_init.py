"""PyTorch's own initialization, which most published heads start from."""

from torch import nn

from mmsemi.registry import WEIGHT_INITIALIZERS


@WEIGHT_INITIALIZERS.register_module()
class TorchDefault:
    """Draw the layers of a module as PyTorch draws them when it makes them.

    mmcv's ``ConvModule`` draws from a wider normal distribution, five to
    seven times that of PyTorch in DeepLabV3+. The first outputs are the same,
    where a normalization follows, but a step of SGD then changes such weights
    less: by one over the square of their size.

    Usage: ``init_cfg=dict(type='TorchDefault')`` of a head. Layers within a
    child that initializes itself keep what that gives them.
    """

    def __call__(self, module: nn.Module) -> None:
        """Draw all convolutions, linear layers and normalizations anew."""
        reset_layers(module)


def reset_layers(module: nn.Module) -> None:
    """Draw the layers of a module anew, those of its children included."""
    for layer in module.modules():
        reset = getattr(layer, 'reset_parameters', None)
        if reset is not None:
            reset()
