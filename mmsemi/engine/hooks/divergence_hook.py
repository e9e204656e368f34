"""Stop a training that has diverged, while its last good state is there."""

import torch
from mmengine.dist import all_gather_object, get_world_size
from mmengine.hooks import Hook
from torch import Tensor

from mmsemi.registry import HOOKS
from mmsemi.utils.batches import refuse_not_finite
from mmsemi.utils.errors import TrainingFailed

from ..training_state import not_finite


@HOOKS.register_module()
class DivergenceHook(Hook):
    """Stop at a loss, or an image, that is not finite.

    An image with NaN or infinite values is refused before it is trained on:
    one is enough to spoil the statistics of BatchNorm, a memory bank and a
    moving average for good.

    Losses are looked at together, every so many iterations and before a
    checkpoint is saved: each time a GPU is waited for, and all processes tell
    each other. On a CPU one process looks every time.

    Args:
        interval: iterations between two looks.
    """

    # Before the teacher moves and anything is logged or saved.
    priority = 'VERY_HIGH'

    def __init__(self, interval: int = 50) -> None:
        if interval < 1:
            raise ValueError(f'interval must be at least 1, got {interval}')
        self.interval = interval
        self.kept: list[tuple[int, str, Tensor]] = []

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Refuse images that are not finite."""
        refuse_not_finite(data_batch, f'iteration {runner.iter + 1}')

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Keep the losses, and look at them now and then."""
        done = runner.iter + 1
        on_cpu = True
        for name, value in (outputs or {}).items():
            if 'loss' in name and torch.is_tensor(value):
                self.kept.append((done, name, value.detach().reshape(())))
                on_cpu = on_cpu and value.device.type == 'cpu'
        often = on_cpu and get_world_size() == 1
        if often or done % self.interval == 0 or done == runner.max_iters:
            self.look(runner)

    def after_train_epoch(self, runner, metrics=None) -> None:
        """Look at what is left."""
        self.look(runner)

    def look(self, runner=None) -> None:
        """Stop if a loss since the last look was not finite.

        ``CollapseHook`` may go back to a good state instead.

        Raises:
            TrainingFailed: naming iteration and term.
        """
        kept, self.kept = self.kept, []
        found = None
        if kept:
            finite = torch.stack([value.float() for *_, value in kept])
            wrong = (~finite.isfinite()).nonzero()[:, 0].tolist()
            if wrong:
                first = kept[wrong[0]][0]
                names = [kept[k][1] for k in wrong if kept[k][0] == first]
                # The sum is named only where no term of it is.
                found = (
                    first,
                    next((name for name in names if name != 'loss'), 'loss'),
                )
        everywhere = [one for one in all_gather_object(found) if one]
        if everywhere:
            iteration, term = min(everywhere)
            text = f'{term} is not finite in iteration {iteration}'
            if go_back(runner, text):
                return
            raise TrainingFailed(
                f'training has diverged: {text}. Start again with a lower '
                'learning rate; what was saved before is unchanged'
            )

    def after_restore(self, runner) -> None:
        """Forget losses of before a training went back."""
        self.kept = []


def go_back(runner, text: str) -> bool:
    """Have ``CollapseHook`` go back to a good state; whether it did.

    Args:
        runner: of the training.
        text: what is wrong.
    """
    return any(
        hook.after_divergence(runner, text)
        for hook in getattr(runner, 'hooks', ())
        if hasattr(hook, 'after_divergence')
    )


def go_back_if_not_finite(runner, iteration: int) -> None:
    """Go back where weights are not finite, though the loss still was."""
    name = not_finite(runner.model.state_dict())
    found = [name for name in all_gather_object(name) if name]
    if found:
        go_back(runner, f'{found[0]} is not finite in iteration {iteration}')
