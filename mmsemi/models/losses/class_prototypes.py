"""A feature of each class, remembered from step to step."""

import torch
from torch import Tensor, nn

from mmsemi.ops.step import InParts


class ClassPrototypes(InParts, nn.Module):
    """Moving average of the mean feature of each class (U2PL).

    In step i (from 1) the average keeps min(1 - 1 / i, momentum) of itself.
    It moves once in a step of the optimizer, towards the means over all
    parts of the step and over all processes; what a part gets is the average
    as it was before, moved towards the means of this part. Classes that a
    step lacks stay as they are. Part of the checkpoint.

    Args:
        num_classes: number of classes C.
        channels: length D of a feature.
        momentum: the highest weight that the average keeps.
        as_released: forget classes that the step before lacked, which then
            start from zero, and keep one average in each process, as the
            released code does.
    """

    def __init__(
        self,
        num_classes: int,
        channels: int,
        momentum: float,
        as_released: bool = False,
    ) -> None:
        super().__init__()
        self.momentum = momentum
        self.as_released = as_released
        self.register_buffer('means', torch.zeros(num_classes, channels))
        self.register_buffer('steps', torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def update(
        self, sums: Tensor, counts: Tensor, classes: Tensor, several: Tensor
    ) -> Tensor:
        """Take features into the average; to be called once in each part.

        Args:
            sums: of the features of R of the classes, (R, D) float32.
            counts: how many features these are, (R, ).
            classes: which classes, (R, ) int64, all different.
            several: whether there are several classes to compare, a scalar;
                nothing is forgotten where there is but one.

        Returns:
            Averages of these classes, moved towards the given means, (R, D).
        """
        self.steps += self.part == 0
        moved = self._moved(mean(sums, counts), self.means[classes])
        table = sums.new_zeros(len(self.means), sums.shape[1] + 2)
        table[classes, :-2] = sums
        table[classes, -2] = counts.to(sums.dtype)
        table[:, -1] = several
        whole = self.over_step(table, sync=not self.as_released)
        if whole is not None:
            kept = self.means
            if self.as_released:
                kept = kept * (whole[:, -1:] == 0)
            total, number = whole[:, :-2], whole[:, -2]
            after = self._moved(mean(total, number), self.means)
            self.means.copy_(after.where(number[:, None] > 0, kept))
        return moved

    def _moved(self, means: Tensor, old: Tensor) -> Tensor:
        keep = (1 - 1 / self.steps).clamp(max=self.momentum)
        known = old.any(1, keepdim=True)
        if self.as_released:
            known = self.means.any()
        return torch.where(known, (1 - keep) * means + keep * old, means)


def mean(sums: Tensor, counts: Tensor) -> Tensor:
    """Rows of sums (R, D) divided by counts (R, ), 0 where there are none."""
    return sums / counts.clamp(min=1)[:, None]
