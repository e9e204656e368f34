from mmcv.cnn import ConvModule
from mmseg.models.decode_heads import DepthwiseSeparableASPPHead
from torch import Tensor, nn

from mmsemi.registry import MODELS

from .lateral_sum_head import LateralSumHead


@MODELS.register_module()
class RepresentationHead(nn.Sequential):
    """Features of pixels for a contrastive objective.

    Two 3x3 convolutions, each with normalization, ReLU and dropout, and a
    1x1 convolution; the result is not normalized (U2PL, arXiv 2203.03884).

    Args:
        in_channels: channels of the input.
        channels: channels of the 3x3 convolutions.
        out_channels: length D of a feature.
        num_convs: number of 3x3 convolutions.
        dropout_ratio: of whole channels, after each 3x3 convolution.
        norm_cfg: normalization, BN by default.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int = 256,
        out_channels: int = 256,
        num_convs: int = 2,
        dropout_ratio: float = 0.1,
        norm_cfg: dict | None = None,
    ) -> None:
        layers = conv_stack(
            in_channels,
            channels,
            num_convs,
            dropout_ratio,
            norm_cfg or dict(type='BN'),
        )
        if dropout_ratio:
            layers.append(nn.Dropout2d(dropout_ratio))
        width = channels if num_convs else in_channels
        layers.append(nn.Conv2d(width, out_channels, 1))
        super().__init__(*layers)
        self.out_channels = out_channels


def conv_stack(
    in_channels: int,
    channels: int,
    num_convs: int,
    dropout_ratio: float,
    norm_cfg: dict,
) -> list[nn.Module]:
    """3x3 convolutions with dropout between them.

    They keep a bias although normalization follows, as published.
    """
    layers: list[nn.Module] = []
    for k in range(num_convs):
        if k and dropout_ratio:
            layers.append(nn.Dropout2d(dropout_ratio))
        layers.append(
            ConvModule(
                channels if k else in_channels,
                channels,
                3,
                padding=1,
                bias=True,
                norm_cfg=norm_cfg,
            )
        )
    return layers


class RepresentationMixin:
    """Lets a decode head give a representation beside its logits.

    Put it before the head among the bases. The representation head reads
    what the classifier reads; ``in_channels`` of its config may be left out.

    Args:
        representation_head: config of a :class:`RepresentationHead`.
        **kwargs: those of the decode head.
    """

    def __init__(self, representation_head: dict, **kwargs) -> None:
        super().__init__(**kwargs)
        self.representation_head = MODELS.build(
            dict(
                dict(
                    type='RepresentationHead',
                    in_channels=self.channels,
                    norm_cfg=self.norm_cfg,
                ),
                **representation_head,
            )
        )

    def forward_with_representation(
        self, inputs: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Logits (N, C, h, w) and representation (N, D, h, w).

        Args:
            inputs: features of the backbone.
        """
        read: list[Tensor] = []
        handle = self.conv_seg.register_forward_pre_hook(
            lambda module, args: read.append(args[0])
        )
        try:
            logits = self(inputs)
        finally:
            handle.remove()
        return logits, self.representation_head(read[0])


@MODELS.register_module()
class LateralSumRepresentationHead(RepresentationMixin, LateralSumHead):
    """:class:`LateralSumHead` with a representation."""

    def to_mmseg(self, cfg: dict) -> tuple[dict, dict[str, Tensor]]:
        """See :class:`LateralSumHead`; the representation is left out."""
        return super().to_mmseg(
            {k: v for k, v in cfg.items() if k != 'representation_head'}
        )


@MODELS.register_module()
class SepASPPRepresentationHead(
    RepresentationMixin, DepthwiseSeparableASPPHead
):
    """mmseg's DeepLabV3+ head with a representation."""

    def to_mmseg(self, cfg: dict) -> tuple[dict, dict[str, Tensor]]:
        """mmseg's head itself; the representation is left out."""
        cfg = {k: v for k, v in cfg.items() if k != 'representation_head'}
        state = {
            k: v
            for k, v in self.state_dict().items()
            if not k.startswith('representation_head.')
        }
        return dict(cfg, type='DepthwiseSeparableASPPHead'), state
