"""CorrMatch: labels spread by how alike the pixels of an image are."""

from typing import Any

import torch
from torch import Tensor, nn

from mmsemi.models.decode_heads import CorrelationBranch, SemanticEmbeddingHead
from mmsemi.models.losses import SoftmaxKLLoss
from mmsemi.models.pseudo_labelers import (
    DynamicThresholdPseudoLabeler,
    spread_over_regions,
)
from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS

from .batch import Batch
from .figures import named_losses
from .network_verbs import Outputs
from .online import Losses
from .unimatch import UniMatch


@MODELS.register_module()
class CorrMatch(UniMatch):
    """Label propagation via correlation matching (arXiv 2306.04300).

    Sun et al., CVPR 2024. :class:`UniMatch` with one strong view and three
    things more: a branch that learns which pixels of an image are alike and
    passes logits on by it (:class:`CorrelationBranch`); labels of the strong
    view spread over regions of like pixels (:func:`spread_over_regions`); a
    threshold that follows the model
    (:class:`DynamicThresholdPseudoLabeler`):

        L = (L_x / 2 + L_x^c / 2 + L_s / 4 + L_kl / 4 + L_fp / 4
             + (L_s^c + L_w^c) / 8) / 2

    with the supervised loss L_x, the cross entropy L_s of the strong view
    with spread labels, the divergence L_kl of its probabilities from those
    of the weak view, where these are sure, L_fp as in UniMatch, and losses
    with c of what the branch passes on, from labels that are not spread.
    Each loss of unlabeled images is divided by the valid pixels.

    Only the student predicts; the branch is there for training alone.

    Args:
        student: see :class:`OnlineSegmentor`. Features of the branch are the
            last ones that its head reads.
        pseudo_labeler: a :class:`DynamicThresholdPseudoLabeler`; with
            ``momentum=0`` the threshold is fixed.
        regions: rows of a correlation drawn in an image.
        correlation: changes to the arguments of :class:`CorrelationBranch`.
        **kwargs: see :class:`UniMatch`; ``sup_weight`` is 0.25 and
            ``unsup_weight`` 0.5 by default.
    """

    strong_views = 1
    other_branches = UniMatch.other_branches[:2]
    train_defaults = dict(UniMatch.train_defaults, sup_weight=0.25)

    def __init__(
        self,
        student: dict,
        pseudo_labeler: dict | None = None,
        regions: int = 128,
        correlation: dict | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            student,
            pseudo_labeler or dict(type='DynamicThresholdPseudoLabeler'),
            **kwargs,
        )
        if not isinstance(self.pseudo_labeler, DynamicThresholdPseudoLabeler):
            raise TypeError(
                'CorrMatch needs a DynamicThresholdPseudoLabeler, which also '
                'decides what regions count, got '
                f'{type(self.pseudo_labeler).__name__}. Its threshold is '
                'fixed with momentum=0'
            )
        if regions < 1:
            raise ValueError(f'regions must be at least 1, got {regions}')
        self.regions = regions
        head, given = self.student.decode_head, student['decode_head']
        if isinstance(head, SemanticEmbeddingHead):  # the one in it reads
            head, given = head.head, given['head']
        # Heads that join their inputs only know the sum of the channels.
        channels = given.get('in_channels', head.in_channels)
        index = head.in_index
        self.feature = index if isinstance(index, int) else index[-1]
        self.correlation = CorrelationBranch(
            channels if isinstance(channels, int) else channels[-1],
            self.num_classes,
            **dict(dict(norm_cfg=head.norm_cfg), **(correlation or {})),
        )
        self.soft_loss = SoftmaxKLLoss()

    def step(self, batch: Batch) -> Losses:
        """UniMatch's step with one strong view, and what is said above."""
        stream, (pasted,) = self.second_stream(batch)
        looked = self.look(self.student, stream.weak)
        sup, clean, perturbed = self.decode_twice(batch)
        own = self.label(clean['decode'], batch)
        other = self.label_pasted(looked, stream)
        images, mixed = self.mix(
            batch.strong[0], marked(own, 0), marked(other, 1), pasted
        )
        strong = self.decode(self.student, images, auxiliary=False)
        (passed_x, passed), _ = self.pass_on(sup, clean)
        (passed_s,), correlation = self.pass_on(strong)
        spread = self.spread(mixed, correlation)
        return {
            **self.sup(self.student, sup, batch),
            **self.sup(self.student, dict(decode=passed_x), batch, 'sup_corr'),
            **self.unsup(strong['decode'], spread, 'unsup', 0.25),
            **self.soften(strong['decode'], mixed, 0.25),
            **self.unsup(perturbed['decode'], own, 'unsup_fp', 0.25),
            **self.unsup(passed_s, mixed, 'unsup_corr', 0.125),
            **self.unsup(passed, own, 'unsup_corr_weak', 0.125),
            'threshold': self.pseudo_labeler.threshold.clone(),
        }

    def labeled_only(self, batch: Batch) -> Losses:
        """The student and the branch learn from labeled images."""
        sup = self.decode(self.student, batch.sup)
        (passed,), _ = self.pass_on(sup)
        return {
            **self.sup(self.student, sup, batch),
            **self.sup(self.student, dict(decode=passed), batch, 'sup_corr'),
        }

    def run_heads(
        self, network: nn.Module, feats: tuple, auxiliary: bool
    ) -> Outputs:
        """Outputs of the heads, and the features that the branch reads."""
        outputs = super().run_heads(network, feats, auxiliary)
        return {**outputs, 'features': feats[self.feature]}

    def pass_on(self, *outputs: Outputs) -> tuple[tuple[Tensor, ...], Tensor]:
        """Logits of several outputs passed on, and all correlations."""
        features, logits = (
            torch.cat([part[name] for part in outputs])
            for name in ('features', 'decode')
        )
        passed, correlation = self.correlation(features, logits)
        return passed.split([len(o['decode']) for o in outputs]), correlation

    def spread(self, targets: Targets, correlation: Tensor) -> Targets:
        """Targets of the strong view, outside of what was pasted, spread."""
        drawn = torch.randperm(correlation.shape[1], device=correlation.device)
        return spread_over_regions(
            targets,
            correlation.detach()[:, drawn[: self.regions]],
            targets.valid & (targets.beside.labels == 0),
            self.pseudo_labeler.threshold,
            self.num_classes,
        )

    def soften(
        self, logits: Tensor, targets: Targets, factor: float
    ) -> Losses:
        """The loss of whole distributions, where the weak view is sure."""
        logits = self.upsample(logits, targets.labels.shape[-2:])
        loss = self.soft_loss(logits, targets)
        return named_losses(loss, 'loss_unsup_kl', self.unsup_weight * factor)

    @property
    def soft_losses(self) -> list[str]:
        """One more than the frame knows of."""
        return [*super().soft_losses, type(self.soft_loss).__name__]


def marked(targets: Targets, mark: int) -> Targets:
    """Targets that tell behind mixing where a pixel comes from."""
    return targets.change(
        beside=Targets(torch.full_like(targets.labels, mark))
    )
