"""A step of the optimizer as modules see it: in parts, in processes."""

from mmengine.dist import all_reduce
from torch import Tensor


class InParts:
    """What a module that learns from whole steps needs to know.

    Where a process takes its share of a step in parts
    (:func:`mmsemi.engine.accumulation.step_in_parts`), it is told which comes
    next. Averages over past batches then move once a step, not once a part.
    """

    part, parts, _calls = 0, 1, 0
    # Of the parts so far, by the number of the call in a part.
    _gathered: dict[int, Tensor]

    def set_part(self, part: int, parts: int) -> None:
        """Say which part of a step comes next, counted from 0."""
        self.part, self.parts, self._calls = part, parts, 0
        self._gathered = self._gathered if part else {}

    def over_step(
        self, values: Tensor, kind: str = 'sum', sync: bool = True
    ) -> Tensor | None:
        """Sums over the parts of a step so far, and over all processes.

        Args:
            values: of this part; the k-th call in each goes with the others.
            kind: ``'sum'``, or ``'max'`` for the highest values.
            sync: whether those of all processes are joined.

        Returns:
            Those of the whole step, None before its last part.
        """
        call, self._calls = self._calls, self._calls + 1
        if self.part:
            old = self._gathered.pop(call)
            values = values + old if kind == 'sum' else values.maximum(old)
        if self.part + 1 < self.parts:
            self._gathered[call] = values
            return None
        if sync:
            all_reduce(values, kind)
        return values
