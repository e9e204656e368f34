import torch
from mmengine.structures import PixelData
from torch import Tensor

from mmsemi.models.losses import EqualizationConsistencyLoss
from mmsemi.models.mixing import AdaptiveCutMix
from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS, bare_name
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE

from .batch import Batch, true_labels
from .mean_teacher import MeanTeacher
from .modes import in_mode
from .online import Losses, OnlineSegmentor
from .u2pl import U2PL


class AdaptiveEqualization(OnlineSegmentor):
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

    other_branches = ('paste',)

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
            unsup_loss = dict(unsup_loss or {})
            unsup_loss.setdefault('type', 'EqualizationConsistencyLoss')
            if 'num_classes' not in unsup_loss:
                unsup_loss['num_classes'] = number_of_classes(head)
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

    def prepare(self, batch: Batch) -> Batch:
        """Paste classes the student is unsure of into labeled images."""
        if self.copy_paste is None or not self.training:
            return batch
        others = None
        if 'paste' in batch.others:
            images, samples = batch.others['paste']
            if images.shape != batch.sup.shape:
                raise ValueError(
                    'the branches sup and paste need as many images of '
                    f'one size: {tuple(batch.sup.shape)} and '
                    f'{tuple(images.shape)}'
                )
            others = images, true_labels(samples)
        images, labels = self.copy_paste(
            batch.sup, batch.labels, self.class_confidence, others=others
        )
        samples = [sample.new() for sample in batch.sup_samples]
        for sample, label in zip(samples, labels):
            sample.gt_sem_seg = PixelData(data=label[None])
        return batch.change(sup=images, sup_samples=samples)

    def run_mixing(
        self, images: Tensor, own: Targets, other: Targets | None
    ) -> tuple[Tensor, Targets]:
        """Mix by class confidence."""
        return self.mixing(images, own, other, self.class_confidence)

    def labeled_consistency_loss(
        self, logits: Tensor, teacher_logits: Tensor, batch: Batch
    ) -> Losses:
        """Consistency with the teacher on labeled images.

        Args:
            logits: (N, C, h, w) of the student for the labeled images.
            teacher_logits: likewise.
            batch: has their labels; where nothing is annotated may be
                padding.
        """
        with torch.no_grad():
            probabilities = self.probabilities(teacher_logits, batch.size)
            valid = batch.labels != IGNORE
            # A labeler that learns from predictions does so where no label
            # is.
            with in_mode(self.pseudo_labeler, False):
                targets = self.run_labeler(probabilities, valid)
            targets = targets.change(
                weights=targets.weights * valid, valid=valid
            )
        loss = self.unsup_loss(self.upsample(logits, batch.size), targets)
        return dict(
            loss_unsup_labeled=self.unsup_weight
            * self.labeled_consistency
            * loss,
            min_class_confidence=self.class_confidence.amin(),
            mean_class_confidence=self.class_confidence.mean(),
        )


def number_of_classes(head: dict) -> int:
    """Classes that a decode head tells apart, by its config.

    Raises:
        UsageError: if it does not say.
    """
    number = head.get('num_classes')
    for key in ('classes', 'embeddings'):  # of SemanticEmbeddingHead
        given = head.get(key)
        if number is None and given is not None and not isinstance(given, str):
            number = len(given)
    if number is None:
        raise UsageError(
            f'decode_head ({bare_name(head.get("type"))}): the config names '
            'no number of classes, which AEL needs. Set '
            'model.unsup_loss.num_classes'
        )
    return number


@MODELS.register_module()
class AEL(AdaptiveEqualization, MeanTeacher):
    """Adaptive equalization learning (arXiv 2110.05474, NeurIPS 2021).

    See :class:`AdaptiveEqualization` for its arguments, and
    :class:`OnlineSegmentor` for the others. Published are a teacher in train
    mode with its own BatchNorm statistics, and labels of any confidence
    (Cityscapes) or above 0.7 (VOC).
    """

    def step(self, batch: Batch) -> Losses:
        """One iteration; :meth:`prepare` has pasted into labeled images."""
        targets = self.label(self.ask_teacher(batch.weak), batch)
        images, targets = self.mix(batch.strong[0], targets)
        sup, unsup = self.decode_joint(self.student, batch, images)
        losses = self.sup(self.student, sup, batch)
        losses.update(self.unsup(unsup['decode'], targets))
        losses.update(
            self.labeled_consistency_loss(
                sup['decode'], self.ask_teacher(batch.sup), batch
            )
        )
        return losses


@MODELS.register_module()
class U2PLWithAEL(AdaptiveEqualization, U2PL):
    """U2PL on top of AEL, the branch ``with_AEL`` of U2PL's code.

    See :class:`AdaptiveEqualization` and :class:`U2PL`. Labels of high
    entropy are dropped; the branch drops those of low entropy, as
    :class:`ReleasedAELPseudoLabeler` does. No label of a labeled image is
    dropped by entropy.
    """

    def step(self, batch: Batch) -> Losses:
        """The step of U2PL, and consistency on labeled images."""
        targets = self.label(self.look(self.teacher, batch.weak), batch)
        images, targets = self.mix(batch.strong[0], targets)
        student = self.decode_joint(self.student, batch, images)
        teacher = self.observe(batch, images)
        losses = self.learn(batch, targets, student, teacher)
        losses.update(
            self.labeled_consistency_loss(
                student[0]['decode'], teacher[0]['decode'], batch
            )
        )
        return losses
