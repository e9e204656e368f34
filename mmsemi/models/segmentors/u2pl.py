from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mmsemi.models.pseudo_labelers import pixel_entropy
from mmsemi.registry import MODELS
from mmsemi.utils.labels import IGNORE, resize_labels

from .sample_maps import true_labels, valid_pixels
from .self_training import join_images
from .semi_base import heads
from .teacher_student import Targets, TeacherStudentSegmentor


@MODELS.register_module()
class U2PL(TeacherStudentSegmentor):
    """Unreliable pseudo-labels as negatives (arXiv 2203.03884, CVPR 2022).

    One iteration: the teacher in eval mode labels the weak view; images and
    labels are mixed; labeled and mixed images go through the student at
    once, and through the teacher in train mode, which gives entropies,
    ranks of the classes and features, and moves the teacher's BatchNorm
    statistics. Labels of high entropy are dropped from the cross entropy,
    and their pixels become negatives of a contrastive objective.

    Published are a teacher with its own BatchNorm statistics
    (``buffers='own'`` of ``MeanTeacherHook``), which equals the student up
    to the end of the epoch after the warm-up (``copy_until``), CutMix with
    ``box='u2pl'`` and no change of colors. Thresholds follow the progress
    of the training, t / T in epochs there; here by iterations, in steps of
    ``iters_per_epoch``.

    Args:
        student: config of an mmseg segmentor whose decode head gives a
            representation at the resolution of its logits, such as
            :class:`DeepLabV3PlusHead`.
        contrast: changes to the config of
            :class:`UnreliablePixelContrastLoss`; None leaves the objective
            out.
        pseudo_labeler: config of an
            :class:`EntropyPercentilePseudoLabeler`.
        unsup_loss: see :class:`TeacherStudentSegmentor`.
        semi_train_cfg: as there, without ``teacher_mode`` but with
            ``iters_per_epoch`` and ``contrast_start``, the iteration from
            which on there is a contrastive objective.
        **kwargs: as there.
    """

    train_defaults = dict(
        TeacherStudentSegmentor.train_defaults,
        teacher_mode='train',
        iters_per_epoch=1,
        contrast_start=0,
    )

    def __init__(
        self,
        student: dict,
        contrast: dict | None = None,
        pseudo_labeler: dict | None = None,
        unsup_loss: dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__(
            student,
            pseudo_labeler or dict(type='EntropyPercentilePseudoLabeler'),
            unsup_loss or dict(type='EntropyFilteredCrossEntropyLoss'),
            **kwargs,
        )
        if not hasattr(self.pseudo_labeler, 'split'):
            raise TypeError(
                'U2PL needs a pseudo_labeler that splits pixels by entropy, '
                'an EntropyPercentilePseudoLabeler; got '
                f'{type(self.pseudo_labeler).__name__}'
            )
        if self.soft_losses:
            raise TypeError(
                'U2PL learns from hard labels, and '
                f'{", ".join(self.soft_losses)} needs soft ones'
            )
        if self.semi_train_cfg['teacher_mode'] != 'train':
            raise ValueError(
                "U2PL's teacher gives entropies and features in "
                'train mode: leave teacher_mode out'
            )
        if self.semi_train_cfg['iters_per_epoch'] < 1:
            raise ValueError(
                'iters_per_epoch is at least 1, got '
                f'{self.semi_train_cfg["iters_per_epoch"]}'
            )
        head = getattr(self.student.decode_head, 'representation_head', None)
        self.contrast: nn.Module | None = None
        if contrast is not None:
            if head is None:
                raise ValueError(
                    f'{type(self.student.decode_head).__name__} gives no '
                    'representation, which the contrastive objective needs: '
                    'set representation_head of a DeepLabV3PlusHead, '
                    'LateralSumRepresentationHead or '
                    'SepASPPRepresentationHead, or contrast=None'
                )
            self.contrast = MODELS.build(
                dict(
                    dict(
                        type='UnreliablePixelContrastLoss',
                        num_classes=self.num_classes,
                        channels=head.out_channels,
                    ),
                    **contrast,
                )
            )
        elif head is not None:
            raise ValueError(
                'contrast=None leaves representation_head of '
                'the decode head untrained; leave it out'
            )

    @property
    def progress(self) -> float:
        """Share of the training that is done, in whole epochs, in [0, 1)."""
        self._need_progress()
        length = self.semi_train_cfg['iters_per_epoch']
        done = self.iteration // length * length
        return done / max(self.max_iters, 1)

    def loss_labeled_only(
        self, images: Tensor, samples: list
    ) -> dict[str, Tensor]:
        """Warm-up: the teacher only gathers BatchNorm statistics."""
        outputs = self.decode(self.student, images)
        losses = self.loss_sup(outputs, samples)
        if self.contrast is not None:
            losses.update(self.no_contrast(outputs))
        if self.training:
            self.decode_teacher(images)
        return losses

    @torch.no_grad()
    def label(self, images: Tensor, samples: list) -> Targets:
        """Labels of all pixels, by the teacher in eval mode."""
        with in_mode(self.teacher, False):
            outputs = super().decode(self.teacher, images, auxiliary=False)
        probabilities = self.teacher_probabilities(
            outputs['decode'], images.shape[-2:]
        )
        confidence, labels = probabilities.max(1)
        valid = valid_pixels(samples)
        return dict(
            labels=labels.masked_fill(~valid, IGNORE),
            confidence=confidence,
            weights=valid.float(),
            valid=valid,
        )

    def decode(
        self, segmentor: nn.Module, images: Tensor, auxiliary: bool = True
    ) -> dict[str, Tensor]:
        """Adds ``'representation'`` (N, D, h, w) to the outputs."""
        if self.contrast is None:
            return super().decode(segmentor, images, auxiliary)
        feats = segmentor.extract_feat(images)
        (_, head), *others = heads(segmentor)
        logits, representation = head.forward_with_representation(feats)
        outputs = dict(decode=logits, representation=representation)
        if auxiliary:
            outputs.update((name, other(feats)) for name, other in others)
        return outputs

    @torch.no_grad()
    def decode_teacher(self, images: Tensor) -> dict[str, Tensor]:
        """Outputs of the teacher in train mode."""
        outputs = self.decode(self.teacher, images, auxiliary=False)
        return {f'teacher_{k}': v for k, v in outputs.items()}

    def forward_student(
        self, sup_images: Tensor, images: Tensor
    ) -> tuple[dict, dict]:
        """Outputs of student and teacher for labeled and mixed images."""
        sup, unsup = super().forward_student(sup_images, images)
        teacher = self.decode_teacher(
            join_images(dict(sup=sup_images, unsup_student=images))
        )
        number = len(sup_images)
        sup.update({k: v[:number] for k, v in teacher.items()})
        unsup.update({k: v[number:] for k, v in teacher.items()})
        return sup, unsup

    def loss_unsup(
        self, outputs: dict[str, Tensor], targets: Targets
    ) -> dict[str, Tensor]:
        """Losses of labels whose entropy is low enough.

        They get the labels before the drop as ``predicted``, for reports.
        Leaves ``low`` and ``high``, the most and the least certain pixels,
        in the targets.
        """
        size = targets['labels'].shape[-2:]
        with torch.no_grad():
            probabilities = self.teacher_probabilities(
                outputs['teacher_decode'], size
            )
            split = self.pseudo_labeler.split(
                pixel_entropy(probabilities), targets['labels'], self.progress
            )
            targets.update(low=split.low, high=split.high)
        kept = targets['weights'] * (split.labels != IGNORE)
        filtered = dict(
            targets,
            labels=split.labels,
            weights=kept,
            predicted=targets['labels'],
        )
        logits = self.upsample(outputs['decode'], size)
        losses = self.compare(logits, filtered)
        drop = self.pseudo_labeler.drop_percent_at(self.progress)
        losses['drop_percent'] = torch.full_like(
            losses['loss_unsup'].detach(), drop
        )
        return losses

    def extra_losses(
        self,
        sup_images: Tensor,
        sup_samples: list,
        images: Tensor,
        targets: Targets,
        sup: dict[str, Tensor],
        unsup: dict[str, Tensor],
    ) -> dict[str, Tensor]:
        """The contrastive objective, at the resolution of the features."""
        if self.contrast is None:
            return {}
        if self.semi_train_cfg['contrast_start']:
            self._need_progress()
            if self.iteration < self.semi_train_cfg['contrast_start']:
                return self.no_contrast(sup)
        truth = true_labels(sup_samples)
        known = truth != IGNORE
        size = sup['representation'].shape[-2:]
        labels, low, high = (
            resize_labels(torch.cat(pair), size)
            for pair in (
                (truth, targets['labels']),
                (known, targets['low']),
                (known, targets['high']),
            )
        )
        both = {
            key: torch.cat([sup[key], unsup[key]])
            for key in (
                'representation',
                'teacher_representation',
                'teacher_decode',
            )
        }
        loss = self.contrast(
            both['representation'],
            both['teacher_representation'],
            self.teacher_probabilities(both['teacher_decode']),
            labels,
            low,
            high,
            len(truth),
        )
        return dict(
            loss_contra=loss,
            bank_rows=self.contrast.bank.counts.float().mean(),
        )

    @staticmethod
    def no_contrast(outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """A loss of 0: distributed training wants all gradients."""
        first = outputs['representation'][..., 0, 0]
        return dict(loss_contra=0 * first.float().sum())


@contextmanager
def in_mode(module: nn.Module, training: bool) -> Iterator[None]:
    """Put a module into a mode for a while."""
    before = module.training
    module.train(training)
    try:
        yield
    finally:
        module.train(before)
