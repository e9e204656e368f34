from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmsemi.models.targets import Targets

from .class_balanced_cross_entropy import build_criterion
from .target_loss import TargetLoss


class PixelWeightObjective(TargetLoss):
    """Training objective that differs from cross entropy by pixel weights.

    The batch mixes pseudo-labeled and labeled samples, told apart by a
    mask, and one normalizer is shared by both kinds: the number of pixels
    with a label in the batch of this process (with class weights the sum of
    those). Weights shrink the sum, not that number. Weights are detached.

    A subclass says what the weights are by :meth:`pixel_weights`, and may
    look at the logits before (:meth:`examine`) and change the labels
    (:meth:`relabel`). Keys of the result that hold the word ``loss`` are
    summed for the gradient, the others are logged.

    Args:
        criterion: config of a :class:`ClassBalancedCrossEntropyLoss`.
        ignore_index: label of pixels without any effect.
    """

    refuses_soft = True

    def __init__(
        self, criterion: dict | None = None, ignore_index: int = 255
    ) -> None:
        super().__init__()
        self.criterion = build_criterion(criterion)
        self.ignore_index = ignore_index

    def examine(
        self,
        logits: Tensor,
        labels: Tensor,
        pseudo: Tensor,
        confidence: Tensor,
    ) -> Any:
        """What relabeling and weights are decided by; free in form.

        Args:
            logits: float32 (N, C, H, W), detached.
            labels: int64 (N, H, W).
            pseudo: valid pixels of pseudo-labeled samples, bool (N, H, W).
            confidence: stored confidence (N, H, W), 1 where none is.
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

    def forward(self, logits: Tensor, targets: Targets) -> dict[str, Tensor]:
        """Loss and statistics of one batch.

        Args:
            logits: (N, C, H, W), any floating type.
            targets: ``labels``; ``pseudo`` samples; their ``confidence``,
                which has no effect on annotated samples or where the label
                is ignored; ``soft`` probabilities to learn instead of the
                label where those of a pixel do not sum to zero. Their
                ``weights`` multiply those of the objective; 0 is as good as
                no label.

        Returns:
            ``loss_seg``, ``avg_weight`` and ``avg_ce`` over all valid
            pixels, ``pseudo_weight`` (mean weight) and ``pseudo_share``
            (share of pixels with a label) over pseudo-labeled samples.
        """
        logits, given = logits.float(), targets.weights
        labels = targets.labels.masked_fill(given == 0, self.ignore_index)
        samples = targets.pseudo.view(-1, 1, 1)
        with torch.no_grad():
            evidence = self.examine(
                logits.detach(),
                labels,
                (labels != self.ignore_index) & samples,
                targets.confidence,
            )
            labels = self.relabel(labels, samples, evidence)
        pixel_loss = self.pixel_loss(logits, labels, targets.soft)
        with torch.no_grad():
            valid = labels != self.ignore_index
            pseudo = valid & samples
            weights = given * self.pixel_weights(
                pixel_loss.detach(), pseudo, evidence
            )
            # Smaller weights change no float32 sum, but their gradients are
            # denormal numbers, which are slow on CPUs.
            weights = F.threshold_(weights, 1e-16, 0.0)
            figures = batch_figures(
                pixel_loss.detach(), weights, valid, pseudo, targets.pseudo
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
