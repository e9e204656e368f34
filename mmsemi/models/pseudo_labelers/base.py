"""What every rule that turns class probabilities into targets does."""

from collections.abc import Sequence

from torch import Tensor, nn

from mmsemi.models.targets import Targets


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
        gives_soft: whether targets have soft labels, which not every
            objective learns.
    """

    gives_soft = False
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
