"""Masks that are images, and labelme files beside them, as one source.

So corrected files of ``label_next/labelme`` join the masks of a first run:
their labels are the names of classes, whatever values the images store them
as. The images decide which classes there are.
"""

from collections.abc import Sequence

import numpy as np

from mmsemi.doctor.findings import Finding
from mmsemi.utils.errors import UsageError

from .annotation_files import LabelMe
from .encoding import Encoding
from .labeled_classes import background_of
from .mask_files import LABEL, Codes, MaskFacts
from .mask_source import CLAIMED, NOTHING, ClassFolders, MaskSource
from .pairing import Pair, is_json


class JoinedMasks(MaskSource):
    """Image files for some images, JSON files of labelme for others.

    What labelme files hold is said in labels until :meth:`adopt` was told
    how the image files store classes, and in their codes from then on.

    Attributes:
        drawn: source of the labelme files alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.drawn = LabelMe()
        self.labels = self.drawn.labels
        self._table: np.ndarray | None = None
        self._space = LABEL

    def read(self, pair: Pair) -> Codes:
        if not drawn(pair):
            return super().read(pair)
        mask = self.drawn.read(pair)
        if self._table is None:
            return mask
        return mask._replace(
            codes=_translated(mask.codes, self._table), space=self._space
        )

    def needs_image(self, pair: Pair) -> bool:
        return drawn(pair)

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
        return [
            Finding(
                'mask-labelme',
                'note',
                found[0].file,
                len(found),
                'labelme JSON among masks that are images',
                'Its labels are the classes of these names; what no shape '
                f'covers is {rest}',
                len(found),
            )
        ]


class JoinedFolders(ClassFolders):
    """A file a class for some images, JSON files of labelme for others.

    The folders say which classes there are.
    """

    def __init__(self, pairs: list[Pair]) -> None:
        super().__init__([pair for pair in pairs if not drawn(pair)])

    def read(self, pair: Pair) -> Codes:
        if not drawn(pair):
            return super().read(pair)
        source = LabelMe()
        mask = source.read(pair)
        known = {label: code for code, label in self.labels.items()}
        table = np.zeros(max(source.labels, default=0) + 1, np.uint32)
        for code, label in source.labels.items():
            if label not in known:
                raise UsageError(
                    f'{pair.masks[0][1]}: its label {label!r} is no folder of '
                    f'masks beside it, which are {", ".join(sorted(known))}. '
                    'Correct the label'
                )
            table[code] = known[label]
        return mask._replace(codes=_translated(mask.codes, table))

    def needs_image(self, pair: Pair) -> bool:
        return drawn(pair)


def drawn(pair: Pair) -> bool:
    """Whether the mask of a pair is a JSON file."""
    return is_json(pair.masks[0][1])


def _translated(codes: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Labels' codes by a table; what is ignored stays so."""
    known = codes != CLAIMED
    found = np.full(codes.shape, CLAIMED, np.uint32)
    found[known] = table[codes[known]]
    return found
