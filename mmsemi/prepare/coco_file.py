"""Masks drawn from a COCO file, which holds those of many images."""

import hashlib
import json
import os
from collections.abc import Container, Mapping
from typing import Any
from urllib.parse import unquote

import numpy as np

from mmsemi.doctor.findings import Finding
from mmsemi.utils.errors import UsageError

from .annotation_files import NO_SHAPE, agreed_size, class_label
from .files import name_of
from .mask_files import LABEL, Codes
from .mask_source import NOTHING, Labels, MaskSource
from .pairing import Pair
from .polygons import decode_runs, fill_even_odd


class Coco(MaskSource):
    """COCO JSON; smaller objects lie on top of larger ones.

    Args:
        path: the file.
        data: its content.
        labels: see :class:`.MaskSource`.

    Attributes:
        names: of categories, by their ids.
        of_pair: id of the image of each pair with annotations, by name.

    Raises:
        UsageError: if something is missing in it.
    """

    kind = 'coco'

    def needs_image(self, pair: Pair) -> bool:
        return True

    def __init__(
        self, path: str, data: dict, labels: Labels | None = None
    ) -> None:
        super().__init__(labels)
        self.path = path
        try:
            self.names = {
                c['id']: class_label(c['name']) for c in data['categories']
            }
            self.images = {i['id']: i for i in data['images']}
            for part, found in (
                ('images', self.images),
                ('categories', self.names),
            ):
                if len(found) < len(data[part]):
                    raise ValueError(f'an id occurs twice in "{part}"')
            self.drawn: dict[Any, list[dict]] = {}
            for item in data['annotations']:
                if item['category_id'] not in self.names:
                    raise UsageError(
                        f'{path}: an annotation has the category '
                        f'{item["category_id"]}, which "categories" lacks. '
                        'Export the annotations again'
                    )
                self.drawn.setdefault(item['image_id'], []).append(item)
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f'{path}: no whole COCO JSON ({type(error).__name__}: '
                f'{error}). Export the annotations again'
            ) from error
        for name in self.names.values():
            self.code_of(name)
        self.of_pair: dict[str, Any] = {}
        self.empty: dict[str, str] = {}  # no annotation: file, by name

    def find_images(self, names: Mapping[str, str], folder: str) -> list[str]:
        """Find the images that the file names, if need be in other folders.

        Args:
            names: files of images by their names, relative to the folder.
            folder: of images.

        Returns:
            Images with annotations that are not in the folder.

        Raises:
            UsageError: if none of those with annotations is, or annotations
                of two are for one.
        """
        files = {
            key: str(image.get('file_name', '')).replace('\\', '/')
            for key, image in self.images.items()
        }
        bases = {os.path.basename(name) for name in names}
        for key, file in files.items():  # as web programs write names
            if os.path.basename(name_of(file)) not in bases:
                files[key] = unquote(file)
        exact = {name_of(file) for file in files.values()}
        flat: dict[str, list[str]] = {}
        for name in names.keys() - exact:
            flat.setdefault(os.path.basename(name), []).append(name)
        lonely = []
        for key, file in files.items():
            name = name_of(file)
            alike = flat.get(os.path.basename(name), [])
            if name not in names and len(alike) == 1:
                name = alike[0]
            if key not in self.drawn:
                if name in names:
                    self.empty[name] = file
            elif name not in names:
                lonely.append(file)
            elif name in self.of_pair:
                raise UsageError(
                    f'{self.path}: its images {files[self.of_pair[name]]!r} '
                    f'and {file!r} are both {names[name]} of {folder}. Lay '
                    'images out as the file names them, and name each once'
                )
            else:
                self.of_pair[name] = key
        if not self.of_pair:
            if not lonely:
                raise UsageError(
                    f'{self.path}: none of its images has an annotation. '
                    'Export the annotations again, or take the file away'
                )
            raise UsageError(
                f'{self.path}: none of its images is in {folder} (it names '
                f'{lonely[0]!r}). Give the folder that holds them'
            )
        return lonely

    def note_empty(self, labeled: Container[str]) -> list[Finding]:
        """Say which images have no annotation.

        Args:
            labeled: images that have one in another file.
        """
        found = self._note_strays()
        empty = [f for name, f in self.empty.items() if name not in labeled]
        if not empty:
            return found
        number = len(empty)
        return found + [
            Finding(
                'coco-empty-images',
                'note',
                self.path,
                number,
                f'{number} of its images ha{"s" if number == 1 else "ve"} no '
                f'annotation, such as {empty[0]}',
                'They count as unlabeled; where all is background, annotate '
                'it as "background"',
            )
        ]

    def _note_strays(self) -> list[Finding]:
        """Annotations of images that the file does not name."""
        strays = self.drawn.keys() - self.images.keys()
        if not strays:
            return []
        number = sum(len(self.drawn[key]) for key in strays)
        return [
            Finding(
                'coco-stray-annotations',
                'warning',
                self.path,
                number,
                f'{number} annotation{"s are" if number > 1 else " is"} of '
                'images that "images" does not name, such as that with the '
                f'id {min(map(repr, strays))}',
                'They are left out; export the annotations again if they '
                'should count',
            )
        ]

    def digest(self, pair: Pair) -> str:
        drawn = self.drawn[self.of_pair[pair.name]]
        # A class that was renamed, or another number of it, is a correction.
        labels = [self.names[item['category_id']] for item in drawn]
        content = json.dumps([drawn, labels])
        return hashlib.sha256(content.encode()).hexdigest()

    def read(self, pair: Pair) -> Codes:
        key = self.of_pair[pair.name]
        image = self.images[key]
        size = agreed_size(
            self.path, pair, image.get('height'), image.get('width')
        )
        masks = []
        for item in self.drawn[key]:
            try:
                mask = _coco_mask(item['segmentation'], size)
            except NO_SHAPE as error:
                raise UsageError(
                    f'{self.path}: annotation {item.get("id")} of '
                    f'{pair.image} cannot be drawn ({error}). Export polygons '
                    'or masks, not boxes only'
                ) from error
            if mask.any():
                masks.append((item['category_id'], *_cut_out(mask)))
        codes = np.full(size, NOTHING, np.uint32)
        for category, place, mask in sorted(masks, key=lambda m: -m[2].sum()):
            codes[place][mask] = self.code_of(self.names[category])
        return Codes(codes, LABEL, 'labels')


def _cut_out(mask: np.ndarray) -> tuple[tuple[slice, slice], np.ndarray]:
    """Where a mask (H, W) has pixels, and a copy of that part.

    There may be hundreds of objects in a large image.
    """
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    place = (
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )
    return place, mask[place].copy()


def _coco_mask(segmentation: Any, size: tuple[int, int]) -> np.ndarray:
    if isinstance(segmentation, dict):
        given = segmentation.get('size')
        if given and tuple(given) != size:
            raise ValueError(
                f'its runs are for an image of (height, width) = {given}'
            )
        return decode_runs(segmentation['counts'], size)
    if not segmentation:
        raise ValueError('it has no segmentation')
    rings = [np.reshape(ring, (-1, 2)).tolist() for ring in segmentation]
    if max(map(len, rings)) < 3:
        raise ValueError('its outline has fewer than 3 points')
    mask = np.zeros(size, bool)
    for ring in rings:
        mask |= fill_even_odd([ring], size)
    return mask
