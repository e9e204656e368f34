"""Mixing that favors classes the model is unsure of (AEL).

Hu et al., NeurIPS 2021, arXiv 2110.05474.
"""

import random
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn

from mmsemi.models.targets import Targets
from mmsemi.ops.boxes import fixed_share_boxes
from mmsemi.ops.step import InParts
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError

from .base import paste
from .boxes import box_mask


def class_distribution(confidence: Tensor, smooth: bool = False) -> Tensor:
    """Probability with which adaptive CutMix looks for a class, (C, ).

    Args:
        confidence: (C, ) in [0, 1].
        smooth: take the cube root before the softmax (an option of AEL's
            code).
    """
    need = (1 - confidence.double()).clamp(min=0)
    return (need.pow(1 / 3) if smooth else need).softmax(0)


def class_presence(
    labels: Tensor, num_classes: int, min_share: float
) -> Tensor:
    """Which images show enough of which class, bool (C, N).

    Args:
        labels: (N, H, W) int64, 255 = none.
        num_classes: number of classes C.
        min_share: area needed, as a share of the squared width.
    """
    flat = labels.flatten(1)
    area = torch.zeros(len(labels), 256, device=labels.device)
    area.scatter_add_(1, flat, torch.ones_like(flat, dtype=area.dtype))
    needed = min_share * labels.shape[2] ** 2
    return (area[:, :num_classes] >= needed).T.contiguous()


def draw_source(
    distribution: np.ndarray, presence: np.ndarray, rng: Any = np.random
) -> tuple[int, int]:
    """A class, and an image that shows it; any image where none does.

    Args:
        distribution: (C, ) probabilities.
        presence: (C, N) bool.
        rng: anything with NumPy's ``choice``.
    """
    class_id = int(rng.choice(len(distribution), p=distribution))
    shown = presence[class_id].nonzero()[0]
    if not len(shown):
        shown = np.arange(presence.shape[1])
    return class_id, int(rng.choice(shown))


def component_box(
    labels: np.ndarray,
    class_id: int,
    min_share: float,
    shuffle: Any = random.shuffle,
    rng: Any = np.random,
) -> np.ndarray:
    """Bounding box of one component of a class; else a box of half the area.

    Of the components (corners connect) one that is larger than
    ``min_share`` times the squared height, at random.

    Args:
        labels: (H, W) predicted labels.
        class_id: class looked for.
        min_share: see above.
        shuffle: puts a list into random order, in place.
        rng: for the box that stands in, see :func:`fixed_share_boxes`.

    Returns:
        y0, x0, y1, x1, ends exclusive, int64.
    """
    parts, number = ndimage.label(labels == class_id, np.ones((3, 3)))
    area = np.bincount(parts.ravel(), minlength=number + 1)[1:]
    order = list(range(number))
    shuffle(order)
    needed = min_share * labels.shape[0] ** 2
    for k in order:
        if area[k] > needed:
            rows, columns = ndimage.find_objects(parts, number)[k]
            return np.array(
                [rows.start, columns.start, rows.stop, columns.stop]
            )
    height, width = labels.shape
    return fixed_share_boxes(1, height, width, rng)[0, 0]


