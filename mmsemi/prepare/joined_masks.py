"""Masks that are images, and JSON files beside them, as one source.

So corrected files of ``label_next`` join the masks of a first run: their
labels are the names of classes, whatever values the images store them as.
The images decide which classes there are.
"""

from collections.abc import Sequence

import numpy as np

from mmsemi.doctor.findings import Finding
from mmsemi.utils.errors import UsageError

from .drawn_masks import DrawnMasks
from .encoding import Encoding
from .files import is_json
from .labeled_classes import background_of
from .mask_files import LABEL, Codes, MaskFacts
from .mask_source import CLAIMED, NOTHING, ClassFolders, MaskSource
from .pairing import Pair


class JoinedMasks(MaskSource):
    """Image files for some images, JSON files for others.

    What JSON files hold is said in labels until :meth:`adopt` was told how
    the image files store classes, and in their codes from then on.

    Args:
        drawn: source of the JSON files alone.
    """

    def __init__(self, drawn: DrawnMasks) -> None:
        super().__init__()
        self.drawn = drawn
        self.labels = drawn.labels
        self._table: np.ndarray | None = None
        self._space = LABEL

    def read(self, pair: Pair) -> Codes:
        if not is_drawn(pair):
            return super().read(pair)
        mask = self.drawn.read(pair)
        if self._table is None:
            return mask
        return mask._replace(
            codes=_translated(mask.codes, self._table), space=self._space
        )

    def digest(self, pair: Pair) -> str:
        if is_drawn(pair):
            return self.drawn.digest(pair)
        return super().digest(pair)

    def needs_image(self, pair: Pair) -> bool:
        return is_drawn(pair)

    def adopt(
        self, facts: Sequence[MaskFacts], encoding: Encoding
    ) -> list[MaskFacts]:
        """Say labels in the codes of the images, here and in all reading.

        Pixels that no shape covers are of the class that is background, or
        ignored if there is none.

        Raises:
            UsageError: naming the file with a label that is no class.
        """
        codes = dict(zip(encoding.classes, encoding.codes))
        background = background_of(encoding.classes)
        rest = CLAIMED if background is None else encoding.codes[background]
        table = np.full(max(self.labels, default=0) + 1, CLAIMED, np.uint32)
        table[NOTHING] = rest
        for code, label in self.labels.items():
            table[code] = codes.get(label, CLAIMED)
        for item in facts:
            if item.space != LABEL:
                continue
            for code in item.codes.tolist():
                label = self.labels.get(code)
                if label is not None and label not in codes:
                    raise UsageError(
                        f'{item.file}: its label {label!r} is no class of '
                        'the masks beside it, which are '
                        f'{", ".join(encoding.classes)}. Correct the label, '
                        'or name the classes with --classes'
                    )
        self._table, self._space = table, encoding.space
        return [
            item._replace(
                codes=_translated(item.codes, table), space=encoding.space
            )
            if item.space == LABEL
            else item
            for item in facts
        ]

    def notes(self, facts: Sequence[MaskFacts]) -> list[Finding]:
        found = [item for item in facts if item.mode == 'labels']
        if not found or self._table is None:
            return []
        ignored = bool(self._table[NOTHING] == CLAIMED)
        rest = 'ignored, as no class is background' * ignored or 'background'
        note = _note(found, 'masks that are images', rest)
        return [note, *self.drawn.notes(facts)]


def _note(found: list[MaskFacts], others: str, rest: str) -> Finding:
    """Say that some masks were drawn, and others not."""
    several = len(found) > 1
    return Finding(
        'masks-joined',
        'note',
        found[0].file,
        len(found),
        f'{len(found)} mask{"s" * several} of JSON files among {others}',
        'Their labels are the classes of these names; what no shape covers '
        f'is {rest}',
    )


class JoinedFolders(ClassFolders):
    """A file a class for some images, JSON files for others.

    The folders say which classes there are.

    Args:
        pairs: labeled images.
        drawn: source of the JSON files alone.
    """

    def __init__(self, pairs: list[Pair], drawn: DrawnMasks) -> None:
        super().__init__([pair for pair in pairs if not is_drawn(pair)])
        self.drawn = drawn

    def read(self, pair: Pair) -> Codes:
        if not is_drawn(pair):
            return super().read(pair)
        mask = self.drawn.read(pair)
        known = {label: code for code, label in self.labels.items()}
        found = dict(self.drawn.labels)
        table = np.full(max(found, default=0) + 1, NOTHING, np.uint32)
        for code, label in found.items():
            table[code] = known.get(label, CLAIMED)
        for code in np.unique(mask.codes).tolist():
            if code in found and table[code] == CLAIMED:
                raise UsageError(
                    f'{pair.masks[0][1]}: its label {found[code]!r} is no '
                    'folder of masks beside it, which are '
                    f'{", ".join(sorted(known))}. Correct the label'
                )
        return mask._replace(codes=_translated(mask.codes, table))

    def digest(self, pair: Pair) -> str:
        if is_drawn(pair):
            return self.drawn.digest(pair)
        return super().digest(pair)

    def needs_image(self, pair: Pair) -> bool:
        return is_drawn(pair)

    def notes(self, facts: Sequence[MaskFacts]) -> list[Finding]:
        found = [item for item in facts if is_json(item.file)]
        if not found:  # none can be read
            return []
        note = _note(found, 'folders for each class', 'background')
        return [note, *self.drawn.notes(facts)]


def is_drawn(pair: Pair) -> bool:
    """Whether the mask of a pair is a JSON file."""
    return is_json(pair.masks[0][1])


def _translated(codes: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Labels' codes by a table; what is ignored stays so."""
    known = codes != CLAIMED
    found = np.full(codes.shape, CLAIMED, np.uint32)
    found[known] = table[codes[known]]
    return found
