"""Masks drawn from annotation files: a JSON file for each image."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from mmsemi.doctor.photos import look_at
from mmsemi.io.image_files import why_unreadable
from mmsemi.io.json_data import NoJson, load_json
from mmsemi.utils.errors import UsageError

from .mask_files import LABEL, Codes
from .mask_source import NOTHING, MaskSource, extent
from .pairing import Pair
from .polygons import labelme_shape

# What comes of values that are no numbers, too large, too few or missing.
NO_SHAPE = (ArithmeticError, LookupError, TypeError, ValueError)


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
        size = agreed_size(
            path, pair, data.get('imageHeight'), data.get('imageWidth')
        )
        codes = np.full(size, NOTHING, np.uint32)
        for number, shape in enumerate(shapes, start=1):
            try:
                label = class_label(shape['label'])
                kind = shape.get('shape_type', 'polygon')
                if kind == 'mask':
                    mask = _labelme_mask(shape, size)
                else:
                    mask = labelme_shape(shape['points'], kind, size)
            except NO_SHAPE as error:
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


def read_json(path: str) -> Any:
    """Read a JSON file.

    Raises:
        UsageError: if it is none.
    """
    try:
        return load_json(path)
    except (OSError, NoJson) as error:
        why = getattr(error, 'why', error)
        raise UsageError(
            f'{path}: JSON cannot be read ({why}). Restore the file'
        ) from error


def class_label(value: Any) -> str:
    """The name of a class; numbers count as their text.

    Raises:
        ValueError: if it is none, as where a label was left empty.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f'its label is {value!r}, which names no class')
    if not str(value).strip() or value != value:
        raise ValueError('its label is empty')
    str(value).encode()  # half a character is a ValueError, too
    return str(value)


def agreed_size(
    path: str, pair: Pair, height: Any, width: Any
) -> tuple[int, int]:
    """Size of the image, which the annotations must have, too.

    Raises:
        UsageError: if they say that they are of another.
    """
    size = look_at(pair.image).size
    if height and width and (height, width) != size:
        raise UsageError(
            f'{path}: annotations for {width}x{height} pixels, but '
            f'{pair.image} has {extent(size)}. Replace one of the two'
        )
    return size


def _labelme_mask(shape: dict, size: tuple[int, int]) -> np.ndarray:
    """A shape that is a small mask with the place of its corner."""
    content = base64.b64decode(shape['mask'], validate=True)
    try:
        with Image.open(io.BytesIO(content)) as image:
            small = np.array(image) > 0
    except Exception as error:  # damaged bytes raise nearly anything
        raise ValueError(why_unreadable(error)) from error
    if small.ndim != 2:
        raise ValueError(f'its mask has the shape {small.shape}')
    left, top = (int(round(v)) for v in shape['points'][0])
    mask = np.zeros(size, bool)
    height = min(small.shape[0], size[0] - top)
    width = min(small.shape[1], size[1] - left)
    if min(left, top, height, width) < 0:
        raise ValueError('it lies outside the image')
    mask[top : top + height, left : left + width] = small[:height, :width]
    return mask
