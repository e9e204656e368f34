"""Masks drawn from annotation files: labelme and COCO."""

import base64
import binascii
import hashlib
import io
import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from mmsemi.doctor.findings import Finding
from mmsemi.doctor.photos import look_at
from mmsemi.utils.errors import UsageError

from .mask_files import LABEL, Codes, MaskFacts
from .mask_source import BACKGROUND_LABELS, NOTHING, MaskSource, extent
from .pairing import Pair, Pairs, image_names, name_of
from .polygons import decode_runs, fill_even_odd, labelme_shape


class LabelMe(MaskSource):
    """A JSON file of labelme for each image; later shapes lie on top."""

    kind = 'labelme'

    def needs_image(self, pair: Pair) -> bool:
        return True

    def read(self, pair: Pair) -> Codes:
        path = pair.masks[0][1]
        data = read_json(path)
        shapes = data.get('shapes') if isinstance(data, dict) else None
        if not isinstance(shapes, list):
            raise UsageError(
                f'{path}: no JSON of labelme (it has no "shapes"). Export '
                'the annotations as labelme or COCO JSON, or as PNG masks'
            )
        size = _agreed_size(
            path, pair, data.get('imageHeight'), data.get('imageWidth')
        )
        codes = np.full(size, NOTHING, np.uint32)
        for number, shape in enumerate(shapes, start=1):
            try:
                label = str(shape['label'])
                kind = shape.get('shape_type', 'polygon')
                if kind == 'mask':
                    mask = _labelme_mask(shape, size)
                else:
                    mask = labelme_shape(shape['points'], kind, size)
            except (KeyError, TypeError, ValueError, OSError) as error:
                raise UsageError(
                    f'{path}: shape {number} cannot be read '
                    f'({type(error).__name__}: {error}). Correct it in the '
                    'annotation tool'
                ) from error
            if mask is None:
                raise UsageError(
                    f'{path}: shape {number} ({label}) is a {kind} of '
                    f'{len(shape["points"])} points, which covers no area. '
                    'Correct or delete it in the annotation tool'
                )
            codes[mask] = self.code_of(label)
        return Codes(codes, LABEL, 'labels')


