from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmsemi.registry import MODELS

from .base_objective import PixelWeightObjective


def mean_kl_divergence(logits: Tensor) -> Tensor:
    """MRKLD, -(1/C) sum_c log p_c of (N, C, H, W) logits; (N, H, W)."""
    return -logits.log_softmax(1).mean(1)


def squared_norm(logits: Tensor) -> Tensor:
    """MRL2, sum_c p_c ** 2 of (N, C, H, W) logits; (N, H, W)."""
    return logits.softmax(1).square().sum(1)


def negative_entropy(logits: Tensor) -> Tensor:
    """MRENT, sum_c p_c log p_c of (N, C, H, W) logits; (N, H, W)."""
    log_probability = logits.log_softmax(1)
    return (log_probability.exp() * log_probability).sum(1)


REGULARIZERS = dict(
    kld=mean_kl_divergence, l2=squared_norm, ent=negative_entropy
)


@MODELS.register_module()
class ConfidenceRegularizedLoss(PixelWeightObjective):
    """Objective of CBST and CRST (Zou et al., ICCV 2019).

        L = sum_i CE_i / #valid + alpha sum_j r(p_j) / #pseudo-labeled

    The cross entropy averages over all valid pixels of the batch (that of
    this process), source and target together; the regularizer r, which keeps
    the model from growing overconfident in wrong labels, over the
    pseudo-labeled pixels alone. Without a regularizer this is CBST. Where
    samples carry soft labels (LRENT), the cross entropy of those pixels is
    -sum_c soft_c log p_c.

    CE + alpha MRKLD is (1 + alpha) times cross entropy with uniform label
    smoothing (CRST, proposition 4).

    Args:
        regularizer: None, ``'kld'`` (MRKLD), ``'l2'`` (MRL2) or ``'ent'``
            (MRENT).
        loss_weight: alpha. The released script multiplies its option of 0.1
            twice, so 0.01 is what its results were made with; the paper
            says 0.1.
        criterion: config of a :class:`ClassBalancedCrossEntropyLoss`.
        ignore_index: label of pixels without any effect.
    """

    refuses_soft = False

    def __init__(
        self,
        regularizer: str | None = None,
        loss_weight: float = 0.01,
        criterion: dict | None = None,
        ignore_index: int = 255,
    ) -> None:
        super().__init__(criterion, ignore_index)
        if regularizer is not None and regularizer not in REGULARIZERS:
            raise ValueError(
                f'regularizer is None or one of '
                f'{list(REGULARIZERS)}, got {regularizer!r}'
            )
        self.regularizer = regularizer
        self.loss_weight = loss_weight

    def pixel_weights(
        self, pixel_loss: Tensor, pseudo: Tensor, evidence: Any
    ) -> Tensor:
        """All pixels weigh the same."""
        return torch.ones_like(pixel_loss)

    def pixel_loss(
        self, logits: Tensor, labels: Tensor, soft: Tensor | None
    ) -> Tensor:
        """Cross entropy with the soft label where there is one."""
        hard = self.criterion.pixel_loss(logits, labels, self.ignore_index)
        if soft is None:
            return hard
        valid = labels != self.ignore_index
        log_probability = F.log_softmax(logits, 1)
        cross_entropy = -(soft * log_probability).sum(1) * valid
        return torch.where(soft.sum(1) > 0, cross_entropy, hard)

    def further_losses(
        self, logits: Tensor, pseudo: Tensor
    ) -> dict[str, Tensor]:
        """The regularizer; 0 where no pixel is pseudo-labeled."""
        if self.regularizer is None:
            return {}
        value = REGULARIZERS[self.regularizer](logits) * pseudo
        mean = value.sum() / pseudo.sum().clamp(min=1)
        return dict(loss_reg=self.loss_weight * mean)

    def extra_repr(self) -> str:
        return (
            f'regularizer={self.regularizer!r}, loss_weight={self.loss_weight}'
        )
