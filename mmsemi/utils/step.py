"""A step of the optimizer as modules see it: in parts, in processes."""

from mmengine.dist import all_reduce
from torch import Tensor


class InParts:
    """What a module that learns from whole steps needs to know.

    Where a process takes its share of a step in parts (see
    :func:`mmsemi.engine.accumulation.step_in_parts`), a module is told which
    one comes next. Averages over past batches then move once a step, by the
    sums over all parts, and not once a part.
    """

    part, parts = 0, 1
    _sums: Tensor | None = None

    def set_part(self, part: int, parts: int) -> None:
        """Say which part of a step comes next, counted from 0."""
        self.part, self.parts = part, parts

    @property
    def is_last_part(self) -> bool:
        """Whether the step is complete with this part."""
        return self.part + 1 == self.parts

    def sum_of_step(self, sums: Tensor, sync: bool = True) -> Tensor | None:
        """Sums over the parts of a step so far, and over all processes.

        Args:
            sums: of this part; to be called once for each.
            sync: whether to add up those of all processes.

        Returns:
            The sums of the whole step, None before its last part.
        """
        if self.part:
            sums = sums + self._sums
        if not self.is_last_part:
            self._sums = sums
            return None
        self._sums = None
        if sync:
            all_reduce(sums)
        return sums
