"""A segmentor as an ONNX model that takes images as files hold them."""

import copy
import io
import json
import warnings
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmseg.models.utils import Upsample
from torch import Tensor, nn

from mmsemi.utils.compat import swaps_channels

OPSET = 17
INPUT, OUTPUT = 'images', 'logits'


class OnnxGraph(nn.Module):
    """Images as they are read -> logits of their size.

    Order of channels, mean, standard deviation and padding to a multiple of
    the stride are part of it, and so is the bilinear resizing of logits.

    Args:
        segmentor: plain one of mmseg, in evaluation mode. It is copied.
    """

    def __init__(self, segmentor: nn.Module) -> None:
        super().__init__()
        self.segmentor = copy.deepcopy(segmentor)
        _leave_sizes_open(self.segmentor)
        before = segmentor.data_preprocessor
        # Pipelines of mmseg read BGR.
        self.flip = not swaps_channels(before)
        self.normalize = hasattr(before, 'mean')
        if self.normalize:
            self.register_buffer('mean', before.mean.clone())
            self.register_buffer('std', before.std.clone())
        test_cfg = before.test_cfg or {}
        self.divisor = test_cfg.get('size_divisor') or 1
        self.pad_value = float(before.pad_val)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K, H, W).

        Args:
            images: (N, C, H, W) float32 from 0 to 255; of three channels,
                red comes first.
        """
        height, width = images.shape[2:]
        if images.shape[1] == 3 and self.flip:
            images = images.flip(1)
        if self.normalize:
            images = (images - self.mean) / self.std
        if self.divisor > 1:
            right, low = (-side % self.divisor for side in (width, height))
            images = F.pad(images, (0, right, 0, low), value=self.pad_value)
        logits = F.interpolate(
            self.segmentor(images, mode='tensor'),
            images.shape[2:],
            mode='bilinear',
            align_corners=self.segmentor.align_corners,
        )
        return logits[:, :, :height, :width]


class _Enlarge(nn.Module):
    """What mmseg's ``Upsample`` does, for any size once it is traced.

    That takes ``int()`` of sizes, which turns them into constants.
    """

    def __init__(self, upsample: Upsample) -> None:
        super().__init__()
        self.factor = int(upsample.scale_factor)
        self.how = dict(
            mode=upsample.mode, align_corners=upsample.align_corners
        )

    def forward(self, x: Tensor) -> Tensor:
        size = [side * self.factor for side in x.shape[-2:]]
        return F.interpolate(x, size, **self.how)


def _leave_sizes_open(segmentor: nn.Module) -> None:
    """Replace modules that tracing would tie to one size (those of UNet)."""
    for parent in list(segmentor.modules()):
        for name, module in list(parent.named_children()):
            factor = getattr(module, 'scale_factor', None)
            if (
                isinstance(module, Upsample)
                and not module.size
                and isinstance(factor, float)
                and factor.is_integer()
            ):
                setattr(parent, name, _Enlarge(module))


def onnx_bytes(
    graph: OnnxGraph, size: tuple[int, int], channels: int, dynamic: bool
) -> bytes:
    """The content of an ONNX file.

    Args:
        graph: in evaluation mode, on the CPU.
        size: (H, W) of the image it is traced with.
        channels: of images.
        dynamic: leave number and size of images open.

    Raises:
        Exception: of many kinds, where PyTorch cannot export a network.
    """
    axes = {0: 'batch', 2: 'height', 3: 'width'}
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # Tracing warns of every size that is used as a number.
        warnings.simplefilter('ignore')
        torch.onnx.export(
            graph,
            (torch.zeros(1, channels, *size),),
            stream,  # type: ignore[arg-type]
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=OPSET,
            dynamic_axes={INPUT: axes, OUTPUT: axes} if dynamic else None,
            dynamo=False,
        )
    return stream.getvalue()


def describe(
    graph: OnnxGraph,
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    pipeline: list[dict],
    version: str,
) -> dict[str, str]:
    """What a program that runs the model has to know, as text by names."""
    facts: dict[str, Any] = dict(
        classes=list(classes),
        palette=[[int(v) for v in color] for color in palette],
        input='float32 (batch, channels, height, width), values from 0 to '
        '255, red first; mean and standard deviation are taken inside',
        output='logits of the size of the input, float32 (batch, classes, '
        'height, width); the class is the largest'
        if graph.segmentor.out_channels > 1
        else 'logits of the second class of two, float32 (batch, 1, height, '
        f'width); it is there where 1 / (1 + exp(-logit)) is above '
        f'{graph.segmentor.decode_head.threshold}',
        # Steps before the model, such as resizing, are up to the program.
        pipeline=Config(dict(steps=pipeline)).to_dict()['steps'],
        test_cfg=Config(dict(x=graph.segmentor.test_cfg or {})).to_dict()['x'],
        mmsemi=version,
    )
    return {
        key: value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, default=str)
        for key, value in facts.items()
    }
