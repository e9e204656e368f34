"""How the course of the training changes an online method."""

import math
from typing import Any


class TrainingSchedule:
    """Warm-up and ramp-up of an online method, by the iteration.

    Reads ``warmup_iters``, ``ramp_up_iters``, ``known_iters`` and
    ``unsup_weight`` of ``semi_train_cfg``. ``TrainingProgressHook`` says how
    far training is; no checkpoint needs it.
    """

    semi_train_cfg: dict[str, Any]
    iteration: int | None = None
    max_iters: int = 0

    def set_progress(self, iteration: int, max_iters: int) -> None:
        """Tell the model how far training is; schedules need it."""
        self.iteration, self.max_iters = iteration, max_iters

    @property
    def progress(self) -> float:
        """Share of the training that is done, in [0, 1).

        Raises:
            RuntimeError: when nobody has said.
        """
        return self._known_iteration() / max(self.max_iters, 1)

    def _known_iteration(self) -> int:
        if self.iteration is None:
            raise RuntimeError(
                'a schedule of this model needs the iteration: add '
                'TrainingProgressHook to custom_hooks, or call set_progress'
            )
        return self.iteration

    @property
    def warming_up(self) -> bool:
        """Whether unlabeled images are still left aside."""
        length = self.semi_train_cfg['warmup_iters']
        return bool(length) and self._known_iteration() < length

    @property
    def learns_known(self) -> bool:
        """Whether what is annotated of unlabeled images is learned."""
        length = self.semi_train_cfg['known_iters']
        return length is None or self._known_iteration() < length

    @property
    def unsup_weight(self) -> float:
        """Present factor of the loss of unlabeled images."""
        weight = self.semi_train_cfg['unsup_weight']
        length = self.semi_train_cfg['ramp_up_iters']
        if not length:
            return weight
        done = self._known_iteration() - self.semi_train_cfg['warmup_iters']
        share = min(max(done / length, 0.0), 1.0)
        return weight * math.exp(-5 * (1 - share) ** 2)
