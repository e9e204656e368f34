from collections.abc import Sequence
from typing import NamedTuple

from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmsemi.registry import MODELS

BATCH_NORMS = (
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
)


class Level(NamedTuple):
    """Blocks of one resolution and width.

    Attributes:
        blocks: number of blocks.
        channels: outputs of the convolutions of a block; three make a
            bottleneck with kernels 1, 3, 1, two have kernels of 3.
        stride: of the first convolution of the first block.
        first: dilations of the convolutions of the first block.
        others: dilations in the other blocks.
        dropout: before the last convolution of a block.
    """

    blocks: int
    channels: tuple[int, ...]
    stride: int = 1
    first: tuple[int, ...] = (1, 1)
    others: tuple[int, ...] = (1, 1)
    dropout: float = 0.0


# Levels 2 to 7 of model A1 at output stride 8.
LEVELS = (
    Level(3, (128, 128), stride=2),
    Level(3, (256, 256), stride=2),
    Level(6, (512, 512), stride=2),
    Level(3, (512, 1024), first=(1, 2), others=(2, 2)),
    Level(1, (512, 1024, 2048), first=(1, 4, 1), dropout=0.3),
    Level(1, (1024, 2048, 4096), first=(1, 4, 1), dropout=0.5),
)


class PreActivationBlock(BaseModule):
    """Residual block with normalization and ReLU before each convolution.

    A convolutional shortcut starts behind the first ReLU, an identity one at
    the input; nothing follows the sum.

    Args:
        in_channels: channels of the input.
        channels: see :class:`Level`.
        stride: of the first convolution and of the shortcut.
        dilations: of the convolutions.
        dropout: rate before the last convolution, element by element.
        project: shortcut by a 1x1 convolution.
        norm_cfg: config of the normalization.
    """

    def __init__(
        self,
        in_channels: int,
        channels: Sequence[int],
        stride: int,
        dilations: Sequence[int],
        dropout: float,
        project: bool,
        norm_cfg: dict,
    ) -> None:
        super().__init__()
        kernels = (1, 3, 1) if len(channels) == 3 else (3, 3)
        inputs = (in_channels, *channels[:-1])
        self.norms = nn.ModuleList(
            build_norm_layer(norm_cfg, width)[1] for width in inputs
        )
        self.convs = nn.ModuleList(
            nn.Conv2d(
                width,
                out,
                kernel,
                stride=stride if k == 0 else 1,
                padding=dilation * (kernel // 2),
                dilation=dilation,
                bias=False,
            )
            for k, (width, out, kernel, dilation) in enumerate(
                zip(inputs, channels, kernels, dilations)
            )
        )
        self.shortcut = (
            nn.Conv2d(in_channels, channels[-1], 1, stride=stride, bias=False)
            if project
            else None
        )
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, channels[-1], H', W')."""
        out = self.relu(self.norms[0](x))
        shortcut = x if self.shortcut is None else self.shortcut(out)
        last = len(self.convs) - 1
        for k, (norm, conv) in enumerate(zip(self.norms, self.convs)):
            if k:
                out = self.relu(norm(out))
            out = conv(self.dropout(out) if k == last else out)
        return out + shortcut


@MODELS.register_module()
class ResNet38(BaseModule):
    """Wide pre-activation ResNet of CBST, output stride 8.

    Model A1 of Wu et al., "Wider or Deeper: Revisiting the ResNet Model for
    Visual Recognition" (Pattern Recognition 2019), as Zou et al. (ECCV 2018)
    use it, with dropout in the two bottlenecks: 105 M parameters and no
    pooling. A last normalization and ReLU follow level 7.

    Args:
        out_indices: levels to give, 0 for level 2 up to 5 for level 7.
        base_channels: width of the first convolution; all others scale.
        norm_cfg: config of the normalization; by default BN with the epsilon
            of the MXNet model.
        norm_eval: keep BN at its running statistics in training; its weights
            learn all the same (CBST).
        init_cfg: see mmengine's ``BaseModule``.
    """

    def __init__(
        self,
        out_indices: Sequence[int] = (5,),
        base_channels: int = 64,
        norm_cfg: dict | None = None,
        norm_eval: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            init_cfg
            or [
                dict(type='Kaiming', layer='Conv2d'),
                dict(type='Constant', val=1, layer='_BatchNorm'),
            ]
        )
        if not out_indices or set(out_indices) - set(range(len(LEVELS))):
            raise ValueError(
                f'out_indices are some of 0..{len(LEVELS) - 1}, '
                f'got {out_indices}'
            )
        norm_cfg = norm_cfg or dict(type='BN', eps=1.001e-5)
        self.out_indices = tuple(out_indices)
        self.norm_eval = norm_eval
        self.conv1 = nn.Conv2d(3, base_channels, 3, padding=1, bias=False)
        width = base_channels
        self.levels = nn.ModuleList()
        for level in LEVELS[: max(out_indices) + 1]:
            channels = [c * base_channels // 64 for c in level.channels]
            blocks = []
            for k in range(level.blocks):
                blocks.append(
                    PreActivationBlock(
                        width,
                        channels,
                        stride=1 if k else level.stride,
                        dilations=level.others if k else level.first,
                        dropout=level.dropout,
                        project=k == 0,
                        norm_cfg=norm_cfg,
                    )
                )
                width = channels[-1]
            self.levels.append(nn.Sequential(*blocks))
        self.norm = (
            build_norm_layer(norm_cfg, width)[1]
            if len(self.levels) == len(LEVELS)
            else None
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Feature maps of the chosen levels.

        Args:
            x: images (N, 3, H, W).

        Returns:
            One map for each of ``out_indices``: stride 2, 4 and 8 for the
            first three, then 8. Only level 7 ends in a ReLU.
        """
        x = self.conv1(x)
        outs: list[Tensor] = []
        for k, level in enumerate(self.levels):
            x = level(x)
            if k == len(LEVELS) - 1:
                x = self.relu(self.norm(x))
            if k in self.out_indices:
                outs.append(x)
        return tuple(outs)

    def train(self, mode: bool = True) -> 'ResNet38':
        """Training mode, BN excepted if ``norm_eval``."""
        super().train(mode)
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, BATCH_NORMS):
                    module.eval()
        return self
