import logging

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmsemi.models.pseudo_labelers import (
    EntropyPercentilePseudoLabeler,
    EntropySplit,
    pixel_entropy,
)
from mmsemi.models.targets import Targets
from mmsemi.ops.maps import max_over_classes
from mmsemi.registry import MODELS
from mmsemi.utils.labels import IGNORE, resize_labels

from .batch import Batch
from .mean_teacher import MeanTeacher
from .modes import in_mode
from .network_verbs import Outputs
from .online import Losses
from .semi_base import heads


@MODELS.register_module()
class U2PL(MeanTeacher):
    """Unreliable pseudo-labels as negatives (arXiv 2203.03884, CVPR 2022).

    One iteration (:meth:`step`): the teacher in eval mode labels the weak
    view; images and labels are mixed; labeled and mixed images go through
    the student at once, and through the teacher in train mode, which gives
    entropies, ranks of the classes and features, and moves the teacher's
    BatchNorm statistics. Labels of high entropy are dropped from the cross
    entropy, and their pixels become negatives of a contrastive objective.

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
        unsup_loss: see :class:`OnlineSegmentor`.
        semi_train_cfg: as there, without ``teacher_mode`` but with
            ``iters_per_epoch`` and ``contrast_start``, the iteration from
            which on there is a contrastive objective.
        **kwargs: as there.
    """

    train_defaults = dict(
        MeanTeacher.train_defaults,
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
        if not isinstance(self.pseudo_labeler, EntropyPercentilePseudoLabeler):
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
                'iters_per_epoch must be at least 1, got '
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
            self._check_ranks()
        elif head is not None:
            raise ValueError(
                'contrast=None leaves representation_head of '
                'the decode head untrained; leave it out'
            )

    def _check_ranks(self) -> None:
        """Say when unlabeled pixels can never be negatives."""
        low = getattr(self.contrast, 'low_rank', 0)
        if low >= self.num_classes:
            print_log(
                f'contrast.low_rank={low} is not below the number of classes, '
                f'{self.num_classes}: no unlabeled pixel will be a negative. '
                'Set model.contrast.low_rank=1 for two classes, 2 for three',
                'current',
                logging.WARNING,
            )

    def step(self, batch: Batch) -> Losses:
        """Algorithm 1 of the paper."""
        targets = self.label(self.look(self.teacher, batch.weak), batch)
        images, targets = self.mix(batch.strong[0], targets)
        student = self.decode_joint(self.student, batch, images)
        teacher = self.observe(batch, images)
        return self.learn(batch, targets, student, teacher)

    def learn(
        self,
        batch: Batch,
        targets: Targets,
        student: tuple[Outputs, Outputs],
        teacher: tuple[Outputs, Outputs],
    ) -> Losses:
        """Losses of reliable labels, and of what unreliable pixels are not.

        Args:
            batch: has the labels of the labeled images.
            targets: of the mixed images.
            student: its outputs for the labeled and for the mixed images.
            teacher: likewise, in train mode.
        """
        sup, unsup = student
        split = self.divide(teacher[1]['decode'], targets)
        losses = self.sup(self.student, sup, batch)
        losses.update(self.filtered_loss(unsup['decode'], targets, split))
        both = joined(*student), joined(*teacher)
        losses.update(
            self.contrast_loss(batch.labels, targets.labels, split, *both)
        )
        return losses

    def labeled_only(self, batch: Batch) -> Losses:
        """Warm-up: the teacher only gathers BatchNorm statistics."""
        outputs = self.decode(self.student, batch.sup)
        losses = self.sup(self.student, outputs, batch)
        if self.contrast is not None:
            losses.update(no_contrast(outputs))
        if self.training:
            with torch.no_grad(), in_mode(self.teacher, True):
                self.decode(self.teacher, batch.sup, auxiliary=False)
        return losses

    @property
    def progress(self) -> float:
        """Share of the training that is done, in whole epochs, in [0, 1)."""
        length = self.semi_train_cfg['iters_per_epoch']
        done = self._known_iteration() // length * length
        return done / max(self.max_iters, 1)

    def run_labeler(self, probabilities: Tensor, valid: Tensor) -> Targets:
        """Labels of all pixels; :meth:`divide` decides which ones count."""
        confidence, labels = max_over_classes(probabilities)
        return Targets(labels, confidence, valid=valid)

    def run_heads(
        self, network: nn.Module, feats: tuple, auxiliary: bool
    ) -> Outputs:
        """Adds ``'representation'`` (N, D, h, w) to the outputs."""
        if self.contrast is None:
            return super().run_heads(network, feats, auxiliary)
        (_, head), *others = heads(network)
        logits, representation = head.forward_with_representation(feats)
        outputs = dict(decode=logits, representation=representation)
        if auxiliary:
            outputs.update((name, other(feats)) for name, other in others)
        return outputs

    @torch.no_grad()
    def observe(self, batch: Batch, images: Tensor) -> tuple[Outputs, Outputs]:
        """What the teacher in train mode sees in labeled and mixed images."""
        with in_mode(self.teacher, self.training):
            outputs = self.decode(
                self.teacher, batch.join(images), auxiliary=False
            )
        return batch.split(outputs)

    @torch.no_grad()
    def divide(self, logits: Tensor, targets: Targets) -> EntropySplit:
        """Pixels to learn from, and the most and the least certain ones."""
        probabilities = self.probabilities(logits, targets.labels.shape[-2:])
        return self.pseudo_labeler.split(
            pixel_entropy(probabilities),
            targets.labels,
            self.progress,
            targets.known,
        )

    def filtered_loss(
        self, logits: Tensor, targets: Targets, split: EntropySplit
    ) -> Losses:
        """Losses of labels whose entropy is low enough."""
        self.record('predicted', None, targets)
        kept = targets.weights * (split.labels != IGNORE)
        losses = self.unsup(
            logits, targets.change(labels=split.labels, weights=kept)
        )
        percent = self.pseudo_labeler.drop_percent_at(self.progress)
        losses['drop_percent'] = kept.new_full((), percent)
        return losses

    def contrast_loss(
        self,
        truth: Tensor,
        pseudo: Tensor,
        split: EntropySplit,
        student: Outputs,
        teacher: Outputs,
    ) -> Losses:
        """The contrastive objective, at the resolution of the features.

        Args:
            truth: labels of the labeled images, int64 (N, H, W).
            pseudo: labels of the mixed images, int64 (M, H, W).
            split: the mixed images divided by entropy.
            student: its outputs for labeled and mixed images, in this order.
            teacher: likewise, in train mode.
        """
        if self.contrast is None:
            return {}
        start = self.semi_train_cfg['contrast_start']
        if start and self._known_iteration() < start:
            return no_contrast(student)
        known = truth != IGNORE
        size = student['representation'].shape[-2:]
        pairs = (truth, pseudo), (known, split.low), (known, split.high)
        labels, low, high = (
            resize_labels(torch.cat(pair), size) for pair in pairs
        )
        loss = self.contrast(
            student['representation'],
            teacher['representation'],
            self.probabilities(teacher['decode']),
            labels,
            low,
            high,
            len(truth),
        )
        return dict(
            loss_contra=loss,
            bank_rows=self.contrast.bank.counts.float().mean(),
        )


def joined(first: Outputs, second: Outputs) -> Outputs:
    """Outputs for two sets of images, one behind the other."""
    return {
        name: torch.cat([first[name], second[name]])
        for name in ('decode', 'representation')
        if name in first
    }


def no_contrast(outputs: Outputs) -> Losses:
    """A loss of 0: distributed training wants all gradients."""
    first = outputs['representation'][..., 0, 0]
    return dict(loss_contra=0 * first.float().sum())
