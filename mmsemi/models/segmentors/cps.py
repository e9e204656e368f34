"""CPS: two students, each of which labels for the other."""

import copy

import torch
from mmengine.config import Config
from torch import nn

from mmsemi.models.pseudo_labelers import PseudoLabeler
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError

from .batch import Batch
from .network_verbs import Outputs
from .online import Losses, OnlineSegmentor
from .target_verbs import build_labeler
from .unsup_losses import UnsupLosses


@MODELS.register_module()
class CPS(OnlineSegmentor):
    """Cross pseudo supervision (arXiv 2106.01226, CVPR 2021).

    Chen et al. Two networks of one architecture that start differently; the
    class that either predicts is the label of the other, without a
    threshold, on labeled and unlabeled images alike:

        L = CE(P_1, y) + CE(P_2, y) + lambda (CE(P_1, Y_2) + CE(P_2, Y_1))

    lambda is ``semi_train_cfg.unsup_weight``. With ``mixing`` (CPS with
    CutMix) labels come from forwards in train mode, without gradient, of
    unlabeled images alone; images and both networks' labels are mixed by the
    same masks, and both networks learn from the mixed images.

    Published are lambda 1.5 (VOC) and 6 (Cityscapes), with CutMix 1 and 5;
    three boxes of 25 to 50 % of the image, those inside an odd number of
    them: ``mixing=dict(type='CutMix', box='cutmix_seg', box_cfg=dict(
    count=3, share=(0.25, 0.5)), prob=1.0)``; images in their own colors, so
    there are no strong views; OHEM on Cityscapes. The first network
    predicts; ``predict_on='student_2'`` takes the other.

    Differences: padding of unlabeled images counts nowhere, where the code
    learns what is predicted there. CutMix pastes another image of the
    batch, where the two streams of the code hold the same images.

    Args:
        student: see :class:`OnlineSegmentor`.
        student_2: changes to its config for the second one. A checkpoint of
            a plain segmentor fills the first only.
        pseudo_labeler: by default every pixel is labeled by its likeliest
            class. Each student has one of its own: what a labeler learns, it
            learns of one network.
        unsup_loss: :class:`PseudoLabelCrossEntropyLoss` by default. Each
            student has one of its own, and ``further_losses`` as well.
        mixing: see above; None for plain CPS. It serves both, who learn from
            the same images; one that looks at labels sees the first's.
        **kwargs: as there; ``joint_forward`` is off by default.
    """

    sub_models = ('student', 'student_2')
    strong_views = 0
    train_defaults = dict(OnlineSegmentor.train_defaults, joint_forward=False)

    def __init__(
        self,
        student: dict,
        pseudo_labeler: dict | None = None,
        unsup_loss: dict | None = None,
        mixing: dict | None = None,
        student_2: dict | None = None,
        further_losses: dict[str, dict] | None = None,
        **kwargs,
    ) -> None:
        pseudo_labeler = pseudo_labeler or dict(
            type='ConfidencePseudoLabeler', threshold=0.0
        )
        unsup_loss = unsup_loss or dict(type='PseudoLabelCrossEntropyLoss')
        super().__init__(
            student,
            pseudo_labeler,
            unsup_loss,
            mixing,
            further_losses,
            **kwargs,
        )
        self.pseudo_labeler_2 = build_labeler(copy.deepcopy(pseudo_labeler))
        self.unsup_loss_2, self.further_losses_2 = UnsupLosses.build(
            copy.deepcopy(unsup_loss), copy.deepcopy(further_losses)
        )
        second = Config(dict(model=copy.deepcopy(student)))
        second.merge_from_dict(
            dict(model=dict(student_2 or {}, data_preprocessor=None))
        )
        self.student_2 = MODELS.build(second.model)
        if self.student_2.out_channels != self.student.out_channels:
            raise ValueError(
                f'student_2 predicts {self.student_2.out_channels} classes '
                f'and student {self.student.out_channels}; they label for '
                'each other, so both need the same'
            )
        if self.student_2.align_corners != self.student.align_corners:
            raise ValueError(
                'student_2 up-samples its logits with align_corners='
                f'{self.student_2.align_corners} and student with '
                f'{self.student.align_corners}; they label for each other, '
                'so both need the same'
            )

    @property
    def students(self) -> tuple[nn.Module, nn.Module]:
        """Both networks."""
        return self.student, self.student_2

    @property
    def labelers(self) -> tuple[PseudoLabeler, PseudoLabeler]:
        """Theirs."""
        return self.pseudo_labeler, self.pseudo_labeler_2

    @property
    def losses_2(self) -> UnsupLosses:
        """Those of the second student, as :attr:`losses` of the first."""
        return UnsupLosses(self.unsup_loss_2, self.further_losses_2)

    def step(self, batch: Batch) -> Losses:
        """Either student learns what the other predicts."""
        if self.mixing is not None:
            return self.step_with_mixing(batch)
        seen = [
            self.decode_joint(network, batch, batch.weak)
            for network in self.students
        ]
        all_images = batch.with_labeled()
        logits = [
            torch.cat([unsup['decode'], sup['decode']]) for sup, unsup in seen
        ]
        one, two = (
            self.label(part, all_images, labeler)
            for part, labeler in zip(logits, self.labelers)
        )
        return {
            **self.sup(self.student, seen[0][0], batch),
            **self.sup_2(seen[1][0], batch),
            **self.unsup(logits[0], two),
            **self.unsup(logits[1], one, 'unsup_2', own=self.losses_2),
        }

    def step_with_mixing(self, batch: Batch) -> Losses:
        """The same on mixed images, whose labels are mixed alike."""
        one, two = (
            self.label(
                self.look(network, batch.weak, self.training), batch, labeler
            )
            for network, labeler in zip(self.students, self.labelers)
        )
        images, one = self.mix(batch.weak, one.change(beside=two))
        (sup_1, unsup_1), (sup_2, unsup_2) = (
            self.decode_joint(network, batch, images)
            for network in self.students
        )
        return {
            **self.sup(self.student, sup_1, batch),
            **self.sup_2(sup_2, batch),
            **self.unsup(unsup_1['decode'], one.beside),
            **self.unsup(unsup_2['decode'], one, 'unsup_2', own=self.losses_2),
        }

    def labeled_only(self, batch: Batch) -> Losses:
        """Both students learn from labeled images."""
        first, second = (
            self.decode(network, batch.sup) for network in self.students
        )
        return {
            **self.sup(self.student, first, batch),
            **self.sup_2(second, batch),
        }

    def sup_2(self, outputs: Outputs, batch: Batch) -> Losses:
        """Losses of the second student on labeled images."""
        if self.training and 'decode' in outputs:
            self.show_losses(outputs, batch, self.losses_2)
        return self.sup(self.student_2, outputs, batch, 'sup_2')

    def init_weights(self) -> None:
        """Initialize both.

        Raises:
            UsageError: when they came out equal.
        """
        super().init_weights()
        first, second = (network.state_dict() for network in self.students)
        if first.keys() == second.keys() and all(
            torch.equal(value, second[key]) for key, value in first.items()
        ):
            raise UsageError(
                'both students of CPS start from the same weights and would '
                'teach each other nothing: initialize only the backbone, by '
                'student.backbone.init_cfg, or give student_2 weights of its '
                'own'
            )
