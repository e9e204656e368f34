"""Probabilities and features of images at the head's own stride."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.dataset import pseudo_collate
from torch import Tensor

from .bands import SMALLEST
from .inference import Predictor

# More pixels are not needed to compare images, and not all networks bear it.
MOST_PIXELS = 1_000_000


class Look:
    """What networks see in an image, at the cost of a forward pass each.

    Args:
        predictors: of networks with the same classes; the first one gives
            features. Where there is one only, the mirrored image is the
            second view.
    """

    def __init__(self, predictors: Sequence[Predictor]) -> None:
        self.predictors = predictors
        self.classes = max(predictors[0].channels, 2)

    @torch.no_grad()
    def __call__(self, path: str | Path) -> tuple[Tensor, Tensor, Tensor]:
        """Look at one image.

        Returns:
            Probabilities (C, h, w) of the first network and of the second
            one or view, and features (D, a, b).

        Raises:
            UsageError: if the file cannot be read as an image.
        """
        first = self.predictors[0]
        inputs = _batch(first, path)
        features, probabilities = _forward(first, inputs)
        if len(self.predictors) > 1:
            second = self.predictors[1]
            _, other = _forward(second, _batch(second, path))
            if other.shape != probabilities.shape:
                other = F.interpolate(
                    other, probabilities.shape[2:], mode='bilinear'
                )
        else:
            other = _forward(first, inputs.flip(3))[1].flip(3)
        return probabilities[0], other[0], features[0]


def _batch(predictor: Predictor, path: str | Path) -> Tensor:
    """Images (1, C, h, w) as the network takes them."""
    data = predictor.read(path)
    image = data['inputs']
    height, width = image.shape[1:]
    scale = min((MOST_PIXELS / (height * width)) ** 0.5, 1)
    size = tuple(max(round(v * scale), SMALLEST) for v in (height, width))
    if size != (height, width):
        data['inputs'] = F.interpolate(
            image[None].float(), size, mode='bilinear', antialias=True
        )[0]
    preprocess: Any = predictor.segmentor.data_preprocessor
    return preprocess(pseudo_collate([data]), False)['inputs']


def _forward(predictor: Predictor, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Features of the last stage, and probabilities (1, C, h, w)."""
    segmentor: Any = predictor.segmentor
    features = segmentor.extract_feat(inputs)
    logits = segmentor(inputs, mode='tensor').float()
    if logits.shape[1] == 1:
        likely = logits.sigmoid()
        probabilities = torch.cat([1 - likely, likely], 1)
    else:
        probabilities = logits.softmax(1)
    last = features if isinstance(features, Tensor) else features[-1]
    while not isinstance(last, Tensor):
        last = last[0]
    return last, probabilities
