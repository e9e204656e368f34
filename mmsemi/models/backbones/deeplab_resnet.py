from mmseg.models.backbones import ResNet
from torch import nn

from mmsemi.registry import MODELS


@MODELS.register_module()
class DeepLabResNet(ResNet):
    """mmseg's ``ResNet`` with a first pooling that may round sizes up.

    Caffe's DeepLab, and what stems from it (CRST, SPNet, STRICT, and the
    deep-stem ResNets of U2PL and AEL), pools with ``ceil_mode``. Feature maps
    of some sizes then are one larger, 129x257 instead of 128x256 of an
    image of 1024x2048 pixels at output stride 8; with ``align_corners`` this
    moves what a feature stands for by up to one of its cells at the right and
    bottom. Weights have the names of mmseg's ``ResNet``.

    Args:
        ceil_mode: round the size behind the pooling up.
        deep_stem: three 3x3 convolutions instead of one 7x7, as
            ``ResNetV1c`` has them.
        **kwargs: see mmseg's ``ResNet``.
    """

    def __init__(
        self, ceil_mode: bool = True, deep_stem: bool = False, **kwargs
    ) -> None:
        super().__init__(deep_stem=deep_stem, **kwargs)
        self.maxpool = nn.MaxPool2d(3, 2, 1, ceil_mode=ceil_mode)
