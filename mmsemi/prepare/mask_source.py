"""Masks of images, however they are stored."""

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmsemi.doctor.findings import Finding
from mmsemi.utils.errors import UsageError

from .files import name_of
from .mask_files import (
    COLOR,
    INNER,
    LABEL,
    Codes,
    MaskFacts,
    count,
    inside,
    read_codes,
    unpack,
)
from .pairing import Pair

NOTHING = 0  # code of pixels without a label
CLAIMED = 0xFFFFFFFF  # code of pixels that several labels claim, or none may
IGNORED_LABELS = ('__ignore__', 'ignore', 'void')
_SOFT = 2  # so many values between black and others are soft edges
BACKGROUND_LABELS = ('_background_', 'background')


class Labels:
    """Numbers of labels, from 1 on as they are met.

    Attributes:
        names: label of every number.
    """

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self._codes: dict[str, int] = {}
        self._lock = threading.Lock()

    def code_of(self, label: str) -> int:
        """The number of a label."""
        if label in IGNORED_LABELS:
            return CLAIMED
        if label in BACKGROUND_LABELS:
            return NOTHING
        with self._lock:
            code = self._codes.setdefault(label, len(self._codes) + 1)
            self.names[code] = label
        return code


class MaskSource:
    """Masks that are image files, one for each image.

    Args:
        labels: to be shared with other sources.

    Attributes:
        kind: ``files``, ``folders`` (of classes), ``image folders`` (with a
            file for each class), ``labelme`` or ``coco``.
        labels: label of every code, where files hold words.
    """

    kind = 'files'

    def __init__(self, labels: Labels | None = None) -> None:
        labels = labels or Labels()
        self.code_of = labels.code_of
        self.labels = labels.names

    def read(self, pair: Pair) -> Codes:
        """The mask of a pair.

        Raises:
            UsageError: if it cannot be read.
        """
        return read_codes(pair.masks[0][1])

    def digest(self, pair: Pair) -> str:
        """SHA-256 of what was drawn for a pair."""
        found = hashlib.sha256()
        for folder, file in pair.masks:
            found.update(folder.encode())
            found.update(Path(file).read_bytes())
        return found.hexdigest()

    def needs_image(self, pair: Pair) -> bool:
        """Whether its mask can only be read together with its image."""
        return False

    def notes(self, facts: Sequence[MaskFacts]) -> list[Finding]:
        """What a person should know about the files."""
        return []

    def category_ids(self, classes: Sequence[str]) -> list[int] | None:
        """Ids of classes in a file that numbers them, else None."""
        return None


class ClassFolders(MaskSource):
    """A file for each class; what is not black belongs to the class."""

    kind = 'folders'

    def __init__(self, pairs: list[Pair]) -> None:
        super().__init__()
        for label in sorted({c for pair in pairs for c, _ in pair.masks}):
            self.code_of(label)
        by_image = [
            name_of(Path(file).name) == label
            for pair in pairs
            for label, file in pair.masks
        ]
        if by_image and all(by_image):
            self.kind = 'image folders'

    def read(self, pair: Pair) -> Codes:
        codes = claimed = None
        for label, path in pair.masks:
            here = drawn(read_codes(path))
            if codes is None:
                codes = np.full(here.shape, NOTHING, np.uint32)
                claimed = np.zeros(here.shape, bool)
            elif codes.shape != here.shape:
                raise UsageError(
                    f'{path}: mask of {extent(here.shape)}, that of another '
                    f'class of this image is {extent(codes.shape)}. Replace '
                    'one of them'
                )
            codes[here & claimed] = CLAIMED
            codes[here & ~claimed] = self.code_of(label)
            claimed |= here
        assert codes is not None
        overlap = int((codes == CLAIMED).sum())
        return Codes(codes, LABEL, 'labels', overlap=overlap)


def drawn(mask: Codes) -> np.ndarray:
    """(H, W) bool, what is not black in the file of a class.

    It may hold the numbers of its objects. Of files with soft edges, and of
    JPEG, edges end at half of the darkest value that fills areas.
    """
    values = mask.codes
    if mask.space == COLOR:
        values = unpack(values).max(-1)
    found, pixels = count(values)
    top = int(found.max(initial=0))
    if mask.lossy or len(found) < 3:
        return values > top // 2
    inner = np.zeros_like(pixels)
    filled, numbers = count(values[inside(values)])
    inner[np.searchsorted(found, filled)] = numbers
    strong = found[(inner > INNER * pixels) & (found > 0)]
    weak = int((found > 0).sum()) - len(strong)
    if weak < _SOFT:
        return values > 0
    return values > int(strong.min(initial=top)) // 2


def extent(shape: tuple[int, ...]) -> str:
    return f'{shape[1]}x{shape[0]}'
