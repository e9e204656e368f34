"""What every rule that turns class probabilities into targets does."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mmsemi.models.targets import Targets

ROWS = 16


class PseudoLabeler(nn.Module):
    """From class probabilities of a batch to :class:`Targets`.

    Attributes:
        needs_progress: whether the rule changes in the course of training.
    """

    needs_progress = False

    def forward(
        self,
        probabilities: Tensor,
        valid: Tensor | None = None,
        progress: float = 0.0,
    ) -> Targets:
        """Label a batch.

        Args:
            probabilities: (N, C, H, W), decided on in float32.
            valid: (N, H, W) bool, False on padding; all valid by default.
            progress: share of the training that is done, in [0, 1].
        """
        raise NotImplementedError


class RoundPseudoLabeler(PseudoLabeler):
    """A rule whose thresholds come from a whole set of predictions.

    Self-training in rounds goes over the unlabeled set (:meth:`collect`),
    then sets the thresholds (:meth:`fit`), then labels.

    Attributes:
        num_classes: number of classes C.
        thresholds: (C,) float32.
    """

    num_classes: int
    thresholds: Tensor

    @property
    def one_pass(self) -> bool:
        """Whether labels can be had before the thresholds are known."""
        return False

    def check_classes(self, classes: Sequence[str]) -> None:
        """Raise ``UsageError`` if files it uses belong to other classes."""

    def weigh(self, probabilities: Tensor) -> Tensor:
        """What predictions are taken from; the probabilities themselves."""
        return probabilities

    def collect(
        self, statistics, probabilities: Tensor, valid: Tensor | None = None
    ) -> tuple[Tensor, Tensor] | None:
        """Add the predictions of a batch to the statistics.

        Args:
            statistics: a ``ConfidenceHistogram`` or ``ConfidencePool``.
            probabilities: (N, C, H, W) float32.
            valid: (N, H, W) bool, False on padding; all valid by default.

        Returns:
            The predictions: highest weighed score (N, H, W) float32, and its
            class (N, H, W) int64. None where the rule looked at a sample of
            the pixels only, which those of one pass do not.
        """
        raise NotImplementedError

    def fit(self, statistics, portion: float) -> Tensor:
        """Set the thresholds from statistics over the whole set.

        Args:
            statistics: see :meth:`collect`.
            portion: share of the predictions to keep, in (0, 1].

        Returns:
            (C,) float32 thresholds.
        """
        raise NotImplementedError


def row_parts(scores: Tensor) -> tuple[Tensor, ...]:
    """(N, C, h, W) pieces of maps; small enough for the caches of a CPU.

    Several operations on a piece then read main memory once.
    """
    return (scores,) if scores.is_cuda else scores.split(ROWS, 2)


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
    for rows in row_parts(scores.detach()):
        top = rows.amax(1)
        # NumPy compares in a third of the time that PyTorch takes.
        equal = rows.numpy() == top[:, None].numpy()
        found = torch.from_numpy(equal.view(np.uint8) * descending)
        tops.append(top)
        # A pixel of NaN equals nothing.
        labels.append((classes - found.amax(1)).clamp(max=classes - 1))
    return torch.cat(tops, 1), torch.cat(labels, 1).long()
