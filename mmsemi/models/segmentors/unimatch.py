"""UniMatch: perturbed images and perturbed features, without a teacher."""

from typing import Any

import torch
from torch import Tensor, nn

from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS

from .batch import Batch, split_outputs, valid_pixels
from .modes import in_mode
from .network_verbs import Outputs
from .online import Losses, OnlineSegmentor

CUTMIX = dict(
    type='CutMix', box='unimatch', prob=0.5, per_image=True, partner='flip'
)
# Views of the same images in a second stream.
PARTNERS = ('partner_teacher', 'partner_student', 'partner_student_2')


class PerturbedViews(OnlineSegmentor):
    """What both versions of UniMatch have in common: all but the step.

    Args:
        student: see :class:`OnlineSegmentor`.
        pseudo_labeler: :class:`ConfidencePseudoLabeler` at 0.95 by default.
        unsup_loss: :class:`PseudoLabelCrossEntropyLoss` by default.
        mixing: by default :class:`CutMix` as published, each image on its
            own with a probability of 0.5.
        perturbation: config of a module from features to features;
            :attr:`published_perturbation` by default, an empty one changes
            nothing.
        **kwargs: see the class that this one stands before.
    """

    strong_views = 2
    perturbs_pairs = False  # whether two views of each image are perturbed
    published_perturbation: dict[str, Any]

    def __init__(
        self,
        student: dict,
        pseudo_labeler: dict | None = None,
        unsup_loss: dict | None = None,
        mixing: dict | None = CUTMIX,
        perturbation: dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__(
            student,
            pseudo_labeler or dict(type='ConfidencePseudoLabeler'),
            unsup_loss or dict(type='PseudoLabelCrossEntropyLoss'),
            mixing,
            **kwargs,
        )
        if perturbation is None:
            perturbation = self.published_perturbation
        self.perturbation = (
            MODELS.build(perturbation) if perturbation else nn.Identity()
        )
        needs_pairs = getattr(self.perturbation, 'needs_pairs', False)
        if needs_pairs and not self.perturbs_pairs:
            raise ValueError(
                f'{type(self.perturbation).__name__} needs two views of each '
                f'image, and {type(self).__name__} perturbs one: choose '
                "perturbation=dict(type='ChannelDropout')"
            )


@MODELS.register_module()
class UniMatch(PerturbedViews):
    """Weak-to-strong consistency of images and features (arXiv 2208.09910).

    Yang et al., CVPR 2023. The student itself labels the weak view, in the
    train mode and the very forward that it learns from. What it says there
    is to hold for two strong views (colors and CutMix) and for features of
    the weak view with half of their channels dropped:

        L = (L_x + L_s1 / 4 + L_s2 / 4 + L_fp / 2) / 2

    with the supervised loss L_x and, for the others, the cross entropy of
    the labels whose confidence reaches the threshold, over all pixels that
    are no padding, of this process. So the loss grows with the share of
    confident pixels, and there is no ramp. Labels of what CutMix pastes come
    from a forward in eval mode.

    Published are a threshold of 0.95, 0 on Cityscapes; SGD with poly
    schedules of 80 (VOC) and 240 (Cityscapes) passes over the unlabeled
    images, 8 labeled and 8 unlabeled ones a step; no further heads.

    CutMix pastes another image of the batch (in reverse order, as in V2).
    The code pastes another view of the same photograph from a second stream,
    which performs alike, its authors say: ``second_stream=True`` of the data
    and ``mixing=dict(..., partner='same')``. All features are perturbed that
    enter the heads; in their network, those are two.

    Args:
        **kwargs: see :class:`PerturbedViews` and :class:`OnlineSegmentor`;
            ``sup_weight`` and ``unsup_weight`` are 0.5 by default. With
            ``joint_forward=False`` the labeled images go through the student
            alone.
    """

    other_branches: tuple[str, ...] = PARTNERS
    published_perturbation = dict(type='ChannelDropout')
    train_defaults = dict(
        OnlineSegmentor.train_defaults, sup_weight=0.5, unsup_weight=0.5
    )

    def step(self, batch: Batch) -> Losses:
        """Algorithm 1 of the paper, and its second strong view."""
        stream, pasted = self.second_stream(batch)
        looked = self.look(self.student, stream.weak)
        sup, clean, perturbed = self.decode_twice(batch)
        own = self.label(clean['decode'], batch)
        other = self.label_pasted(looked, stream)
        mixed = [
            self.mix(view, own, other, from_view)
            for view, from_view in zip(batch.strong, pasted)
        ]
        images = torch.cat([images for images, _ in mixed])
        strong = self.decode(self.student, images, auxiliary=False)
        first, second = strong['decode'].chunk(2)
        return {
            **self.sup(self.student, sup, batch),
            **self.unsup(first, mixed[0][1], 'unsup', 0.25),
            **self.unsup(second, mixed[1][1], 'unsup_2', 0.25),
            **self.unsup(perturbed['decode'], own, 'unsup_fp', 0.5),
        }

    def label_pasted(self, logits: Tensor, stream: Batch) -> Targets:
        """Targets of what is pasted.

        A labeler that learns from predictions learns from those of
        :meth:`step` alone, once.
        """
        with in_mode(self.pseudo_labeler, False):
            return self.label(logits, stream)

    def second_stream(
        self, batch: Batch
    ) -> tuple[Batch, list[Tensor] | list[None]]:
        """Other views of the images, and which to paste from.

        Without any, the batch itself, and no others.
        """
        if PARTNERS[0] not in batch.others:
            return batch, [None] * self.strong_views
        weak, samples = batch.others[PARTNERS[0]]
        names = PARTNERS[1 : 1 + self.strong_views]
        valid = valid_pixels(samples)
        stream = batch.change(weak=weak, valid=valid, samples=samples)
        return stream, [batch.others[name][0] for name in names]

    def decode_twice(self, batch: Batch) -> tuple[Outputs, Outputs, Outputs]:
        """Outputs of labeled images, of weak views, of these perturbed.

        The heads see all at once.
        """
        n, m = len(batch.sup), len(batch.weak)
        if self.semi_train_cfg['joint_forward']:
            outputs = self.decode(
                self.student,
                batch.join(batch.weak),
                perturb=self.with_perturbed,
            )
            # Nobody needs the labeled images perturbed.
            sup, clean, _, perturbed = split_outputs(outputs, [n, m, n, m])
            return sup, clean, perturbed
        sup = self.decode(self.student, batch.sup)
        outputs = self.decode(
            self.student, batch.weak, False, self.with_perturbed
        )
        clean, perturbed = split_outputs(outputs, [m, m])
        return sup, clean, perturbed

    def with_perturbed(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Features of all images, then the same perturbed."""
        pairs = zip(feats, self.perturbation(feats))
        return tuple(torch.cat(pair) for pair in pairs)
