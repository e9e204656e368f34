"""Which images help most when they are labeled next.

Uncertainty is the margin between the two likeliest classes (Scheffer et al.,
"Active Hidden Markov Models for Information Extraction", IDA 2001); what two
models, or two views, disagree about is query by committee (Seung et al., COLT
1992). Both are averaged class by class, as an average over pixels asks for
images with much street. The chosen images must differ from each other and
from the labeled ones: greedy k-center (Sener and Savarese, "Active Learning
for Convolutional Neural Networks: A Core-Set Approach", ICLR 2018,
algorithm 1), here with distances multiplied by the use of an image. That
diversity counts most where images resemble each other, as in videos, is found
by Mittal et al., "Best Practices in Active Learning for Semantic
Segmentation", GCPR 2023.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

# An image without any use would be taken if it were this much farther away.
FLOOR = 0.5


class ImageUse(NamedTuple):
    """What one prediction tells.

    Attributes:
        uncertainty: 0 (sure) to 1.
        disagreement: share of pixels, 0 to 1.
        unsure_class: id of the class that is predicted least surely.
        shares: (C,) float32, share of the pixels of each class.
        feature: (D,) float32, the image as the encoder sees it.
    """

    uncertainty: float
    disagreement: float
    unsure_class: int
    shares: np.ndarray
    feature: np.ndarray


class Choice(NamedTuple):
    """An image that was chosen.

    Attributes:
        place: of the image among those to choose from.
        score: its use times its distance when it was chosen.
        novelty: distance to the nearest labeled or chosen image, 0 to 2.
    """

    place: int
    score: float
    novelty: float


def image_use(
    probabilities: Tensor, other: Tensor, features: Tensor
) -> ImageUse:
    """Uncertainty, disagreement and content of one image.

    Args:
        probabilities: (C, H, W) float32.
        other: (C, H, W), those of another model or view.
        features: (D, h, w), the last ones of the encoder.
    """
    top, ids = probabilities.topk(2, 0)
    labels = ids[0].flatten()
    classes = len(probabilities)
    pixels = torch.bincount(labels, minlength=classes).float()
    close = (1 - top[0] + top[1]).flatten()
    apart = (other.argmax(0).flatten() != labels).float()
    # Roots: between one vote a class and one vote a pixel.
    votes = pixels.sqrt() / pixels.sqrt().sum()
    per_class = []
    for values in (close, apart):
        sums = torch.zeros(classes, device=values.device)
        sums.index_add_(0, labels, values)
        per_class.append(sums / pixels.clamp_min(1))
    shares = (pixels / pixels.sum()).cpu().numpy()
    unsure = per_class[0] * (pixels > 0.001 * pixels.sum())
    return ImageUse(
        float((votes * per_class[0]).sum()),
        float((votes * per_class[1]).sum()),
        int(unsure.argmax()),
        shares,
        features.float().mean((1, 2)).cpu().numpy(),
    )


def rarity(shares: np.ndarray, known: np.ndarray) -> np.ndarray:
    """How much of the rare classes each image holds, 0 to 1.

    Args:
        shares: (N, C), of each class in each image.
        known: (C,), share of each class in the labeled images, or in all
            predictions where there are none.
    """
    rare = -np.log(np.clip(known, 1e-4, 1))
    rare /= max(rare.max(), 1e-12)
    roots = np.sqrt(shares)
    return (roots @ rare) / roots.sum(1)


def percentiles(values: np.ndarray) -> np.ndarray:
    """(N,) ranks from 0 (lowest) to 1; equal values have equal ranks."""
    if len(values) < 2:
        return np.full(len(values), 0.5)
    ordered = np.sort(values)
    low = np.searchsorted(ordered, values, 'left')
    high = np.searchsorted(ordered, values, 'right') - 1
    return (low + high) / 2 / (len(values) - 1)


def directions(features: np.ndarray, center: np.ndarray) -> np.ndarray:
    """(N, D) features as unit vectors from their common center."""
    moved = features - center
    return moved / np.maximum(
        np.linalg.norm(moved, axis=1, keepdims=True), 1e-12
    )


def choose(
    use: np.ndarray, features: np.ndarray, known: np.ndarray, number: int
) -> list[Choice]:
    """Greedy choice of images that are of use and unlike each other.

    Args:
        use: (N,) from 0 to 1.
        features: (N, D), of the images to choose from.
        known: (M, D), of labeled images; M may be 0.
        number: how many are wanted.

    Returns:
        The choices in their order, as many as there are images at most.
    """
    center = np.concatenate([features, known]).mean(0)
    here, there = directions(features, center), directions(known, center)
    nearest = np.full(len(here), 2.0)
    for other in there:
        nearest = np.minimum(nearest, np.linalg.norm(here - other, axis=1))
    worth = FLOOR + (1 - FLOOR) * use
    left = np.ones(len(here), bool)
    choices = []
    for _ in range(min(number, len(here))):
        score = np.where(left, worth * nearest, -1)
        index = int(score.argmax())
        choices.append(
            Choice(index, float(score[index]), float(nearest[index]))
        )
        left[index] = False
        nearest = np.minimum(
            nearest, np.linalg.norm(here - here[index], axis=1)
        )
    return choices
