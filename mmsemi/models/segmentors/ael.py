import torch
from torch import Tensor

from mmsemi.models.losses import EqualizationConsistencyLoss
from mmsemi.models.mixing import AdaptiveCutMix
from mmsemi.registry import MODELS
from mmsemi.utils.labels import IGNORE

from .sample_maps import true_labels
from .teacher_student import Targets, TeacherStudentSegmentor
from .u2pl import U2PL, in_mode


class AELMixin:
    """What AEL adds to a teacher-student method (arXiv 2110.05474).

    The confidence of each class, kept by the loss of unlabeled images,
    steers what is mixed and sampled: classes the student is unsure of are
    pasted into labeled images, cut out of unlabeled ones, and kept in the
    loss. Consistency is asked on labeled images too.

    Args:
        copy_paste: config of an :class:`AdaptiveCopyPaste`; None pastes
            nothing into labeled images.
        labeled_consistency: factor of the consistency on labeled images,
            besides that of unlabeled ones.
        **kwargs: see the segmentor; ``unsup_loss`` is an
            :class:`EqualizationConsistencyLoss`, ``mixing`` an
            :class:`AdaptiveCutMix`.
    """

    def __init__(
        self,
        *args,
        unsup_loss: dict | None = None,
        mixing: dict | None = None,
        copy_paste: dict | None = None,
        labeled_consistency: float = 1.0,
        **kwargs,
    ) -> None:
        student = kwargs.get('student', args[0] if args else {})
        head = student.get('decode_head', {})
        if isinstance(head, dict):  # cascades are refused by the frame
            unsup_loss = dict(
                dict(
                    type='EqualizationConsistencyLoss',
                    num_classes=head.get('num_classes'),
                ),
                **(unsup_loss or {}),
            )
        super().__init__(
            *args,
            unsup_loss=unsup_loss,
            mixing=mixing or dict(type='AdaptiveCutMix'),
            **kwargs,
        )
        if not isinstance(self.unsup_loss, EqualizationConsistencyLoss):
            raise TypeError(
                'AEL needs unsup_loss of type '
                'EqualizationConsistencyLoss, got '
                f'{type(self.unsup_loss).__name__}'
            )
        if len(self.class_confidence) != self.student.out_channels:
            raise ValueError(
                f'unsup_loss has {len(self.class_confidence)} classes, the '
                f'student {self.student.out_channels}'
            )
        if not isinstance(self.mixing, AdaptiveCutMix):
            raise TypeError(
                'AEL needs mixing of type AdaptiveCutMix, got '
                f'{type(self.mixing).__name__}'
            )
        self.copy_paste = MODELS.build(copy_paste) if copy_paste else None
        if self.copy_paste is not None and set(
            self.copy_paste.excluded
        ) >= set(range(self.num_classes)):
            raise ValueError(
                f'copy_paste.excluded={self.copy_paste.excluded} leaves none '
                f'of the {self.num_classes} classes to paste: name the '
                'classes that are everywhere, () if there are none, or set '
                'copy_paste=None'
            )
        self.labeled_consistency = labeled_consistency

    @property
    def class_confidence(self) -> Tensor:
        """Confidence of each class, (C, )."""
        return self.unsup_loss.bank.confidence

    def loss(
        self,
        inputs: Tensor | dict[str, Tensor],
        data_samples: list | dict[str, list],
    ) -> dict[str, Tensor]:
        """Paste into labeled images, then as usual."""
        if not isinstance(inputs, dict):
            inputs, data_samples = dict(sup=inputs), dict(sup=data_samples)
        if self.copy_paste is not None and self.training:
            samples = data_samples['sup']
            others = None
            if 'paste' in inputs:
                if inputs['paste'].shape != inputs['sup'].shape:
                    raise ValueError(
                        'the branches sup and paste need as many images of '
                        'one size: '
                        f'{tuple(inputs["sup"].shape)} and '
                        f'{tuple(inputs["paste"].shape)}'
                    )
                others = inputs['paste'], true_labels(data_samples['paste'])
            images, labels = self.copy_paste(
                inputs['sup'],
                true_labels(samples),
                self.class_confidence,
                others=others,
            )
            inputs = dict(inputs, sup=images)
            for sample, label in zip(samples, labels):
                sample.gt_sem_seg.data = label[None]
        return super().loss(inputs, data_samples)

    def mix(self, images: Tensor, targets: Targets) -> tuple[Tensor, Targets]:
        """Mix the strong views and their targets by class confidence."""
        return self.mixing(images, targets, self.class_confidence)

    def loss_sup(
        self, outputs: dict[str, Tensor], samples: list
    ) -> dict[str, Tensor]:
        """Losses on labeled images; moves the class confidences."""
        labels = true_labels(samples)
        if self.training:
            self.unsup_loss.bank.update(
                self.upsample(outputs['decode'].detach(), labels.shape[-2:]),
                labels,
            )
        return super().loss_sup(outputs, samples)

    def extra_losses(
        self,
        sup_images: Tensor,
        sup_samples: list,
        images: Tensor,
        targets: Targets,
        sup: dict[str, Tensor],
        unsup: dict[str, Tensor],
    ) -> dict[str, Tensor]:
        """Consistency with the teacher on labeled images."""
        losses = super().extra_losses(
            sup_images, sup_samples, images, targets, sup, unsup
        )
        size = sup_images.shape[-2:]
        with torch.no_grad():
            if 'teacher_decode' in sup:
                teacher = sup['teacher_decode']
            else:
                teacher = self.decode(
                    self.teacher, sup_images, auxiliary=False
                )['decode']
            targets = self.label_labeled(
                self.teacher_probabilities(teacher, size),
                true_labels(sup_samples) != IGNORE,
            )
        loss = self.unsup_loss(self.upsample(sup['decode'], size), targets)
        losses['loss_unsup_labeled'] = (
            self.unsup_weight * self.labeled_consistency * loss
        )
        losses['min_class_confidence'] = self.class_confidence.amin()
        losses['mean_class_confidence'] = self.class_confidence.mean()
        return losses

    def label_labeled(self, probabilities: Tensor, valid: Tensor) -> Targets:
        """What the teacher makes of labeled images.

        Args:
            probabilities: (N, C, H, W) float32.
            valid: (N, H, W) bool, False where nothing is annotated, which
                may be padding.
        """
        # A labeler that learns from predictions does so where no label is.
        with in_mode(self.pseudo_labeler, False):
            result = self.run_labeler(probabilities, valid)
        return dict(
            labels=result.labels,
            confidence=result.confidence,
            weights=result.weights * valid,
            valid=valid,
        )


@MODELS.register_module()
class AEL(AELMixin, TeacherStudentSegmentor):
    """Adaptive equalization learning (arXiv 2110.05474, NeurIPS 2021).

    See :class:`AELMixin` for the method and its arguments, and
    :class:`TeacherStudentSegmentor` for the others. Published are a teacher
    in train mode with its own BatchNorm statistics, and labels of any
    confidence (Cityscapes) or above 0.7 (VOC).
    """


@MODELS.register_module()
class U2PLWithAEL(AELMixin, U2PL):
    """U2PL on top of AEL, the branch ``with_AEL`` of U2PL's code.

    See :class:`AELMixin` and :class:`U2PL`. Labels of high entropy are
    dropped; the branch drops those of low entropy, which
    ``pseudo_labeler.ael_as_released`` brings back.
    """

    def label_labeled(self, probabilities: Tensor, valid: Tensor) -> Targets:
        """No label of a labeled image is dropped by entropy."""
        confidence, labels = probabilities.max(1)
        return dict(
            labels=labels,
            confidence=confidence,
            weights=valid.float(),
            valid=valid,
        )
