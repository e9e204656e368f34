"""Which classes a network could tell and can no longer."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

# A class is learned when so much of it was found once, and a batch tells
# something of it when so much of its pixels are of it. It is missed when fewer
# pixels are predicted, right or wrong, than this share of what is there.
LEARNED, PRESENT, MISSED = 0.1, 1e-3, 0.01


class Collapse(NamedTuple):
    """What a network no longer does.

    Attributes:
        kind: ``'classes'`` are no longer predicted, or ``'one class'`` alone
            is.
        classes: ids of them, or of the one.
    """

    kind: str
    classes: list[int]


class ClassWatch:
    """Compares what a network predicts now with what it did before.

    A class is lost when the network had found a tenth of it in some labeled
    batch, and then hardly predicts it anywhere in ``patience`` looks at
    batches that hold it. So nothing is said while a network learns its first
    classes; :attr:`untold` says when it never does.

    Args:
        patience: see above.
        state: of an earlier one, to go on.
    """

    def __init__(self, patience: int, state: dict | None = None) -> None:
        state = state or {}
        self.patience = patience
        self.learned: set[int] = set(state.get('learned', ()))
        self.missed: dict[int, int] = dict(state.get('missed', ()))
        self.alike: int = state.get('alike', 0)
        self.seen: set[int] = set(state.get('seen', ()))
        self.looks: int = state.get('looks', 0)

    def state(self) -> dict[str, Any]:
        """Plain data to go on from."""
        return dict(
            learned=sorted(self.learned),
            missed=sorted(self.missed.items()),
            alike=self.alike,
            seen=sorted(self.seen),
            looks=self.looks,
        )

    @property
    def well(self) -> bool:
        """Whether nothing is missed at the moment."""
        return not self.alike and not any(self.missed.values())

    @property
    def untold(self) -> bool:
        """Whether after several looks no class is told from another."""
        several = self.looks > self.patience and len(self.seen) > 1
        return several and len(self.learned) < 2

    def look(
        self, confusion: np.ndarray, elsewhere: np.ndarray
    ) -> Collapse | None:
        """Add what was seen in one batch.

        Args:
            confusion: (C, C) pixels of a labeled batch, rows are the truth.
            elsewhere: (C,) predicted pixels of images without truth.

        Returns:
            What is lost by now, told once.
        """
        truth, right = confusion.sum(1), np.diag(confusion)
        predicted = confusion.sum(0) + elsewhere
        present = truth > PRESENT * max(truth.sum(), 1)
        known = np.flatnonzero(present & (right >= LEARNED * truth))
        self.learned.update(known.tolist())
        self.seen.update(np.flatnonzero(present).tolist())
        self.looks += 1
        for index in self.learned:
            if predicted[index] > MISSED * truth[index]:
                self.missed[index] = 0
            elif present[index]:
                self.missed[index] = self.missed.get(index, 0) + 1
        top = int(predicted.argmax())
        others = truth.sum() - truth[top]
        single = predicted.sum() - predicted[top] <= MISSED * others
        if single and present.sum() > 1 and len(self.learned) > 1:
            self.alike += 1
        elif not single:
            self.alike = 0
        lost = [k for k, n in self.missed.items() if n >= self.patience]
        if self.alike >= self.patience or (single and lost):
            self.forget()
            return Collapse('one class', [top])
        if lost:
            self.learned -= set(lost)
            self.missed = {
                k: n for k, n in self.missed.items() if k not in lost
            }
            return Collapse('classes', sorted(lost))
        return None

    def forget(self) -> None:
        """Begin anew, as a network does that starts again."""
        self.learned, self.missed, self.alike = set(), {}, 0
        self.seen, self.looks = set(), 0

    def recall(self, learned: Sequence[int]) -> None:
        """Go on with what a network had learned that comes back."""
        self.forget()
        self.learned = set(learned)
