from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmsemi.registry import MODELS

from .class_balanced_cross_entropy import ClassBalancedCrossEntropyLoss


class PixelWeightObjective(nn.Module):
    """Training objective that differs from cross entropy by pixel weights.

    The batch mixes pseudo-labeled and labeled samples, told apart by a
    mask, and one normalizer is shared by both kinds: weights shrink the sum,
    not the number of pixels it is divided by. Weights are detached.

    A subclass says what the weights are by :meth:`pixel_weights`, and may
    look at the logits before (:meth:`examine`) and change the labels
    (:meth:`relabel`). Keys of the result that hold the word ``loss`` are
    summed for the gradient, the others are logged.

    Args:
        criterion: config of a :class:`ClassBalancedCrossEntropyLoss`.
        ignore_index: label of pixels without any effect.
    """

    # True when pseudo-labeled samples must come with a stored confidence.
    needs_confidence = False

    def __init__(
        self, criterion: dict | None = None, ignore_index: int = 255
    ) -> None:
        super().__init__()
        self.criterion = MODELS.build(
            criterion or dict(type='ClassBalancedCrossEntropyLoss')
        )
        if not isinstance(self.criterion, ClassBalancedCrossEntropyLoss):
            raise TypeError(
                'criterion must be a ClassBalancedCrossEntropyLoss, got '
                f'{type(self.criterion).__name__}'
            )
        self.ignore_index = ignore_index

    def examine(
        self,
        logits: Tensor,
        labels: Tensor,
        pseudo: Tensor,
        confidence: Tensor | None,
    ) -> Any:
        """What relabeling and weights are decided by; free in form.

        Args:
            logits: float32 (N, C, H, W), detached.
            labels: int64 (N, H, W).
            pseudo: valid pixels of pseudo-labeled samples, bool (N, H, W).
            confidence: stored confidence (N, H, W), or None.
        """

    def relabel(
        self, labels: Tensor, pseudo_mask: Tensor, evidence: Any
    ) -> Tensor:
        """Labels to train on; those of the store by default."""
        return labels

    def pixel_weights(
        self, pixel_loss: Tensor, pseudo: Tensor, evidence: Any
    ) -> Tensor:
        """Weights (N, H, W), 1 on labeled samples.

        Args:
            pixel_loss: cross entropy (N, H, W), detached, 0 where ignored.
            pseudo: valid pixels of pseudo-labeled samples, bool (N, H, W).
            evidence: result of :meth:`examine`.
        """
        raise NotImplementedError

    def figures(self, evidence: Any) -> dict[str, Tensor]:
        """Further 0-d tensors to log."""
        return {}

    def pixel_loss(
        self, logits: Tensor, labels: Tensor, soft: Tensor | None
    ) -> Tensor:
        """Loss (N, H, W) of each pixel without any weight; cross entropy.

        Args:
            logits: float32 (N, C, H, W).
            labels: int64 (N, H, W).
            soft: see :meth:`forward`.
        """
        if soft is not None:
            raise ValueError(
                f'{type(self).__name__} cannot train on soft '
                'labels; ConfidenceRegularizedLoss can'
            )
        return self.criterion.pixel_loss(logits, labels, self.ignore_index)

    def further_losses(
        self, logits: Tensor, pseudo: Tensor
    ) -> dict[str, Tensor]:
        """Losses besides the weighted pixel loss.

        Args:
            logits: float32 (N, C, H, W).
            pseudo: valid pixels of pseudo-labeled samples, bool (N, H, W).
        """
        return {}

    def forward(
        self,
        logits: Tensor,
        labels: Tensor,
        pseudo_mask: Tensor,
        confidence: Tensor | None = None,
        soft: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Loss and statistics of one batch.

        Args:
            logits: (N, C, H, W), any floating type.
            labels: int64 (N, H, W), 255 = ignored.
            pseudo_mask: which samples are pseudo-labeled, bool (N,).
            confidence: stored confidence of the labels, float (N, H, W);
                whatever it holds on labeled samples or where the label is
                ignored has no effect.
            soft: probabilities (N, C, H, W) to learn instead of the label
                where a pixel of them does not sum to zero.

        Returns:
            ``loss_seg``, ``avg_weight`` and ``avg_ce`` over all valid
            pixels, ``pseudo_weight`` (mean weight) and ``pseudo_share``
            (share of pixels with a label) over pseudo-labeled samples.
        """
        logits = logits.float()
        samples = pseudo_mask.view(-1, 1, 1)
        with torch.no_grad():
            evidence = self.examine(
                logits.detach(),
                labels,
                (labels != self.ignore_index) & samples,
                confidence,
            )
            labels = self.relabel(labels, samples, evidence)
        pixel_loss = self.pixel_loss(logits, labels, soft)
        with torch.no_grad():
            valid = labels != self.ignore_index
            pseudo = valid & samples
            weights = self.pixel_weights(pixel_loss.detach(), pseudo, evidence)
            # Smaller weights change no float32 sum, but their gradients are
            # denormal numbers, which are slow on CPUs.
            weights = F.threshold_(weights, 1e-16, 0.0)
            figures = batch_figures(
                pixel_loss.detach(), weights, valid, pseudo, pseudo_mask
            )
            figures.update(self.figures(evidence))
        loss = self.criterion.reduce(
            pixel_loss, labels, weights, ignore_index=self.ignore_index
        )
        return dict(
            loss_seg=loss, **self.further_losses(logits, pseudo), **figures
        )


def batch_figures(
    pixel_loss: Tensor,
    weights: Tensor,
    valid: Tensor,
    pseudo: Tensor,
    pseudo_mask: Tensor,
) -> dict[str, Tensor]:
    """Averages to log, see :meth:`PixelWeightObjective.forward`."""
    n_valid = valid.sum()
    n_pseudo = pseudo.sum()
    total = (weights * pseudo).sum()
    pixels = pseudo_mask.sum() * valid[0].numel()
    # Labeled pixels weigh 1 each.
    return dict(
        avg_weight=(total + (n_valid - n_pseudo)) / n_valid.clamp(min=1),
        avg_ce=pixel_loss.sum() / n_valid.clamp(min=1),
        pseudo_weight=total / n_pseudo.clamp(min=1),
        pseudo_share=n_pseudo / pixels.clamp(min=1),
    )
