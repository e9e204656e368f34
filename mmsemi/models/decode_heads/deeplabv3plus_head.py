from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads import ASPPHead
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmsemi.models.torch_init import reset_layers
from mmsemi.registry import MODELS

from .representation_head import conv_stack


@MODELS.register_module()
class DeepLabV3PlusHead(ASPPHead):
    """DeepLabV3+ with ordinary convolutions, as U2PL and AEL have it.

    ASPP on the last feature map (pooling, 1x1 and three dilated 3x3), a 3x3
    convolution with dropout, up-sampled to the low-level map, which goes
    through a 1x1 convolution without becoming narrower; both together feed
    two 3x3 convolutions with dropout and the 1x1 classifier. mmseg's
    ``DepthwiseSeparableASPPHead`` has separable convolutions, 48 low-level
    channels and no dropout but before the classifier. Layers start from
    PyTorch's own initialization, as published.

    Args:
        c1_in_channels: channels of the low-level map, ``inputs[0]``.
        c1_channels: channels it enters the classifier with.
        dilations: of the branches of ASPP.
        dropout_ratio: of whole channels.
        align_corners: of the up-sampling; the published code uses True.
        representation_head: config of a :class:`RepresentationHead` that
            reads what the first convolution of the classifier reads;
            ``in_channels`` may be left out.
        init_cfg: None for PyTorch's own initialization; else see mmseg's
            ``BaseDecodeHead``.
        **kwargs: as there.
    """

    def __init__(
        self,
        c1_in_channels: int = 256,
        c1_channels: int = 256,
        dilations: Sequence[int] = (1, 12, 24, 36),
        dropout_ratio: float = 0.1,
        align_corners: bool = True,
        representation_head: dict | None = None,
        init_cfg: dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__(
            init_cfg=init_cfg,
            dilations=tuple(dilations),
            dropout_ratio=dropout_ratio,
            align_corners=align_corners,
            **kwargs,
        )
        self.c1_bottleneck = ConvModule(
            c1_in_channels, c1_channels, 1, bias=True, norm_cfg=self.norm_cfg
        )
        self.aspp_dropout = nn.Dropout2d(dropout_ratio)
        width = self.channels + c1_channels
        self.convs = nn.Sequential(
            *conv_stack(width, self.channels, 2, dropout_ratio, self.norm_cfg)
        )
        self.representation_head = None
        if representation_head:
            self.representation_head = MODELS.build(
                dict(
                    dict(
                        type='RepresentationHead',
                        in_channels=width,
                        dropout_ratio=dropout_ratio,
                        norm_cfg=self.norm_cfg,
                    ),
                    **representation_head,
                )
            )

    def init_weights(self) -> None:
        """Draw all layers as PyTorch does, unless ``init_cfg`` says else."""
        fresh = not self.is_init
        super().init_weights()
        if fresh and self.init_cfg is None:
            reset_layers(self)

    def fuse(self, inputs: list[Tensor]) -> Tensor:
        """What classifier and representation head read.

        Args:
            inputs: features of the backbone, the finest first.

        Returns:
            (N, channels + c1_channels, h, w) in the size of ``inputs[0]``.
        """
        high = self.aspp_dropout(self._forward_feature(inputs))
        low = self.c1_bottleneck(inputs[0])
        high = resize(
            high,
            size=low.shape[2:],
            mode='bilinear',
            align_corners=self.align_corners,
        )
        return torch.cat([high, low], 1)

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Logits (N, C, h, w) in the size of ``inputs[0]``."""
        return self.cls_seg(self.convs(self.fuse(inputs)))

    def forward_with_representation(
        self, inputs: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Logits (N, C, h, w) and representation (N, D, h, w)."""
        fused = self.fuse(inputs)
        return (
            self.cls_seg(self.convs(fused)),
            self.representation_head(fused),
        )
