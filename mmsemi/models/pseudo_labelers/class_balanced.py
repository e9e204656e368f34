"""Class-balanced pseudo-labels: the most confident share of every class."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mmsemi.registry import MODELS


class PseudoLabels(NamedTuple):
    """Labels of a batch.

    Attributes:
        labels: (N, H, W) int64, 255 where no label is given.
        confidence: (N, H, W) float32, highest class probability.
        weights: (N, H, W) float32, weight of each pixel in a loss, 0 where
            the label is 255.
        soft: (N, C, H, W) float32 probabilities of the classes, where a
            labeler gives soft labels.
    """

    labels: Tensor
    confidence: Tensor
    weights: Tensor
    soft: Tensor | None = None


def max_over_classes(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Highest score and its class; the lowest class of equal ones.

    ``torch.max`` gives the same, but on a CPU its search for the index takes
    several times as long as the maximum.

    Args:
        scores: (N, C, H, W) floating, without NaN.

    Returns:
        (N, H, W) of the same type, and int64 (N, H, W).
    """
    classes = scores.shape[1]
    if scores.is_cuda or classes > 255 or scores.dtype != torch.float32:
        return scores.max(1)
    descending = np.arange(classes, 0, -1, dtype=np.uint8).reshape(1, -1, 1, 1)
    tops, labels = [], []
    for rows in scores.detach().split(16, 2):  # what fits into caches
        top = rows.amax(1)
        # NumPy compares in a third of the time that PyTorch takes.
        equal = rows.numpy() == top[:, None].numpy()
        found = torch.from_numpy(equal.view(np.uint8) * descending)
        tops.append(top)
        labels.append(classes - found.amax(1))
    return torch.cat(tops, 1), torch.cat(labels, 1).long()


@MODELS.register_module()
class ClassBalancedPseudoLabeler(nn.Module):
    """Keep the most confident portion of the predictions of every class.

    Two published rules turn thresholds k into labels:

    - ``argmax``: the label is the plain argmax and is dropped where its
      probability is below the threshold of its class (DMT and the fixed
      branch of DST-CBC). One network pass over the images is enough.
    - ``scaled``: probabilities are divided by the thresholds first; the
      label is the argmax of the quotients, dropped where the highest is
      below one (DST-CBC, arXiv 2004.08514 v1; see CBSTPseudoLabeler, too).
      Thresholds must be known before the labels, so it takes two passes.

    Thresholds come from statistics over the whole set. With n_c predictions
    of class c and portion r, k_c is the (floor(n_c r) + 1)-th highest
    confidence. At the ends the rules differ as their authors' code does:

    - r >= 1: ``scaled`` keeps every pixel (k = 1e-4); ``argmax`` takes the
      lowest confidence seen, so with a stride a few pixels still fall below.
    - n_c r < 1: ``argmax`` keeps all pixels of so rare a class (k = 1e-5).
    - n_c = 0: the published code stops with an error. Here ``scaled`` keeps
      nothing of that class (k = inf); for ``argmax`` the class is rare.

    Args:
        num_classes: number of classes C.
        rule: ``'argmax'`` or ``'scaled'``.
        per_class: one threshold for each class; False gives one threshold
            for all classes (DST-C).
        stride: every how many pixels enter the statistics. They are counted
            along the flattened image (``argmax``) or batch (``scaled``), as
            published.
    """

    def __init__(
        self,
        num_classes: int,
        rule: str = 'argmax',
        per_class: bool = True,
        stride: int = 1,
    ) -> None:
        super().__init__()
        if rule not in ('argmax', 'scaled'):
            raise ValueError(f"rule is 'argmax' or 'scaled', got {rule!r}")
        if stride < 1:
            raise ValueError(f'stride is at least 1, got {stride}')
        self.num_classes = num_classes
        self.rule = rule
        self.per_class = per_class
        self.stride = stride
        self.register_buffer('thresholds', torch.zeros(num_classes))

    @property
    def one_pass(self) -> bool:
        """Whether labels can be had before the thresholds are known."""
        return self.rule == 'argmax'

    def check_classes(self, classes: Sequence[str]) -> None:
        """Raise ``UsageError`` if files it uses belong to other classes."""

    def weigh(self, probabilities: Tensor) -> Tensor:
        """What predictions are taken from; the probabilities themselves."""
        return probabilities

    def collect(
        self, statistics, probabilities: Tensor, valid: Tensor | None = None
    ) -> None:
        """Add the predictions of a batch to the statistics.

        Args:
            statistics: a ``ConfidenceHistogram`` or ``ConfidencePool``.
            probabilities: (N, C, H, W) float32.
            valid: (N, H, W) bool, False on padding; all valid by default.
        """
        confidence, labels = max_over_classes(probabilities)
        if self.rule == 'scaled':
            chosen = [slice(None)]
        else:
            chosen = range(len(labels))
        for part in chosen:
            c, a = confidence[part].flatten(), labels[part].flatten()
            if valid is not None:
                mask = valid[part].flatten()
                c, a = c[mask], a[mask]
            statistics.update(c[:: self.stride], a[:: self.stride])

    def fit(self, statistics, portion: float) -> Tensor:
        """Set the thresholds from statistics over the whole set.

        Args:
            statistics: see :meth:`collect`.
            portion: share r of the predictions to keep, in (0, 1].

        Returns:
            (C,) float32 thresholds.
        """
        if not 0 < portion <= 1:
            raise ValueError(f'portion lies in (0, 1], got {portion}')
        counts = statistics.counts(self.per_class)
        # In float64 as in Python, so that floor(n r) is the published one.
        kept = (counts.double() * portion).floor().long()
        thresholds = statistics.kth_highest(kept + 1)
        if self.rule == 'scaled':
            if portion >= 1:
                thresholds = torch.full_like(thresholds, 1e-4)
        else:
            thresholds = torch.where(
                counts.double() * portion < 1,
                torch.full_like(thresholds, 1e-5),
                thresholds,
            )
        self.thresholds = (
            thresholds.expand(self.num_classes)
            .clone()
            .to(self.thresholds.device)
        )
        return self.thresholds

    @torch.no_grad()
    def forward(self, probabilities: Tensor) -> PseudoLabels:
        """Label a batch with the current thresholds.

        Args:
            probabilities: (N, C, H, W) float32.
        """
        confidence, labels = max_over_classes(probabilities)
        if self.rule == 'scaled':
            scaled = probabilities / self.thresholds[:, None, None]
            score, labels = max_over_classes(scaled)
            kept = score >= 1
        else:
            kept = confidence >= self.thresholds[labels]
        return PseudoLabels(
            labels.masked_fill(~kept, 255), confidence, kept.float()
        )

    def extra_repr(self) -> str:
        return (
            f'num_classes={self.num_classes}, rule={self.rule!r}, '
            f'per_class={self.per_class}, stride={self.stride}'
        )
