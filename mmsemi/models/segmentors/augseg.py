"""AugSeg: a teacher, colors of any strength, and labels mixed in."""

from typing import Any

import torch
import torch.nn.functional as F

from mmsemi.models.mixing import LabelInjectingCutMix, image_trust
from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS
from mmsemi.utils.labels import IGNORE

from .batch import Batch
from .mean_teacher import MeanTeacher
from .online import Losses

NOT_SURE = dict(type='ConfidencePseudoLabeler', threshold=0.95)
ALL_PIXELS = dict(type='PseudoLabelCrossEntropyLoss', normalizer='all')


@MODELS.register_module()
class AugSeg(MeanTeacher):
    """Augmentation matters (arXiv 2212.04976, CVPR 2023).

    Zhao et al. An averaged teacher in eval mode labels the weak view. The
    strong one has other colors (:class:`RandomIntensityAug`), and boxes of
    other images, into which labels are injected, the more the less the
    teacher is sure of an image (:class:`LabelInjectingCutMix`):

        L = L_x + L_u

    L_u is the cross entropy of the labels that reach the threshold, and of
    injected ones, over all pixels, padding included.

    Published are a threshold of 0.95 (VOC) and none (Cityscapes), and
    ``MeanTeacherHook`` with ``momentum=0.001`` (VOC) or 0.004,
    ``schedule='inverse', buffers='ema'`` and ``copy_until`` the end of the
    first pass over the unlabeled images. There padding is labeled as well;
    here it counts in the divisor alone.

    Args:
        student: see :class:`OnlineSegmentor`.
        pseudo_labeler: :class:`ConfidencePseudoLabeler` at 0.95 by default.
        unsup_loss: :class:`PseudoLabelCrossEntropyLoss` over all pixels by
            default.
        mixing: a :class:`LabelInjectingCutMix`; with another mixing this is
            :class:`MeanTeacher`.
        **kwargs: see :class:`MeanTeacher`.
    """

    mixing: LabelInjectingCutMix

    def __init__(
        self,
        student: dict,
        pseudo_labeler: dict | None = None,
        unsup_loss: dict | None = None,
        mixing: dict | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            student,
            pseudo_labeler or NOT_SURE,
            unsup_loss or ALL_PIXELS,
            mixing or dict(type='LabelInjectingCutMix'),
            **kwargs,
        )

    def check_mixing(self) -> None:
        """Injecting labels is what the method does."""
        if not isinstance(self.mixing, LabelInjectingCutMix):
            raise TypeError(
                'AugSeg needs mixing of type LabelInjectingCutMix, got '
                f'{type(self.mixing).__name__}: MeanTeacher takes any'
            )

    def step(self, batch: Batch) -> Losses:
        """Label, inject, learn."""
        logits = self.ask_teacher(batch.weak)
        probabilities = self.probabilities(logits, batch.weak.shape[-2:])
        targets, view = self.label_by(probabilities, batch), batch.strong[0]
        trust = image_trust(probabilities, batch.valid)
        self.record('strong', view, targets)
        images, targets = self.mixing(
            view, targets, batch.sup, self.known(batch), trust
        )
        self.record('mixed', images, targets)
        sup, unsup = self.decode_joint(self.student, batch, images)
        return {
            **self.sup(self.student, sup, batch),
            **self.unsup(unsup['decode'], targets),
            'mean_trust': trust.mean(),
        }

    def known(self, batch: Batch) -> Targets:
        """What is annotated, as targets that no report counts as labeled."""
        labels = batch.labels
        weights = (labels != IGNORE).float()
        soft = None
        if self.soft_losses:
            classes = self.num_classes
            hot = F.one_hot(labels.clamp(max=classes), classes + 1)
            soft = hot[..., :classes].movedim(-1, 1).float()
        nobody = torch.full_like(labels, IGNORE)
        return Targets(labels, weights=weights, soft=soft, truth=nobody)
