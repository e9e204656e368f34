"""Say so where nothing is learned from unlabeled images."""

import torch
from mmengine.hooks import Hook
from torch import Tensor

from mmsemi.models.wrappers import unwrapped
from mmsemi.registry import HOOKS

# What methods log: the share of labels that count, and how sure they are.
SHARE, CONFIDENCE = 'confident_ratio', 'mean_confidence'
# Iterations with which a run that is shorter than a stretch tells something.
FEWEST = 50


@HOOKS.register_module()
class LabelShareHook(Hook):
    """Warn once if no label of an unlabeled image counts for long.

    A threshold that no pixel reaches trains on labeled images alone, and
    nothing else would tell. Iterations of the warm-up do not count.
    :class:`CalmRunner` has this hook by itself.

    Args:
        stretch: iterations without a label after which to warn; also the
            interval at which a GPU is waited for.
    """

    priority = 'LOW'

    def __init__(self, stretch: int = 500) -> None:
        self.stretch = stretch
        self.kept: list[Tensor] = []
        self.told = self.looked = False

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Keep two figures of the iteration; look now and then."""
        if self.told or SHARE not in (outputs or {}):
            return
        confidence = outputs.get(CONFIDENCE, outputs[SHARE])
        self.kept.append(
            torch.stack([outputs[SHARE], confidence]).detach().float()
        )
        if len(self.kept) == self.stretch:
            self.look(runner, runner.iter + 1)

    def after_train(self, runner) -> None:
        """Look at a run that is shorter than a stretch."""
        if FEWEST <= len(self.kept) and not self.looked:
            self.look(runner, runner.iter)

    def look(self, runner, done: int) -> None:
        """Warn if none of the labels since the last look counted."""
        kept, self.kept, self.looked = torch.stack(self.kept), [], True
        if (kept[:, 0] > 0).any():
            return
        self.told = True
        labeler = getattr(unwrapped(runner.model), 'pseudo_labeler', None)
        thresholds = getattr(labeler, 'thresholds', None)
        given = ''
        if thresholds is not None and len(thresholds.shape) == 0:
            given = f'; the threshold is {float(thresholds):g}'
        runner.logger.warning(
            f'no pixel of an unlabeled image got a label that counts in '
            f'{len(kept)} iterations (up to {done}): the mean confidence was '
            f'{kept[:, 1].mean():.2f}, and at most {kept[:, 1].max():.2f} in '
            f'an iteration{given}. Only labeled images are learned from. Let '
            'model.pseudo_labeler keep more labels, or train the labeled '
            'images longer before (semi_train_cfg.warmup_iters)'
        )
