"""Masks drawn from JSON files, of labelme and of COCO together.

Whatever number a file gives a class, its label is what counts: labels of one
name are one class. So corrected files of ``label_next`` join those that they
were made from.
"""

import os
from collections.abc import Sequence

from mmsemi.doctor.findings import Finding
from mmsemi.utils.errors import UsageError

from .annotation_files import LabelMe
from .coco_file import Coco
from .files import is_json
from .mask_files import Codes, MaskFacts
from .mask_source import BACKGROUND_LABELS, Labels, MaskSource
from .pairing import Pair, Pairs


class DrawnMasks(MaskSource):
    """JSON files, each of labelme for an image or of COCO for several.

    Args:
        cocos: path and content of the COCO files.

    Attributes:
        kind: that of most images.
    """

    def __init__(self, cocos: Sequence[tuple[str, dict]] = ()) -> None:
        labels = Labels()
        super().__init__(labels)
        self.cocos = {path: Coco(path, data, labels) for path, data in cocos}
        self.labelme = LabelMe(labels)
        self.kind = 'labelme'
        self._names: set[str] = set()

    def pair_up(self, pairs: Pairs, images: str) -> Pairs:
        """Add what COCO files hold to what other masks there are.

        Args:
            pairs: of images and other masks.
            images: folder of images.

        Raises:
            UsageError: if a file is of none of the images, or an image has
                two masks.
        """
        files = {
            pair.name: os.path.relpath(pair.image, images)
            for pair in pairs.pairs
        }
        found = {pair.name: pair.masks for pair in pairs.labeled}
        single = sum(is_json(masks[0][1]) for masks in found.values())
        lonely = list(pairs.lonely)
        for path, coco in self.cocos.items():
            lonely += coco.find_images(files, images)
            for name in coco.of_pair:
                if name in found:
                    raise UsageError(
                        f'{found[name][0][1]} and {path}: two masks for '
                        f'{os.path.join(images, files[name])}. Keep the one '
                        'that is right, and take the other away'
                    )
                found[name] = (('', path),)
        self._names = {*found}
        if single < sum(len(coco.of_pair) for coco in self.cocos.values()):
            self.kind = 'coco'
        return Pairs(
            [
                pair._replace(masks=found.get(pair.name, ()))
                for pair in pairs.pairs
            ],
            pairs.by_class,
            lonely,
        )

    def _source(self, pair: Pair) -> MaskSource:
        return self.cocos.get(pair.masks[0][1], self.labelme)

    def read(self, pair: Pair) -> Codes:
        return self._source(pair).read(pair)

    def digest(self, pair: Pair) -> str:
        return self._source(pair).digest(pair)

    def needs_image(self, pair: Pair) -> bool:
        return True

    def notes(self, facts: Sequence[MaskFacts]) -> list[Finding]:
        notes = [
            note
            for coco in self.cocos.values()
            for note in coco.note_empty(self._names)
        ]
        files = {item.file for item in facts if is_json(item.file)}
        if len(files) > 1 and files & {*self.cocos}:
            notes.append(
                Finding(
                    'annotations-joined',
                    'note',
                    min(files & {*self.cocos}),
                    len(files),
                    f'this COCO file and {len(files) - 1} other JSON '
                    f'file{"s" * (len(files) > 2)} have masks',
                    'Labels of one name are one class',
                )
            )
        return notes

    def category_ids(self, classes: Sequence[str]) -> list[int] | None:
        """Those of the largest COCO file; what it lacks comes behind them."""
        if self.kind != 'coco':
            return None
        largest = max(self.cocos.values(), key=lambda coco: len(coco.of_pair))
        ids: dict[str, int] = {}
        for key, name in largest.names.items():
            ids.setdefault(name, key)
        numbers = [key for key in largest.names if isinstance(key, int)]
        free = max(numbers, default=0)
        for name in classes:
            if name not in ids and name not in BACKGROUND_LABELS:
                free += 1
                ids[name] = free
        return [ids.get(name, 0) for name in classes]
