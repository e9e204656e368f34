"""A good state of a training in memory, to go back to."""

from typing import Any

import torch

from mmsemi.engine.training_state import not_finite

from .optimizers import forget_moments, groups_of


class GoodState:
    """A copy of all weights and buffers, on the CPU.

    Every process keeps its own: buffers may differ, and no file is written.
    """

    def __init__(self) -> None:
        self.iteration: int | None = None
        self.weights: dict[str, Any] = {}
        self.learned: dict[str, list[int]] = {}

    def keep(
        self,
        model: torch.nn.Module,
        iteration: int,
        learned: dict[str, list[int]],
    ) -> None:
        """Copy the present state, if it is finite.

        Args:
            model: to copy.
            iteration: it is from.
            learned: classes that each of its networks can tell.
        """
        state = {
            key: value.detach().to('cpu', copy=True)
            if torch.is_tensor(value)
            else value
            for key, value in model.state_dict().items()
        }
        if not_finite(state) is None:
            self.weights, self.iteration = state, iteration
            self.learned = learned

    def bring_back(self, runner, model, lr_factor: float) -> int:
        """Put the state back, with an optimizer that starts anew.

        Args:
            runner: whose learning rates, those to come included, are scaled.
            model: to put it into.
            lr_factor: factor of the learning rates.

        Returns:
            The iteration the state is from.
        """
        model.load_state_dict(self.weights)
        # Its averages are those of the way into the collapse.
        forget_moments(runner.optim_wrapper)
        for group in groups_of(runner.optim_wrapper):
            for key in ('lr', 'initial_lr'):
                if key in group:
                    group[key] *= lr_factor
        schedulers = runner.param_schedulers or []
        if isinstance(schedulers, dict):
            schedulers = [s for some in schedulers.values() for s in some]
        for scheduler in schedulers:
            if scheduler.param_name == 'lr':
                scheduler.base_values = [
                    value * lr_factor for value in scheduler.base_values
                ]
        return self.iteration
