"""Reliable and unreliable pixels by the entropy of a prediction (U2PL)."""

import math
from collections.abc import Sequence
from math import gcd
from typing import NamedTuple

import torch
from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.ops.maps import log_, max_over_classes, row_parts
from mmsemi.registry import MODELS

from .base import PseudoLabeler


class EntropySplit(NamedTuple):
    """Pixels of a batch divided by entropy.

    Attributes:
        labels: (N, H, W) int64, those of pixels certain enough to be
            learned from, 255 elsewhere.
        low: (N, H, W) bool, so certain that they may be anchors and
            positives of a contrastive objective.
        high: (N, H, W) bool, so uncertain that they may be its negatives.
    """

    labels: Tensor
    low: Tensor
    high: Tensor


def pixel_entropy(probabilities: Tensor) -> Tensor:
    """Entropy of each pixel in nats, float32 (N, H, W); it has no gradient.

    Args:
        probabilities: (N, C, H, W), any floating type.
    """
    parts = []
    for q in row_parts(probabilities.detach().float()):
        parts.append(log_(q + 1e-10).mul_(q).sum(1).neg_())
    return torch.cat(parts, 1)


def masked_percentiles(
    values: Tensor, mask: Tensor, percents: Sequence[float]
) -> Tensor:
    """``numpy.percentile(values[mask], percents)`` without a host sync.

    Interpolated linearly. Unlike ``torch.quantile`` there is no limit on
    the number of values. Infinite where the mask is empty.

    Args:
        values: float32, any shape.
        mask: bool, same shape.
        percents: between 0 and 100.

    Returns:
        (len(percents), ), dtype of ``values``.
    """
    last = (mask.sum() - 1).clamp(min=0)
    # Half a million pixels times a share need more than float32.
    positions = torch.stack([last.double() * (p / 100) for p in percents])
    lower = positions.floor().long()
    ordered = _ordered(values, mask, lower, last)
    # Indexing with a number on the device would fetch it.
    below = ordered.gather(0, lower)
    above = ordered.gather(0, (lower + 1).minimum(last))
    # Weighing both ends would give 0 * inf for an empty mask.
    step = torch.where(above > below, above - below, 0.0)
    return below + step * (positions - lower).to(values.dtype)


def _ordered(
    values: Tensor, mask: Tensor, lower: Tensor, last: Tensor
) -> Tensor:
    """Values of a mask in order, at ``lower``, behind each, and the last.

    On a CPU the others are not put in order: a partition takes a part of
    the time.
    """
    if values.device.type != 'cpu' or not mask.any():
        return values.masked_fill(~mask, math.inf).flatten().sort().values
    places = torch.cat([lower, (lower + 1).minimum(last)]).unique()
    # Picking by a mask takes as long as the partition.
    inside = (values.flatten().clone() if mask.all() else values[mask]).numpy()
    inside.partition(places.numpy())
    return torch.from_numpy(inside)


