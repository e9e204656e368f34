import torch
from mmcv.cnn import ConvModule, build_norm_layer
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmsemi.registry import MODELS


@MODELS.register_module()
class LateralSumHead(BaseDecodeHead):
    """Light head for small backbones: the sum of 1x1 laterals.

    Every input goes through a 1x1 convolution without bias at its own
    resolution, is resized to the first input and summed; then BN, ReLU, a
    3x3 convolution with BN and ReLU, and the 1x1 classifier. Cheaper than
    mmseg's heads that concatenate at full resolution, with the same reach.

    Args:
        norm_cfg: normalization of the sum and of the 3x3 convolution, BN
            by default.
        dropout_ratio: dropout before the classifier.
        **kwargs: see mmseg's ``BaseDecodeHead``; ``in_channels`` and
            ``in_index`` are lists, the finest map first.
    """

    def __init__(
        self,
        norm_cfg: dict | None = None,
        dropout_ratio: float = 0.0,
        **kwargs,
    ) -> None:
        super().__init__(
            input_transform='multiple_select',
            norm_cfg=norm_cfg or dict(type='BN'),
            dropout_ratio=dropout_ratio,
            **kwargs,
        )
        self.laterals = nn.ModuleList(
            nn.Conv2d(channels, self.channels, 1, bias=False)
            for channels in self.in_channels
        )
        self.norm = build_norm_layer(self.norm_cfg, self.channels)[1]
        self.fuse = ConvModule(
            self.channels, self.channels, 3, padding=1, norm_cfg=self.norm_cfg
        )
        self.register_load_state_dict_pre_hook(self._accept)

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Logits (N, C, H, W) at the size of the first selected input."""
        maps = [
            lateral(x)
            for lateral, x in zip(
                self.laterals, self._transform_inputs(inputs)
            )
        ]
        total = maps[0]
        for x in maps[1:]:
            total = total + resize(
                x,
                size=total.shape[2:],
                mode='bilinear',
                align_corners=self.align_corners,
            )
        return self.cls_seg(self.fuse(self.norm(total).relu()))

    @staticmethod
    def _accept(
        head: 'LateralSumHead', state_dict: dict, prefix: str, *_
    ) -> None:
        """Accept the weights that :meth:`to_mmseg` gave, too."""
        weight = state_dict.get(f'{prefix}convs.0.conv.weight')
        if head._is_sum(weight):
            del state_dict[f'{prefix}convs.0.conv.weight']
            for k, part in enumerate(
                weight[:, :, 1:2, 1:2].split(list(head.in_channels), 1)
            ):
                state_dict[f'{prefix}laterals.{k}.weight'] = part
            names = {
                f'{prefix}convs.0.{head.fuse.norm_name}.': f'{prefix}norm.',
                f'{prefix}convs.1.': f'{prefix}fuse.',
            }
            for key in list(state_dict):
                for old, new in names.items():
                    if key.startswith(old):
                        state_dict[new + key[len(old) :]] = state_dict.pop(key)

    def _is_sum(self, weight: Tensor | None) -> bool:
        """Whether a 3x3 convolution is one of laterals in disguise."""
        shape = (self.channels, sum(self.in_channels), 3, 3)
        if weight is None or tuple(weight.shape) != shape:
            return False
        border = weight.clone()
        border[:, :, 1, 1] = 0
        return not border.any()

    def to_mmseg(self, cfg: dict) -> tuple[dict, dict[str, Tensor]]:
        """Config and weights of an mmseg head with equal output.

        A 1x1 convolution commutes with resizing, so the sum is one
        convolution of the concatenated inputs; mmseg's ``FCNHead`` has one
        size of kernels, so this one is 3x3 with a border of zeros.

        Args:
            cfg: config this head was built from.
        """
        weight = torch.cat([lateral.weight for lateral in self.laterals], 1)
        state = {
            'convs.0.conv.weight': nn.functional.pad(
                weight.detach(), (1, 1, 1, 1)
            )
        }
        parts = {
            f'convs.0.{self.fuse.norm_name}.': self.norm,
            'convs.1.': self.fuse,
            'conv_seg.': self.conv_seg,
        }
        for prefix, module in parts.items():
            state.update(
                {
                    prefix + key: value
                    for key, value in module.state_dict().items()
                }
            )
        return dict(
            cfg,
            type='FCNHead',
            input_transform='resize_concat',
            num_convs=2,
            kernel_size=3,
            concat_input=False,
            norm_cfg=dict(self.norm_cfg),
            dropout_ratio=self.dropout_ratio,
        ), state