class Coco(MaskSource):
    """COCO JSON; smaller objects lie on top of larger ones."""

    kind = 'coco'

    def needs_image(self, pair: Pair) -> bool:
        return True

    def __init__(self, path: str, data: dict) -> None:
        super().__init__()
        self.path = path
        try:
            self.names = {c['id']: str(c['name']) for c in data['categories']}
            self.images = {i['id']: i for i in data['images']}
            self.drawn: dict[Any, list[dict]] = {}
            for item in data['annotations']:
                if item['category_id'] not in self.names:
                    raise UsageError(
                        f'{path}: an annotation has the category '
                        f'{item["category_id"]}, which "categories" lacks. '
                        'Export the annotations again'
                    )
                self.drawn.setdefault(item['image_id'], []).append(item)
        except (KeyError, TypeError) as error:
            raise UsageError(
                f'{path}: no whole COCO JSON ({type(error).__name__}: '
                f'{error}). Export the annotations again'
            ) from error
        for name in self.names.values():
            self.code_of(name)
        self.of_pair: dict[str, Any] = {}
        self.empty: list[str] = []  # images of the folder, without annotation

    def pair_up(self, images: str) -> Pairs:
        """Find the images that the file names, if need be in other folders.

        Raises:
            UsageError: if there is none, or annotations of two are for one.
        """
        names = image_names(images)
        files = {
            key: str(image.get('file_name', '')).replace('\\', '/')
            for key, image in self.images.items()
        }
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
                self.empty += [file] if name in names else []
            elif name not in names:
                lonely.append(file)
            elif name in self.of_pair:
                raise UsageError(
                    f'{self.path}: its images {files[self.of_pair[name]]!r} '
                    f'and {file!r} are both {names[name]} of {images}. Lay '
                    'images out as the file names them, and name each once'
                )
            else:
                self.of_pair[name] = key
        if not self.of_pair:
            example = lonely[0] if lonely else 'no image with an annotation'
            raise UsageError(
                f'{self.path}: none of its images is in {images} (it names '
                f'{example!r}). Give the folder that holds them'
            )
        pairs = [
            Pair(
                name,
                os.path.join(images, path),
                (('', self.path),) if name in self.of_pair else (),
            )
            for name, path in sorted(names.items())
        ]
        return Pairs(pairs, False, lonely)

    def notes(self, facts: Sequence[MaskFacts]) -> list[Finding]:
        if not self.empty:
            return []
        number = len(self.empty)
        return [
            Finding(
                'coco-empty-images',
                'note',
                self.path,
                number,
                f'{number} of its images ha{"s" if number == 1 else "ve"} no '
                f'annotation, such as {self.empty[0]}',
                'They count as unlabeled; where all is background, annotate '
                'it as "background"',
            )
        ]

    def category_ids(self, classes: Sequence[str]) -> list[int]:
        """Those of the file; classes that it lacks come behind them."""
        ids: dict[str, int] = {}
        for key, name in self.names.items():
            ids.setdefault(name, key)
        free = max((k for k in self.names if isinstance(k, int)), default=0)
        for name in classes:
            if name not in ids and name not in BACKGROUND_LABELS:
                free += 1
                ids[name] = free
        return [ids.get(name, 0) for name in classes]

    def digest(self, pair: Pair) -> str:
        drawn = json.dumps(self.drawn[self.of_pair[pair.name]])
        return hashlib.sha256(drawn.encode()).hexdigest()

    def read(self, pair: Pair) -> Codes:
        key = self.of_pair[pair.name]
        image = self.images[key]
        size = _agreed_size(
            self.path, pair, image.get('height'), image.get('width')
        )
        masks = []
        for item in self.drawn[key]:
            try:
                mask = _coco_mask(item['segmentation'], size)
            except (KeyError, TypeError, ValueError) as error:
                raise UsageError(
                    f'{self.path}: annotation {item.get("id")} of '
                    f'{pair.image} cannot be drawn ({error}). Export polygons '
                    'or masks, not boxes only'
                ) from error
            masks.append((int(mask.sum()), item['category_id'], mask))
        codes = np.full(size, NOTHING, np.uint32)
        for _, category, mask in sorted(masks, key=lambda m: -m[0]):
            codes[mask] = self.code_of(self.names[category])
        return Codes(codes, LABEL, 'labels')


def read_json(path: str) -> Any:
    """Read a JSON file.

    Raises:
        UsageError: if it is none.
    """
    try:
        with open(path, encoding='utf-8-sig') as file:
            return json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f'{path}: JSON cannot be read ({error}). Restore the file'
        ) from error


def _agreed_size(path: str, pair: Pair, height: Any, width: Any):
    """Size of the image, which the annotations must have, too."""
    size = look_at(pair.image).size
    if height and width and (height, width) != size:
        raise UsageError(
            f'{path}: annotations for {width}x{height} pixels, but '
            f'{pair.image} has {extent(size)}. Replace one of the two'
        )
    return size


def _labelme_mask(shape: dict, size: tuple[int, int]) -> np.ndarray:
    """A shape that is a small mask with the place of its corner."""
    try:
        content = base64.b64decode(shape['mask'], validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    with Image.open(io.BytesIO(content)) as image:
        small = np.array(image) > 0
    left, top = (int(round(v)) for v in shape['points'][0])
    mask = np.zeros(size, bool)
    height = min(small.shape[0], size[0] - top)
    width = min(small.shape[1], size[1] - left)
    if min(left, top, height, width) < 0:
        raise ValueError('it lies outside the image')
    mask[top : top + height, left : left + width] = small[:height, :width]
    return mask


def _coco_mask(segmentation: Any, size: tuple[int, int]) -> np.ndarray:
    if isinstance(segmentation, dict):
        given = segmentation.get('size')
        if given and tuple(given) != size:
            raise ValueError(f'its runs are for {given[1]}x{given[0]} pixels')
        return decode_runs(segmentation['counts'], size)
    if not segmentation:
        raise ValueError('it has no segmentation')
    mask = np.zeros(size, bool)
    for ring in segmentation:
        mask |= fill_even_odd([np.reshape(ring, (-1, 2)).tolist()], size)
    return mask
