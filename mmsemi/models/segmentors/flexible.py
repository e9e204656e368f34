"""mmseg's segmentor with more ways to run on whole images."""

from collections.abc import Iterator
from typing import Any

import torch
from mmseg.models import EncoderDecoder
from mmseg.models.utils import resize
from torch import Tensor

from mmsemi.registry import MODELS

ADDED = ('logits', 'probabilities')
BORDERS = ('shift', 'cut')
# The mode that reads a setting, and the value without effect.
READ_BY = dict(
    added=('slide', ADDED[0]),
    border=('slide', BORDERS[0]),
    multiple_of=('whole', 1),
)


def windows(
    size: tuple[int, int],
    crop: tuple[int, int],
    stride: tuple[int, int],
    border: str,
) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of the windows of an image, row by row.

    Args:
        size: height and width of the image.
        crop: of a window.
        stride: from one window to the next.
        border: ``'shift'`` moves the last window inside, as mmseg does;
            ``'cut'`` starts one at every multiple of the stride and cuts it
            off (UniMatch).
    """
    sides = []
    for length, side, step in zip(size, crop, stride):
        if border == 'cut':
            starts = range(0, length, step)
        else:
            number = -(-max(length - side, 0) // step) + 1
            last = max(length - side, 0)
            starts = [min(k * step, last) for k in range(number)]
        sides.append([slice(s, min(s + side, length)) for s in starts])
    for rows in sides[0]:
        for columns in sides[1]:
            yield rows, columns


@MODELS.register_module()
class FlexibleEncoderDecoder(EncoderDecoder):
    """``EncoderDecoder`` that can be evaluated as published codes do it.

    Weights and training are those of mmseg's. ``test_cfg`` takes besides:

    - ``added``, with ``mode='slide'``: what overlapping windows add up,
      ``'logits'`` as in mmseg, or ``'probabilities'`` as in UniMatch, AugSeg
      and others. A window that is sure then counts no more than one.
    - ``border``: of the windows, see :func:`windows`.
    - ``multiple_of``, with ``mode='whole'``: images are resized to the
      nearest multiple of so many pixels a side, a half upwards, and logits
      back (UniMatch V2 for patches of 14).

    With probabilities the result is the logarithm of their mean, so that a
    softmax of it is that mean; of heads with one channel its logit.

    Raises:
        ValueError: for a value that is none of these, or that the mode does
            not read.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cfg = self.test_cfg or {}
        for name, allowed in (('added', ADDED), ('border', BORDERS)):
            if cfg.get(name, allowed[0]) not in allowed:
                raise ValueError(
                    f'test_cfg.{name} must be one of {", ".join(allowed)}, '
                    f'got {cfg[name]!r}'
                )
        if cfg.get('multiple_of', 1) < 1:
            raise ValueError(
                'test_cfg.multiple_of must be positive, got '
                f'{cfg["multiple_of"]}'
            )
        for name, (mode, plain) in READ_BY.items():
            given, value = cfg.get('mode', mode), cfg.get(name, plain)
            if given != mode and value != plain:
                raise ValueError(
                    f'test_cfg.{name}={value!r} changes nothing with '
                    f'mode={given!r}: set mode={mode!r}, or {name}={plain!r}'
                )

    def slide_inference(
        self, inputs: Tensor, batch_img_metas: list[dict]
    ) -> Tensor:
        """Scores (N, C, H, W) of images (N, 3, H, W), window by window."""
        cfg, size = self.test_cfg, inputs.shape[-2:]
        probable = cfg.get('added') == 'probabilities'
        shape = (len(inputs), self.out_channels, *size)
        total = inputs.new_zeros(shape, dtype=torch.float32)
        number = inputs.new_zeros(size, dtype=torch.float32)
        border = cfg.get('border', 'shift')
        for rows, columns in windows(size, cfg.crop_size, cfg.stride, border):
            scores = self._logits(inputs[..., rows, columns], batch_img_metas)
            scores = scores.float()
            if probable and self.out_channels == 1:
                scores = scores.sigmoid()
            elif probable:
                scores = scores.softmax(1)
            total[..., rows, columns] += scores
            number[rows, columns] += 1
        mean = total / number
        if probable and self.out_channels == 1:
            mean = mean.logit(eps=torch.finfo(mean.dtype).eps)
        elif probable:
            mean = mean.clamp(min=torch.finfo(mean.dtype).tiny).log()
        return mean

    def whole_inference(
        self, inputs: Tensor, batch_img_metas: list[dict]
    ) -> Tensor:
        """Logits (N, C, H, W) of images (N, 3, H, W)."""
        step, size = self.test_cfg.get('multiple_of', 1), inputs.shape[-2:]
        nearest = [max(int(side / step + 0.5), 1) * step for side in size]
        if nearest == list(size):
            return super().whole_inference(inputs, batch_img_metas)
        resized = resize(inputs, nearest, mode='bilinear', align_corners=True)
        logits = self._logits(resized, batch_img_metas)
        return resize(logits, size, mode='bilinear', align_corners=True)

    def _logits(self, inputs: Tensor, metas: list[dict]) -> Tensor:
        """Logits in the size of inputs that are no images of the files."""
        metas = [dict(meta, img_shape=inputs.shape[-2:]) for meta in metas]
        return self.encode_decode(inputs, metas)