@MODELS.register_module()
class EntropyPercentilePseudoLabeler(PseudoLabeler):
    """Drop labels by entropy, and name the most and least certain pixels.

    U2PL (arXiv 2203.03884), at progress r from 0 to 1 of the training:

    - a label is dropped where the entropy is at or above the percentile
      100 - (100 - ``drop_percent``) (1 - r);
    - ``low`` pixels are at or below the percentile a =
      ``low_percent`` (1 - r), ``high`` pixels at or above 100 - a.

    Percentiles run over the labeled pixels of this process's batch, as
    published, so they differ between the ranks. With ``per_device`` they
    also do on fewer devices than published, for as many groups of images.

    Args:
        drop_percent: percentile that is kept at the start.
        low_percent: size of the most and of the least certain part at the
            start, in percent.
        high_only: False makes every pixel with a label ``high`` (ablation
            of the negatives).
        ignore_index: label of pixels without one.
        per_device: devices that shared the published step.
        groups: those of them whose images a batch holds; all by default,
            and never more than it can be divided by. Configs leave it out:
            it follows from processes and accumulated parts.
    """

    needs_progress = True

    def __init__(
        self,
        drop_percent: float = 80.0,
        low_percent: float = 20.0,
        high_only: bool = True,
        ignore_index: int = 255,
        per_device: int = 1,
        groups: int | None = None,
    ) -> None:
        super().__init__()
        self.groups = per_device if groups is None else groups
        if self.groups < 1:
            raise ValueError(f'per_device must be positive, got {per_device}')
        for name, value in (
            ('drop_percent', drop_percent),
            ('low_percent', low_percent),
        ):
            if not 0 <= value <= 100:
                raise ValueError(f'{name} must lie in 0..100, got {value}')
        self.drop_percent = drop_percent
        self.low_percent = low_percent
        self.high_only = high_only
        self.ignore_index = ignore_index

    def drop_percent_at(self, progress: float) -> float:
        """Percentile of the entropy from which on labels are dropped."""
        return 100 - (100 - self.drop_percent) * (1 - progress)

    def low_percent_at(self, progress: float) -> float:
        """Percentile a of the most certain pixels; 100 - a of the least."""
        return self.low_percent * (1 - progress)

    @torch.no_grad()
    def split(
        self,
        entropy: Tensor,
        labels: Tensor,
        progress: float,
        known: Tensor | None = None,
    ) -> EntropySplit:
        """Divide the pixels of a batch.

        Args:
            entropy: (N, H, W) float32, see :func:`pixel_entropy`.
            labels: (N, H, W) int64, 255 = not considered.
            progress: share of the training that is done, in 0..1.
            known: (N, H, W) bool, pixels whose label is no guess. They are
                certain, and percentiles do not run over them.
        """
        if known is not None:
            guessed = labels.masked_fill(known, self.ignore_index)
            split = self.split(entropy, guessed, progress)
            kept = torch.where(known, labels, split.labels)
            return EntropySplit(kept, split.low | known, split.high)
        groups = gcd(self.groups, len(labels))
        if groups > 1:
            parts = [
                self.split_group(entropies, own, progress)
                for entropies, own in zip(
                    entropy.chunk(groups), labels.chunk(groups)
                )
            ]
            return EntropySplit(*(torch.cat(maps) for maps in zip(*parts)))
        return self.split_group(entropy, labels, progress)

    @torch.no_grad()
    def split_group(
        self, entropy: Tensor, labels: Tensor, progress: float
    ) -> EntropySplit:
        """Divide pixels that share their percentiles, see :meth:`split`."""
        valid = labels != self.ignore_index
        a = self.low_percent_at(progress)
        drop, low, high = masked_percentiles(
            entropy, valid, [self.drop_percent_at(progress), a, 100 - a]
        )
        return self.divided(
            entropy, labels, valid & (entropy < drop), valid, low, high
        )

    def divided(
        self,
        entropy: Tensor,
        labels: Tensor,
        kept: Tensor,
        valid: Tensor,
        low: Tensor,
        high: Tensor,
    ) -> EntropySplit:
        """The parts, given which labels to keep and the two bounds.

        Args:
            entropy: (N, H, W) float32.
            labels: (N, H, W) int64.
            kept: (N, H, W) bool, labels that are not dropped.
            valid: (N, H, W) bool, pixels that may be ``low`` or ``high``.
            low: highest entropy of ``low`` pixels, 0-d.
            high: lowest entropy of ``high`` pixels, 0-d.
        """
        return EntropySplit(
            labels.masked_fill(~kept, self.ignore_index),
            valid & (entropy <= low),
            valid & (entropy >= high) if self.high_only else valid,
        )

    @torch.no_grad()
    def forward(
        self,
        probabilities: Tensor,
        valid: Tensor | None = None,
        progress: float = 0.0,
    ) -> Targets:
        """Label a batch; entropy and label come from the same prediction.

        Labels that are dropped stay, with weight 0.
        """
        confidence, labels = max_over_classes(probabilities.float())
        if valid is not None:
            labels = labels.masked_fill(~valid, self.ignore_index)
        kept = (
            self.split(pixel_entropy(probabilities), labels, progress).labels
            != self.ignore_index
        )
        return Targets(labels, confidence, kept.float(), valid)

    def extra_repr(self) -> str:
        return (
            f'drop_percent={self.drop_percent}, low_percent={self.low_percent}'
        )
