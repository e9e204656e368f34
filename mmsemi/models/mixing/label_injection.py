"""CutMix that brings labeled images into those the model is unsure of.

Zhao et al., "Augmentation Matters: A Simple-yet-Effective Approach to
Semi-supervised Semantic Segmentation" (AugSeg), CVPR 2023.
"""

import math

import torch
from torch import Tensor, nn

from mmsemi.models.targets import Targets
from mmsemi.ops.boxes import beta_boxes
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError

from .base import paste
from .boxes import box_mask


@torch.no_grad()
def image_trust(probabilities: Tensor, valid: Tensor) -> Tensor:
    """How sure a model is of whole images, float32 (N, ) in [0, 1].

    Mean over the valid pixels of (1 - H(p) / ln C) max p, with the entropy H
    of the C class probabilities p.

    Args:
        probabilities: (N, C, H, W) float32.
        valid: bool (N, H, W), False on padding.
    """
    entropy = torch.special.entr(probabilities).sum(1)
    sure = 1 - entropy / math.log(probabilities.shape[1])
    each = sure * probabilities.amax(1) * valid
    number = valid.sum((1, 2)).clamp(min=1)
    return (each.sum((1, 2)) / number).clamp(0, 1)


@MODELS.register_module()
class LabelInjectingCutMix(nn.Module):
    """Adaptive label-injecting CutMix of AugSeg; always applied.

    Into a copy of every unlabeled image, the likelier the less the model is
    sure of it, a box of a labeled one is pasted, with its labels. Then every
    image gets a box of the copy of another one, in an order drawn anew. So
    labels come in through boxes in boxes.

    Args:
        labeled_beta: of the boxes of labeled images, see
            :func:`beta_boxes`.
        unlabeled_beta: of the boxes of the copies.
    """

    def __init__(
        self,
        labeled_beta: tuple[float, float] = (8.0, 2.0),
        unlabeled_beta: tuple[float, float] = (4.0, 4.0),
    ) -> None:
        super().__init__()
        for name, beta in (
            ('labeled_beta', labeled_beta),
            ('unlabeled_beta', unlabeled_beta),
        ):
            if min(beta) <= 0:
                raise ValueError(f'{name} must be positive, got {beta}')
        self.labeled_beta = labeled_beta
        self.unlabeled_beta = unlabeled_beta

    @staticmethod
    def draw_boxes(labels: Tensor, beta: tuple[float, float]) -> Tensor:
        """Bool (N, H, W), one box an image, on the device of the labels."""
        n, height, width = labels.shape
        boxes = beta_boxes(n, height, width, a=beta[0], b=beta[1])
        return box_mask(
            torch.from_numpy(boxes).to(labels.device, non_blocking=True),
            height,
            width,
        )

    def forward(
        self,
        images: Tensor,
        targets: Targets,
        labeled: Tensor,
        known: Targets,
        trust: Tensor,
    ) -> tuple[Tensor, Targets]:
        """Mix a batch.

        Args:
            images: unlabeled images (N, 3, H, W), any floating type.
            targets: what belongs to their pixels.
            labeled: labeled images (M, 3, H, W); of fewer than N, some come
                more than once.
            known: their annotated labels.
            trust: (N, ) of :func:`image_trust`.

        Raises:
            UsageError: if labeled images have another size.
        """
        if labeled.shape[1:] != images.shape[1:]:
            raise UsageError(
                'boxes of labeled images can be pasted into unlabeled ones of '
                f'the same size only: {tuple(labeled.shape[2:])} and '
                f'{tuple(images.shape[2:])}. Crop both alike'
            )
        order = torch.randperm(len(images), device=images.device)
        source = order % len(labeled)
        unsure = torch.rand_like(trust) >= trust
        inner = self.draw_boxes(targets.labels, self.labeled_beta)
        inner = inner & unsure[:, None, None]
        copies = paste(images, labeled[source], inner)
        others = targets.paste(known.keep(source), inner)
        outer = self.draw_boxes(targets.labels, self.unlabeled_beta)
        return (
            paste(images, copies[order], outer),
            targets.paste(others.keep(order), outer),
        )

    def extra_repr(self) -> str:
        return (
            f'labeled_beta={self.labeled_beta}, '
            f'unlabeled_beta={self.unlabeled_beta}'
        )
