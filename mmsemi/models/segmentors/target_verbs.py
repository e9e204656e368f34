"""Verbs of an online method that make and change targets."""

import torch
from torch import Tensor, nn

from mmsemi.models.losses import TargetLoss
from mmsemi.models.mixing import (
    AdaptiveCutMix,
    BatchMixing,
    LabelInjectingCutMix,
)
from mmsemi.models.pseudo_labelers import PseudoLabeler, RoundPseudoLabeler
from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE

from .batch import Batch
from .figures import Record
from .network_verbs import NetworkVerbs
from .schedule import TrainingSchedule
from .unsup_losses import UnsupLosses


class TargetVerbs(NetworkVerbs, TrainingSchedule):
    """From logits to targets, and from targets to mixed ones."""

    pseudo_labeler: PseudoLabeler
    unsup_loss: TargetLoss
    further_losses: nn.ModuleDict
    mixing: nn.Module | None
    records: dict[str, list[Record]] | None

    @torch.no_grad()
    def label(
        self,
        logits: Tensor,
        batch: Batch,
        labeler: PseudoLabeler | None = None,
    ) -> Targets:
        """Targets for the unlabeled images of a batch.

        Args:
            logits: (M, C, h, w) for their weak views.
            batch: see :meth:`label_by`.
            labeler: as there.
        """
        probabilities = self.probabilities(logits, batch.weak.shape[-2:])
        return self.label_by(probabilities, batch, labeler)

    @torch.no_grad()
    def label_by(
        self,
        probabilities: Tensor,
        batch: Batch,
        labeler: PseudoLabeler | None = None,
    ) -> Targets:
        """Targets for the unlabeled images of a batch.

        What is annotated of them keeps its label, at full weight, as long as
        ``known_iters`` says.

        Args:
            probabilities: (M, C, H, W) for their weak views, float32.
            batch: says what is padding, which gets no label and no weight.
            labeler: of the network, where each has its own.
        """
        valid = batch.valid
        if labeler is None:
            targets = self.run_labeler(probabilities, valid)
        else:
            targets = self.ask(labeler, probabilities, valid)
        soft = None
        if self.soft_losses:
            soft = probabilities if targets.soft is None else targets.soft
        targets = targets.change(
            labels=targets.labels.masked_fill(~valid, IGNORE),
            weights=targets.weights * valid,
            valid=valid,
            soft=soft,
        )
        if self.semi_train_cfg['audit']:
            targets = targets.change(truth=batch.truth)
        if self.learns_known:
            targets = targets.with_known(batch.annotated)
        self.record('labeled', batch.weak, targets, batch.samples)
        return targets

    def run_labeler(self, probabilities: Tensor, valid: Tensor) -> Targets:
        """What the method labels by: its pseudo-labeler."""
        return self.ask(self.pseudo_labeler, probabilities, valid)

    def ask(
        self, labeler: PseudoLabeler, probabilities: Tensor, valid: Tensor
    ) -> Targets:
        """Targets of a labeler, told the progress if it asks for it."""
        progress = self.progress if labeler.needs_progress else 0.0
        return labeler(probabilities, valid, progress)

    def mix(
        self,
        images: Tensor,
        own: Targets,
        other: Targets | None = None,
        pasted: Tensor | None = None,
    ) -> tuple[Tensor, Targets]:
        """Mix images and their targets alike.

        Args:
            images: strong views (M, 3, H, W).
            own: their targets.
            other: targets of the same images to take for what is pasted, if
                those come from another forward.
            pasted: other images to paste from, to which ``other`` belongs.
        """
        self.record('strong', images, own)
        if self.mixing is None:
            return images, own
        self.check_stream(pasted is not None)
        if pasted is None:
            images, targets = self.run_mixing(images, own, other)
        elif isinstance(self.mixing, BatchMixing):
            images, targets = self.mixing(images, own, other, pasted)
        else:
            raise UsageError(
                f'mixing={type(self.mixing).__name__} chooses what it pastes '
                'from the batch: leave data.second_stream out'
            )
        self.record('mixed', images, targets)
        return images, targets

    def run_mixing(
        self, images: Tensor, own: Targets, other: Targets | None
    ) -> tuple[Tensor, Targets]:
        """The mixing module, see :meth:`mix`."""
        return self.mixing(images, own, other)

    def record(
        self,
        name: str,
        images: Tensor | None,
        targets: Targets,
        samples: list | None = None,
    ) -> None:
        """Keep what a step saw, if ``recording`` was set before it.

        Hooks set it for one iteration at a time and find in the end that
        ``records[name]`` is a list of :class:`Record`, in order: ``labeled``
        (weak views, with their samples), ``strong``, ``mixed`` and
        ``learned`` (no images; what the loss got). What belongs together
        has the very same targets.
        """
        if self.records is not None:
            self.records.setdefault(name, []).append(
                Record(images, targets, samples or [])
            )

    @property
    def losses(self) -> UnsupLosses:
        """All losses of unlabeled images that a config names."""
        return UnsupLosses(self.unsup_loss, self.further_losses)

    @property
    def soft_losses(self) -> list[str]:
        """Those of them that want probabilities."""
        return [
            type(loss).__name__ for loss in self.losses.all if loss.needs_soft
        ]

    def check_mixing(self) -> None:
        """Refuse a mixing that the step cannot serve.

        Raises:
            TypeError: if it wants more than unlabeled images.
            UsageError: if it prefers classes and knows of none.
        """
        if isinstance(self.mixing, LabelInjectingCutMix):
            raise TypeError(
                'mixing=LabelInjectingCutMix pastes labeled images too, which '
                "is the method AugSeg: set model.type='AugSeg', or choose "
                'another mixing'
            )
        known = hasattr(type(self), 'class_confidence')  # AEL
        if isinstance(self.mixing, AdaptiveCutMix) and not known:
            self.mixing.check_classes()

    def check_stream(self, second: bool) -> None:
        """Refuse a mixing that would paste every image into itself.

        Args:
            second: whether there is a second stream of images.

        Raises:
            UsageError: if there is none, and the mixing needs it.
        """
        if not second and getattr(self.mixing, 'partner', '') == 'same':
            raise UsageError(
                "mixing.partner='same' pastes from a second stream, and there "
                'is none, so nothing would be mixed: set '
                "data.second_stream=True for UniMatch, or partner='roll'"
            )


def build_labeler(config: dict) -> PseudoLabeler:
    """Build a labeler of batches.

    Raises:
        TypeError: if it is none, or one whose thresholds come from a whole
            set: nobody would set them.
    """
    labeler = MODELS.build(config)
    name = type(labeler).__name__
    if isinstance(labeler, RoundPseudoLabeler):
        raise TypeError(
            f'pseudo_labeler={name} takes its thresholds from all unlabeled '
            "images, as rounds do. Batch by batch take dict(type='Online"
            f"ClassBalancedPseudoLabeler', labeler=dict(type={name!r})), or "
            'a ConfidencePseudoLabeler for a threshold that is given'
        )
    if not isinstance(labeler, PseudoLabeler):
        raise TypeError(
            'pseudo_labeler must turn probabilities into labels, a '
            f'PseudoLabeler such as ConfidencePseudoLabeler; got {name}'
        )
    return labeler
