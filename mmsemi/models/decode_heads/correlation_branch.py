"""How alike the pixels of an image are, and logits passed on by it."""

import torch
from mmcv.cnn import ConvModule
from torch import Tensor, nn

from mmsemi.models.torch_init import reset_layers


class CorrelationBranch(nn.Module):
    """Correlation of features, and what logits become by it (CorrMatch).

    Sun et al., CVPR 2024. A 3x3 convolution with dropout of channels reads
    the features, two 1x1 convolutions make maps F and G of C channels of
    it. With the P pixels of a map

        A = softmax(F^T G / sqrt(C))     (over its last axis)

    are the correlations of every pixel with all others, and logits L
    (C, P) become L A. Logits get no gradient: the branch learns what is
    alike.

    Args:
        in_channels: of the features.
        num_classes: number of classes C.
        channels: of the 3x3 convolution.
        dropout_ratio: of its channels.
        norm_cfg: of its normalization.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        channels: int = 256,
        dropout_ratio: float = 0.1,
        norm_cfg: dict | None = None,
    ) -> None:
        super().__init__()
        self.project = nn.Sequential(
            ConvModule(in_channels, channels, 3, padding=1, norm_cfg=norm_cfg),
            nn.Dropout2d(dropout_ratio),
        )
        self.first = nn.Conv2d(channels, num_classes, 1)
        self.second = nn.Conv2d(channels, num_classes, 1)

    def init_weights(self) -> None:
        """Draw all layers as PyTorch does."""
        reset_layers(self)

    def forward(
        self, features: Tensor, logits: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Pass logits on.

        Args:
            features: (N, in_channels, h, w).
            logits: (N, C, h', w').

        Returns:
            Logits (N, C, h, w), and the correlations of each pixel with all
            others, (N, h w, h, w), each of which adds up to one; float32.
        """
        features = self.project(features)
        first, second = self.first(features), self.second(features)
        size, classes = first.shape[-2:], first.shape[1]
        logits = nn.functional.interpolate(
            logits.detach().float(), size, mode='bilinear', align_corners=True
        )
        # Half precision overflows in the sums of products, and hardly holds
        # what many pixels are shares of.
        with torch.autocast(features.device.type, enabled=False):
            pairs = first.float().flatten(2), second.float().flatten(2)
            products = pairs[0].transpose(1, 2) @ pairs[1]
            correlation = (products / classes**0.5).softmax(-1)
            passed = logits.flatten(2) @ correlation
        return passed.unflatten(2, size), correlation.unflatten(2, size)
