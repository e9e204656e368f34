from collections.abc import Sequence

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmsemi.registry import MODELS


@MODELS.register_module()
class DeepLabV2Head(BaseDecodeHead):
    """Sum of atrous 3x3 convolutions from features to classes (DeepLab-v2).

    As used by AdvSemiSeg, DST-CBC and DMT, whose code returns from inside
    the loop over the four branches and so sums the first two only; all
    their figures come from that head, hence ``used_branches=2``. Branches
    that are not used do not exist here, since their parameters would get no
    gradient, but checkpoints may hold them.

    There is no dropout and no further classifier; convolutions start at
    PyTorch's default.

    Args:
        in_channels: channels of the input feature map.
        num_classes: number of classes.
        dilations: dilation (and padding) of each branch.
        used_branches: how many of the branches are summed.
        align_corners: of the up-sampling; the published code uses True.
        **kwargs: see mmseg's ``BaseDecodeHead``.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        dilations: Sequence[int] = (6, 12, 18, 24),
        used_branches: int = 2,
        align_corners: bool = True,
        **kwargs,
    ) -> None:
        if not 1 <= used_branches <= len(dilations):
            raise ValueError(
                f'used_branches must lie in 1..{len(dilations)},'
                f' got {used_branches}'
            )
        for key in ('channels', 'dropout_ratio'):
            kwargs.pop(key, None)
        kwargs.setdefault('init_cfg', None)
        super().__init__(
            in_channels,
            num_classes,
            num_classes=num_classes,
            dropout_ratio=0,
            align_corners=align_corners,
            **kwargs,
        )
        # The branches end in classes; there is nothing left to classify.
        del self.conv_seg
        self.dilations = tuple(dilations)
        self.convs = nn.ModuleList(
            nn.Conv2d(in_channels, num_classes, 3, padding=d, dilation=d)
            for d in self.dilations[:used_branches]
        )
        self.register_load_state_dict_pre_hook(self._accept)

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Logits (N, C, H, W) at the resolution of the features."""
        x = self._transform_inputs(inputs)
        out = self.convs[0](x)
        for conv in self.convs[1:]:
            out = out + conv(x)
        return out

    @staticmethod
    def _accept(
        head: 'DeepLabV2Head', state_dict: dict, prefix: str, *_
    ) -> None:
        """Leave out the branches of a checkpoint that are not used.

        Also accepts the weights that :meth:`to_mmseg` gave.
        """
        undo_aspp(state_dict, prefix, head.num_classes)
        for k in range(len(head.convs), len(head.dilations)):
            for name in ('weight', 'bias'):
                state_dict.pop(f'{prefix}convs.{k}.{name}', None)

    def to_mmseg(self, cfg: dict) -> tuple[dict, dict[str, Tensor]]:
        """Config and weights of an mmseg head with equal output.

        mmseg's ``ASPPHead`` without normalization and activation: its
        branches are these convolutions, its pooling branch is zero, and
        bottleneck and classifier are set to add up the branches.

        Args:
            cfg: config this head was built from.
        """
        used, classes = len(self.convs), self.num_classes
        state = summing_layers(self.convs[0].weight.detach(), used)
        for k, conv in enumerate(self.convs):
            for name, value in conv.state_dict().items():
                state[f'aspp_modules.{k}.conv.{name}'] = value
        cfg = {k: v for k, v in cfg.items() if k != 'used_branches'}
        return dict(
            cfg,
            type='ASPPHead',
            channels=classes,
            dilations=self.dilations[:used],
            norm_cfg=None,
            act_cfg=None,
            dropout_ratio=0,
            align_corners=self.align_corners,
        ), state


def summing_layers(like: Tensor, branches: int) -> dict[str, Tensor]:
    """Weights of an ``ASPPHead`` that add up its dilated branches.

    Args:
        like: weight (classes, in_channels, 3, 3) of a branch.
        branches: their number.
    """
    classes, in_channels = like.shape[:2]
    eye = torch.eye(classes, dtype=like.dtype, device=like.device)
    bottleneck = like.new_zeros(classes, (branches + 1) * classes, 3, 3)
    bottleneck[:, classes:, 1, 1] = eye.repeat(1, branches)
    return {
        'image_pool.1.conv.weight': like.new_zeros(classes, in_channels, 1, 1),
        'image_pool.1.conv.bias': like.new_zeros(classes),
        'bottleneck.conv.weight': bottleneck,
        'bottleneck.conv.bias': like.new_zeros(classes),
        'conv_seg.weight': eye.view(classes, classes, 1, 1),
        'conv_seg.bias': like.new_zeros(classes),
    }


def undo_aspp(state: dict, prefix: str, num_classes: int) -> None:
    """Give exported weights the names of :class:`DeepLabV2Head` again.

    Weights of an ``ASPPHead`` that does anything but add up its branches
    stay as they are.

    Args:
        state: weights, changed in place.
        prefix: of the names of the head's weights.
        num_classes: channels of the branches.
    """
    branch = f'{prefix}aspp_modules.'
    keys = [key for key in state if key.startswith(branch)]
    first = state.get(f'{branch}0.conv.weight')
    if first is None or len(first) != num_classes:
        return
    layers = {
        prefix + key: value
        for key, value in summing_layers(first, len(keys) // 2).items()
    }
    if any(
        key not in state or not torch.equal(state[key], value)
        for key, value in layers.items()
    ):
        return
    for key in layers:
        del state[key]
    for key in keys:
        number, _, name = key[len(branch) :].split('.')
        state[f'{prefix}convs.{number}.{name}'] = state.pop(key)
