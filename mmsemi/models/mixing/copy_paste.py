"""Pasting of classes the model is unsure of into labeled images (AEL).

Hu et al., NeurIPS 2021, arXiv 2110.05474.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmsemi.registry import MODELS

from .base import paste

# Road, sidewalk, building, vegetation and sky in Cityscapes. The published
# code leaves out the same ids for VOC.
NEVER_PASTED = (0, 1, 2, 8, 10)


def paste_distribution(
    confidence: Tensor, excluded: Sequence[int] = ()
) -> Tensor:
    """Probability with which adaptive copy-paste chooses a class, (C, )."""
    need = (1 - confidence).clamp(min=0).sqrt()
    for class_id in excluded:
        need[class_id] = -math.inf
    return need.softmax(0)


def paste_classes(
    images: Tensor,
    labels: Tensor,
    other_images: Tensor,
    other_labels: Tensor,
    chosen: Tensor,
    used: Tensor,
) -> tuple[Tensor, Tensor]:
    """Replace pixels by those of other images that show chosen classes.

    Args:
        images: (N, 3, H, W).
        labels: (N, H, W) int64.
        other_images: like the images.
        other_labels: like the labels, 255 is never pasted.
        chosen: (C, ) bool.
        used: (N, ) bool, into which images anything is pasted.

    Returns:
        New images and labels.
    """
    # Unknown labels have no class to be chosen.
    padded = torch.cat([chosen, chosen.new_zeros(256 - len(chosen))])
    mask = padded[other_labels] & used.view(-1, 1, 1)
    return (
        paste(images, other_images, mask),
        paste(labels, other_labels, mask),
    )


@MODELS.register_module()
class AdaptiveCopyPaste(nn.Module):
    """Paste pixels of unsure classes from other labeled images.

    In each iteration ``number`` classes are drawn, the likelier the less
    sure the model is of them; every image gets, with probability ``prob``,
    all pixels of these classes from a second labeled image (published:
    scaled by 0.1 to 2; the branch ``paste`` of a batch), or, where there is
    none, from the next image of the batch.

    Args:
        number: draws of a class; 3 published for Cityscapes, 1 for VOC.
        prob: probability with which an image is changed.
        excluded: classes never pasted, such as those that are everywhere.
            By default ids 0, 1, 2, 8 and 10 (road, sidewalk, building,
            vegetation and sky in Cityscapes; published for VOC, too): say
            which they are in other data sets.
    """

    def __init__(
        self,
        number: int = 3,
        prob: float = 0.5,
        excluded: Sequence[int] = NEVER_PASTED,
    ) -> None:
        super().__init__()
        if number < 1:
            raise ValueError(
                f'number must be at least 1, got {number}; '
                'copy_paste=None pastes nothing'
            )
        self.number = number
        self.prob = prob
        self.excluded = tuple(excluded)

    def choose(self, confidence: Tensor) -> Tensor:
        """Draw the classes of an iteration, (C, ) bool."""
        chosen = torch.zeros_like(confidence, dtype=torch.bool)
        excluded = [c for c in self.excluded if c < len(confidence)]
        if len(set(excluded)) == len(confidence):
            return chosen
        chances = paste_distribution(confidence, excluded)
        drawn = chances.multinomial(self.number, replacement=True)
        return chosen.index_fill_(0, drawn, True)

    def forward(
        self,
        images: Tensor,
        labels: Tensor,
        confidence: Tensor,
        used: Tensor | None = None,
        others: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Paste into a batch.

        Args:
            images: (N, 3, H, W), any floating type.
            labels: (N, H, W) int64.
            confidence: (C, ) of the classes, float32.
            used: (N, ) bool instead of coins.
            others: second images and their labels, of the same shapes.
        """
        if others is None:
            others = images.roll(-1, 0), labels.roll(-1, 0)
        if used is None:
            used = torch.rand(len(images), device=labels.device) < self.prob
        chosen = self.choose(confidence)
        return paste_classes(
            images, labels, others[0], others[1], chosen, used
        )
