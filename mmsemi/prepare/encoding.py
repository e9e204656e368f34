"""How classes are stored in masks, and back."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mmsemi.utils.labels import IGNORE

from .mask_files import COLOR, LABEL, pack, unpack
from .mask_source import CLAIMED

MOST_CLASSES = 254


@dataclass
class Encoding:
    """How classes are stored in somebody's masks, and back.

    Attributes:
        kind: ``ids``, ``binary``, ``from one``, ``steps``, ``values``,
            ``colors`` or ``labels``.
        space: of the codes, see :mod:`.mask_files`.
        classes: their names; the index is the training id.
        codes: of each class, one of them.
        ignored: codes that become 255.
        snap: whether values between those of classes go to the nearest.
        slack: by how much the values of areas differ from ``codes``.
        mode: pixel format of the files.
        white: value that white stands for in files of 1 bit.
        source: kind of :class:`.mask_source.MaskSource`.
        palette: colors of palette files.
        categories: of COCO files, the id of each class there.
    """

    kind: str
    space: str
    classes: list[str]
    codes: list[int]
    ignored: list[int] = field(default_factory=list)
    snap: bool = False
    slack: int = 0
    mode: str = 'L'
    source: str = 'files'
    palette: list[int] | None = None
    categories: list[int] | None = None
    white: int = 1

    def as_data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    def show(self, code: int) -> str:
        """A code as a person wrote it."""
        if self.space == COLOR:
            return f'#{code:06x}'
        return str(code)

    def lines(self) -> list[str]:
        """The mapping, a line a class."""
        words = (
            [name for name in self.classes]
            if self.space == LABEL
            else [self.show(code) for code in self.codes]
        )
        width = max(map(len, words), default=0)
        lines = [
            f'{word:>{width}} -> {index} {name}'
            for index, (word, name) in enumerate(zip(words, self.classes))
        ]
        if self.ignored and self.space != LABEL:
            shown = ', '.join(self.show(code) for code in self.ignored)
            lines.append(f'{shown:>{width}} -> {IGNORE} ignored')
        return lines

    def sure(self, codes: np.ndarray) -> np.ndarray:
        """(K,) bool, whether codes are those of a class, not of an edge."""
        known = np.array([*self.codes, *self.ignored], np.uint32)
        if not self.snap:
            return np.ones(len(codes), bool)
        return distances(codes, known, self.space).min(1) <= self.slack

    def map_codes(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Training ids of some codes, each for itself.

        Args:
            codes: (K,) uint32.

        Returns:
            (K,) uint8 ids and (K,) bool, whether a code was none of a class
            and went to the nearest.

        Raises:
            KeyError: if a code is unknown and nothing is to be snapped.
        """
        known = np.array([*self.codes, *self.ignored], np.uint32)
        ids = [*range(len(self.codes)), *[IGNORE] * len(self.ignored)]
        ids = np.array(ids, np.uint8)
        centers = known
        known = np.append(known, np.uint32(CLAIMED))
        ids = np.append(ids, np.uint8(IGNORE))
        order = np.argsort(known)
        place = np.searchsorted(known[order], codes).clip(max=len(known) - 1)
        place = order[place]
        changed = known[place] != codes
        if changed.any():
            if not self.snap:
                raise KeyError(int(codes[changed][0]))
            far = distances(codes[changed], centers, self.space)
            place[changed] = far.argmin(1)
        return ids[place], changed


def distances(
    codes: np.ndarray, centers: np.ndarray, space: str
) -> np.ndarray:
    """(K, C) float32, how far codes are from those of classes."""
    if space == COLOR:
        here, there = unpack(codes), unpack(centers)
    else:
        here, there = codes[:, None], centers[:, None]
    gap = here[:, None].astype(np.float32) - there[None].astype(np.float32)
    return np.sqrt((gap**2).sum(-1))


def color_of(encoding: Encoding, index: int) -> int:
    """The color that a class has in the files, -1 where it has none."""
    if encoding.space == COLOR:
        return encoding.codes[index]
    if encoding.palette is not None:
        table = np.array(encoding.palette, np.uint8).reshape(-1, 3)
        return int(pack(table[encoding.codes[index]]))
    return -1
