"""Losses of DMT (arXiv 2004.08514, version 2 and later) and its ablations.

Two models label for each other; the stored confidence of the other model
and the live prediction decide how much a pseudo-labeled pixel counts.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mmsemi.ops.maps import max_over_classes
from mmsemi.registry import MODELS

from .base_objective import PixelWeightObjective

# How far the live confidence must lead the stored one to win. The comparison
# is strict; softmax kernels differ in the last bits, which must not decide.
TIE = 2.0**-20


class Comparison(NamedTuple):
    """Live prediction against the stored labels, all maps (N, H, W)."""

    prediction: Tensor
    live_confidence: Tensor
    stored_confidence: Tensor
    disagree: Tensor
    live_wins: Tensor


def compare(
    logits: Tensor, labels: Tensor, pseudo: Tensor, confidence: Tensor
) -> Comparison:
    """Where the live model contradicts the labels, and is more confident.

    Args:
        logits: float32 (N, C, H, W).
        labels: int64 (N, H, W).
        pseudo: valid pixels of pseudo-labeled samples, bool (N, H, W).
        confidence: stored confidence (N, H, W).
    """
    best, prediction = max_over_classes(logits)
    live = (best - logits.logsumexp(dim=1)).exp()
    stored = confidence.float().where(pseudo, 1.0)
    disagree = pseudo & (prediction != labels)
    return Comparison(
        prediction,
        live,
        stored,
        disagree,
        disagree & (live > stored * (1 + TIE)),
    )


@MODELS.register_module()
class DynamicMutualLoss(PixelWeightObjective):
    """Dynamic mutual loss of DMT.

    With live prediction d of probability m, live probability q of the
    stored label y, and stored confidence c:

        d == y            ->  w = q ^ gamma1
        d != y and m > c  ->  w = 0
        d != y and m <= c ->  w = q ^ gamma2
        labeled samples  ->  w = 1
        L = sum w CE / #valid           (w detached, m > c strict)

    With both gammas 0 it is the plain mean cross entropy, as in the
    published code. ``pseudo_disagree`` and ``pseudo_live_wins`` count valid
    pseudo-labeled pixels (labeled samples excluded).

    Args:
        gamma1: exponent where prediction and label agree.
        gamma2: exponent where they disagree.
        criterion: config of a :class:`ClassBalancedCrossEntropyLoss`.
        ignore_index: label of pixels without any effect.
    """

    needs_confidence = True

    def __init__(
        self,
        gamma1: float,
        gamma2: float,
        criterion: dict | None = None,
        ignore_index: int = 255,
    ) -> None:
        super().__init__(criterion, ignore_index)
        if gamma1 < 0 or gamma2 < 0:
            raise ValueError(
                f'gammas must not be negative, got {gamma1} and {gamma2}'
            )
        self.gamma1 = gamma1
        self.gamma2 = gamma2

    def examine(
        self,
        logits: Tensor,
        labels: Tensor,
        pseudo: Tensor,
        confidence: Tensor,
    ) -> Comparison:
        """Live prediction against the stored labels."""
        return compare(logits, labels, pseudo, confidence)

    def pixel_weights(
        self, pixel_loss: Tensor, pseudo: Tensor, evidence: Comparison
    ) -> Tensor:
        """See the class."""
        if self.gamma1 == self.gamma2 == 0:
            return torch.ones_like(pixel_loss)
        gamma = self.gamma1 + (self.gamma2 - self.gamma1) * evidence.disagree
        weights = (-gamma * pixel_loss * pseudo).exp()
        return weights.masked_fill(evidence.live_wins, 0.0)

    def figures(self, evidence: Comparison) -> dict[str, Tensor]:
        """Counts of valid pseudo-labeled pixels."""
        return dict(
            pseudo_disagree=evidence.disagree.sum().float(),
            pseudo_live_wins=evidence.live_wins.sum().float(),
        )


@MODELS.register_module()
class NaiveMutualLoss(PixelWeightObjective):
    """Weight q ^ power wherever a sample is pseudo-labeled (DMT ablation).

    Args:
        power: exponent; the published code has 5 built in.
        criterion: config of a :class:`ClassBalancedCrossEntropyLoss`.
        ignore_index: label of pixels without any effect.
    """

    def __init__(
        self,
        power: float = 5.0,
        criterion: dict | None = None,
        ignore_index: int = 255,
    ) -> None:
        super().__init__(criterion, ignore_index)
        self.power = power

    def pixel_weights(
        self, pixel_loss: Tensor, pseudo: Tensor, evidence: None
    ) -> Tensor:
        """See the class."""
        return (-self.power * pixel_loss * pseudo).exp()


@MODELS.register_module()
class FlipLoss(DynamicMutualLoss):
    """Take over the live prediction where it wins (DMT ablation).

    As :class:`DynamicMutualLoss`, but where the live model wins the label
    becomes its prediction, with weight (1 - c) ^ gamma2. ``avg_ce`` is that
    of the changed labels.
    """

    def relabel(
        self, labels: Tensor, pseudo_mask: Tensor, evidence: Comparison
    ) -> Tensor:
        """Labels with the live prediction where it wins."""
        return evidence.prediction.where(evidence.live_wins, labels)

    def pixel_weights(
        self, pixel_loss: Tensor, pseudo: Tensor, evidence: Comparison
    ) -> Tensor:
        """See the class."""
        weights = super().pixel_weights(pixel_loss, pseudo, evidence)
        flipped = (1 - evidence.stored_confidence).pow(self.gamma2)
        return flipped.where(evidence.live_wins, weights)
