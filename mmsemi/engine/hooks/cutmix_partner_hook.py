from collections.abc import Sequence

import numpy as np
import torch
from mmengine.dist import all_gather
from mmengine.hooks import Hook
from torch import Tensor

from mmsemi.datasets.samplers.cutmix_partner import (
    CutMixPartnerSampler,
    Partners,
)
from mmsemi.models.mixing import AdaptiveCutMix
from mmsemi.models.mixing.adaptive import class_distribution, draw_source
from mmsemi.models.wrappers import unwrapped
from mmsemi.registry import HOOKS
from mmsemi.utils.compat import goes_on

KEY = 'cutmix_partners'


@HOOKS.register_module()
class CutMixPartnerHook(Hook):
    """Choose what adaptive CutMix pastes from all unlabeled images (AEL).

    Remembers which unlabeled image the teacher saw which class in, when
    last it met the image. For every image of a batch a class is drawn, the
    likelier the less sure the student is of it, and one of the images known
    to show it (any, where none is); a :class:`CutMixPartnerSampler` loads
    it, an :class:`AdaptiveCutMix` pastes an object of that class (Hu et
    al., NeurIPS 2021, arXiv 2110.05474). All processes share the memory; in
    the published code each has its own. Part of the checkpoint; where
    workers load ahead, the batches on the way are drawn anew by a resumed
    run.
    """

    # Checkpoints of an iteration hold what it has seen.
    priority = 'NORMAL'

    def __init__(self) -> None:
        self.presence: np.ndarray | None = None  # bool (C, images)
        self.batch: Partners | None = None

    def before_train(self, runner) -> None:
        """Tie sampler and model together."""
        self.model = unwrapped(runner.model)
        self.sampler = runner.train_dataloader.sampler
        self.mixing = getattr(self.model, 'mixing', None)
        if not isinstance(
            self.sampler, CutMixPartnerSampler
        ) or not isinstance(self.mixing, AdaptiveCutMix):
            raise TypeError(
                'CutMixPartnerHook needs train_dataloader.sampler of type '
                'CutMixPartnerSampler and model.mixing of type '
                f'AdaptiveCutMix, got {type(self.sampler).__name__} and '
                f'{type(self.mixing).__name__}'
            )
        given = runner.train_dataloader.batch_size
        if given != self.sampler.batch_size:
            raise ValueError(
                f'train_dataloader.batch_size is {given}, but its sampler '
                f'draws {self.sampler.batch_size}, partners included'
            )
        self.batch = None
        shape = len(self.confidence()), self.sampler.sizes[-1]
        if self.presence is None:
            self.presence = np.zeros(shape, bool)
        elif self.presence.shape != shape:
            raise ValueError(
                'the checkpoint remembers {} classes in {} unlabeled images, '
                'this run has {} in {}: resume with the same lists'.format(
                    *self.presence.shape, *shape
                )
            )
        self.sampler.draw = self.draw

    def confidence(self) -> Tensor:
        """How sure the model is of each class, (C, ).

        Raises:
            UsageError: when nobody knows.
        """
        confidence = getattr(self.model, 'class_confidence', None)
        if confidence is None:
            self.mixing.check_classes()
            confidence = self.mixing.confidence
        return confidence

    def draw(
        self, rngs: Sequence[np.random.Generator]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Classes, and positions of images that show them, (n, ) each.

        Args:
            rngs: a generator for each image.
        """
        chances = (
            class_distribution(self.confidence(), self.mixing.smooth)
            .cpu()
            .numpy()
        )
        chances = chances / chances.sum()
        pairs = [draw_source(chances, self.presence, rng) for rng in rngs]
        return tuple(np.array(pairs).T)

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Tell the mixing which classes its partners were drawn for."""
        drawn = self.sampler.drawn
        # A loop may load what a resumed run skips.
        if self.batch is None and drawn[-1].number >= runner.iter:
            while drawn[0].number < runner.iter:
                drawn.popleft()
        self.batch = drawn.popleft()
        self.mixing.classes = self.batch.classes
        if self.batch.classes is None:  # loaded before the hook was there
            images = self.batch.images
            rng = np.random.default_rng((self.sampler.seed, *images))
            self.mixing.classes, _ = self.draw([rng] * (len(images) // 2))

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Remember what the teacher has seen."""
        self.mixing.classes = None
        if self.mixing.presence is None:
            return  # warm-up
        # Ranks come in one order, so all end with the same memory.
        images = all_gather(torch.from_numpy(self.batch.images))
        seen = all_gather(torch.from_numpy(self.mixing.presence))
        for index, shown in zip(images, seen):
            self.presence[:, index.numpy()] = shown.numpy()
        self.mixing.presence = None

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Keep the memory."""
        if self.presence is not None:
            checkpoint[KEY] = torch.from_numpy(self.presence.copy())

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Take the memory of a run that goes on."""
        if goes_on(runner) and KEY in checkpoint:
            # Resuming loads to the device of the model.
            self.presence = checkpoint[KEY].cpu().numpy()