@MODELS.register_module()
class AdaptiveCutMix(InParts, nn.Module):
    """Paste an object of an unsure class from another image.

    For every image a class is drawn, the likelier the less sure the model
    is of it, and another image that shows it; the box around one of its
    components there is pasted. With ``CutMixPartnerHook`` that image comes
    from the whole unlabeled set, as published: the second half of a batch
    are the partners of the first, which alone is left. Without, it is one
    of the batch.

    Components are found on the host, so the labels travel there once.

    AEL says by itself how sure the model is of each class. In any other
    method that is, with ``num_classes``, the mean confidence of the pixels
    that get the label, over past batches of all processes.

    Args:
        component_share: area of a component, as a share of the squared
            height; published are 0.005 (Cityscapes) and 0.03 (VOC).
        presence_share: area of a class in an image, as a share of the
            squared width; published are 0.01 and 0.03.
        smooth: see :func:`class_distribution`.
        num_classes: number of classes C, outside AEL.
        momentum: weight of the present batch in the confidence of a class.
    """

    def __init__(
        self,
        component_share: float = 0.005,
        presence_share: float = 0.01,
        smooth: bool = False,
        num_classes: int | None = None,
        momentum: float = 0.01,
    ) -> None:
        super().__init__()
        self.component_share = component_share
        self.presence_share = presence_share
        self.smooth = smooth
        self.momentum = momentum
        self.num_classes = num_classes
        self.confidence: Tensor | None
        seen = None if num_classes is None else torch.zeros(num_classes)
        self.register_buffer('confidence', seen)
        self._observed: Callable[[], Any] = lambda: None
        # Set by CutMixPartnerHook: the classes to look for in the partners
        # of a step; and for it: which class is in which of its images, (C, N).
        self.classes: np.ndarray | None = None
        self.presence: np.ndarray | None = None

    def draw(
        self, confidence: Tensor, presence: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Classes, and images of the batch to paste them from."""
        number = presence.shape[1]
        if self.classes is not None:
            half = number // 2
            mine = self.classes[self.part * half : (self.part + 1) * half]
            return mine, np.arange(half, number)
        chances = class_distribution(confidence, self.smooth).cpu().numpy()
        chances = chances / chances.sum()
        classes, sources = [], []
        for i in range(number):
            others = np.delete(np.arange(number), i)
            class_id, source = draw_source(chances, presence[:, others])
            classes.append(class_id)
            sources.append(others[source])
        return np.array(classes), np.array(sources)

    def check_classes(self) -> None:
        """Refuse to count classes without a number of them.

        Raises:
            UsageError: saying where to set it.
        """
        if self.confidence is None:
            raise UsageError(
                'mixing=AdaptiveCutMix knows no classes to prefer outside '
                'AEL: set its num_classes'
            )

    def observe(self, targets: Targets) -> Tensor:
        """Confidence of each class (C, ), moved by a batch in training."""
        self.check_classes()
        if not self.training or self._observed() is targets:
            return self.confidence  # or another view of the same images
        self._observed = weakref.ref(targets)
        number = len(self.confidence)
        labels = targets.labels.where(targets.valid, number)
        labels = labels.clamp(max=number).flatten()  # the last: no class
        sums = targets.confidence.new_zeros(2, number + 1)
        confidence = targets.confidence.flatten()
        sums[0].scatter_add_(0, labels, confidence)
        sums[1].scatter_add_(0, labels, torch.ones_like(confidence))
        whole = self.over_step(sums)
        if whole is None:
            return self.confidence
        total, count = whole[:, :number]
        now = total / count.clamp(min=1)
        moved = self.confidence.lerp(now, self.momentum)
        # The first batch that shows a class says how it begins.
        moved = torch.where(self.confidence > 0, moved, now)
        self.confidence.copy_(moved.where(count > 0, self.confidence))
        return self.confidence

    def forward(
        self,
        images: Tensor,
        targets: Targets,
        other: Targets | None = None,
        confidence: Tensor | None = None,
    ) -> tuple[Tensor, Targets]:
        """Mix a batch.

        Args:
            images: (N, 3, H, W), any floating type.
            targets: what belongs to the pixels.
            other: targets of the same images to take for the pixels that
                are pasted; None for ``targets``.
            confidence: (C, ) of the classes, float32; by default that of
                the labels.

        Returns:
            Images and targets; of a batch with partners the first half.

        Raises:
            UsageError: when nobody says how many classes there are.
        """
        other = targets if other is None else other
        if confidence is None:
            confidence = self.observe(targets)
        labels = other.labels
        if len(labels) < 2:
            return images, targets
        presence = (
            class_presence(labels, len(confidence), self.presence_share)
            .cpu()
            .numpy()
        )
        classes, sources = self.draw(confidence, presence)
        if self.part:
            # Views of the same images are mixed one after the other.
            before = self.presence[:, : self.part * len(labels)]
            presence = np.concatenate([before, presence], 1)
        self.presence = presence
        source = torch.as_tensor(sources, device=labels.device)
        maps = labels[source].to(torch.uint8).cpu().numpy()
        boxes = np.array(
            [
                component_box(shown, class_id, self.component_share)
                for shown, class_id in zip(maps, classes)
            ]
        )
        mask = box_mask(
            torch.as_tensor(boxes, device=labels.device)[:, None],
            *labels.shape[-2:],
        )
        number = len(sources)
        return (
            paste(images[:number], images[source], mask),
            targets.keep(slice(number)).paste(other.keep(source), mask),
        )
