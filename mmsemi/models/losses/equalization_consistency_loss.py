from math import gcd

import torch
from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.ops.maps import max_over_classes
from mmsemi.registry import MODELS

from .class_balanced_cross_entropy import build_criterion
from .class_confidence_bank import ClassConfidenceBank, keep_rates
from .target_loss import TargetLoss


@MODELS.register_module()
class EqualizationConsistencyLoss(TargetLoss):
    """Consistency of AEL: sampled by class, weighted by confidence.

    A pixel that the student predicts as class c is kept with the rate

        r_c = ((1 - b_c) / max_k (1 - b_k)) ^ sample_gamma

    of the class confidences b, and weighs the teacher's confidence to the
    power ``gamma``. Weights are divided by their sum over all pixels of this
    process but padding, those without a label included; the loss is the
    weighted cross entropy with the teacher's labels (Hu et al., NeurIPS 2021,
    arXiv 2110.05474).

    Args:
        num_classes: number of classes C.
        gamma: power of the teacher's confidence.
        sample_gamma: power of the rate.
        sample: False keeps every pixel.
        bank: changes to the config of :class:`ClassConfidenceBank`.
        criterion: config of a :class:`ClassBalancedCrossEntropyLoss`, whose
            class weights multiply those of the pixels before these are
            divided; an addition of ours.
        loss_weight: factor of the loss.
        per_device: devices that shared the published step. On fewer, the
            batch is taken in as many groups, whose losses are averaged.
        groups: see :class:`EntropyPercentilePseudoLabeler`.
    """

    needs_labeled = True

    def __init__(
        self,
        num_classes: int,
        gamma: float = 2.0,
        sample_gamma: float = 1.0,
        sample: bool = True,
        bank: dict | None = None,
        criterion: dict | None = None,
        loss_weight: float = 1.0,
        per_device: int = 1,
        groups: int | None = None,
    ) -> None:
        super().__init__()
        self.groups = per_device if groups is None else groups
        if self.groups < 1:
            raise ValueError(f'per_device must be positive, got {per_device}')
        self.num_classes = num_classes
        self.gamma = gamma
        self.sample_gamma = sample_gamma
        self.sample = sample
        self.loss_weight = loss_weight
        self.bank: ClassConfidenceBank = MODELS.build(
            dict(
                dict(type='ClassConfidenceBank', num_classes=num_classes),
                **(bank or {}),
            )
        )
        self.criterion = build_criterion(criterion)

    def observe(self, logits: Tensor, labels: Tensor) -> None:
        """Move the confidences of the classes, see the base class."""
        self.bank.update(logits, labels)

    def forward(
        self, logits: Tensor, targets: Targets, uniform: Tensor | None = None
    ) -> Tensor:
        """Loss, a scalar; 0 where no pixel weighs anything.

        Args:
            logits: (N, C, H, W) of the student, any floating type.
            targets: ``labels``, ``confidence`` of the teacher, ``valid``,
                and ``weights``, where 0 is as good as no label.
            uniform: random numbers in [0, 1) instead of drawn ones,
                (C, H, W), one map for each class.
        """
        logits, labels = logits.float(), targets.counted
        with torch.no_grad():
            weights = targets.confidence.float().pow(self.gamma)
            if self.sample:
                predicted = max_over_classes(logits)[1]
                rates = keep_rates(self.bank.confidence, self.sample_gamma)
                if uniform is None:
                    drawn = torch.rand_like(weights)
                else:
                    drawn = uniform.gather(0, predicted)
                weights = weights * (drawn > 1 - rates[predicted])
            if self.criterion.class_weight is not None:
                given = self.criterion.label_weight(labels)
                weights = weights * given.where(labels != 255, 1.0)
            weights = weights * targets.valid
            groups = weights.view(gcd(self.groups, len(weights)), -1)
            sums = groups.sum(1, keepdim=True) + 1e-12
            weights = (groups / sums / len(groups)).view_as(weights)
        pixel_loss = self.criterion.pixel_loss(logits, labels)
        factor = self.loss_weight * self.criterion.loss_weight
        return factor * (weights * pixel_loss).sum()
