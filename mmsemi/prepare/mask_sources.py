"""Where masks come from: files, a file for each class, labelme, COCO.

A source reads the mask of a pair; those that hold labels in words number
them as they come.
"""

import base64
import binascii
import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmsemi.doctor.photos import look_at
from mmsemi.utils.errors import UsageError

from .files import IMAGE_SUFFIXES, files_below
from .mask_files import LABEL, Codes, read_codes
from .pairing import Pair, Pairs, image_names, name_of, pair_folders
from .polygons import decode_runs, fill_even_odd, labelme_shape

NOTHING = 0  # code of pixels without a label
CLAIMED = 0xFFFFFFFF  # code of pixels that several labels claim, or none may
IGNORED_LABELS = ('__ignore__', 'ignore', 'void')
BACKGROUND_LABELS = ('_background_', 'background')


class MaskSource:
    """Masks that are image files, one for each image.

    Attributes:
        kind: ``files``, ``folders``, ``labelme`` or ``coco``.
        labels: label of every code, where files hold words.
    """

    kind = 'files'

    def __init__(self) -> None:
        self.labels: dict[int, str] = {}
        self._codes: dict[str, int] = {}
        self._lock = threading.Lock()

    def read(self, pair: Pair) -> Codes:
        """The mask of a pair.

        Raises:
            UsageError: if it cannot be read.
        """
        return read_codes(pair.masks[0][1])

    def code_of(self, label: str) -> int:
        """The number of a label."""
        if label in IGNORED_LABELS:
            return CLAIMED
        if label in BACKGROUND_LABELS:
            return NOTHING
        with self._lock:
            code = self._codes.setdefault(label, len(self._codes) + 1)
            self.labels[code] = label
        return code


class ClassFolders(MaskSource):
    """A file for each class; what is not black belongs to the class."""

    kind = 'folders'

    def __init__(self, pairs: list[Pair]) -> None:
        super().__init__()
        for label in sorted({c for pair in pairs for c, _ in pair.masks}):
            self.code_of(label)

    def read(self, pair: Pair) -> Codes:
        codes = claimed = None
        for label, path in pair.masks:
            mask = read_codes(path).codes
            # Anti-aliased and JPEG files: half of the brightest value.
            top = int(mask.max(initial=0))
            here = mask > top // 2 if top else mask > 0
            if codes is None:
                codes = np.full(mask.shape, NOTHING, np.uint32)
                claimed = np.zeros(mask.shape, bool)
            elif codes.shape != mask.shape:
                raise UsageError(
                    f'{path}: mask of {_size(mask.shape)}, that of another '
                    f'class of this image is {_size(codes.shape)}. Replace '
                    'one of them'
                )
            codes[here & claimed] = CLAIMED
            codes[here & ~claimed] = self.code_of(label)
            claimed |= here
        assert codes is not None
        overlap = int((codes == CLAIMED).sum())
        return Codes(codes, LABEL, 'labels', overlap=overlap)


class LabelMe(MaskSource):
    """A JSON file of labelme for each image; later shapes lie on top."""

    kind = 'labelme'

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

    def pair_up(self, images: str) -> Pairs:
        """Find the images that the file names."""
        names = image_names(images)
        flat: dict[str, list[str]] = {}
        for name in names:
            flat.setdefault(os.path.basename(name), []).append(name)
        lonely = []
        for key, image in self.images.items():
            file = str(image.get('file_name', '')).replace('\\', '/')
            name = name_of(file)
            alike = flat.get(os.path.basename(name), [])
            if name not in names and len(alike) == 1:
                name = alike[0]
            if name not in names:
                if key in self.drawn:
                    lonely.append(file)
            elif key in self.drawn:
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


def open_masks(
    images: str | Path, masks: str | Path, mask_suffix: str = ''
) -> tuple[Pairs, MaskSource]:
    """Find out how masks are stored, and pair them with images.

    Args:
        images: folder of images.
        masks: folder of masks, or a COCO JSON file.
        mask_suffix: see :func:`.pairing.pair_folders`.

    Raises:
        UsageError: if they cannot be paired.
    """
    images, masks = str(images), str(masks)
    coco = _coco_file(masks)
    if coco:
        source = Coco(coco[0], coco[1])
        return source.pair_up(images), source
    pairs = pair_folders(images, masks, mask_suffix)
    if pairs.by_class:
        return pairs, ClassFolders(pairs.labeled)
    endings = {
        os.path.splitext(path)[1].lower() == '.json': path
        for pair in pairs.labeled
        for _, path in pair.masks
    }
    if len(endings) == 2:
        raise UsageError(
            f'{endings[True]} is JSON and {endings[False]} is an image: masks '
            'of two kinds. Keep one kind in the folder of masks'
        )
    return pairs, LabelMe() if True in endings else MaskSource()


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


def _coco_file(masks: str) -> tuple[str, dict] | None:
    """The COCO JSON that is, or lies in, the place of masks."""
    if os.path.isfile(masks):
        paths = [masks]
        if not masks.lower().endswith('.json'):
            raise UsageError(
                f'{masks}: a file, not a folder of masks. Give a folder, or '
                'a COCO JSON file'
            )
    elif os.path.isdir(masks):
        names = list(files_below(masks))
        paths = [n for n in names if n.lower().endswith('.json')]
        pictures = any(n.lower().endswith(IMAGE_SUFFIXES) for n in names)
        # Labelme has a file for each image, COCO one or a few.
        if pictures or not 0 < len(paths) <= 3:
            return None
        paths = [os.path.join(masks, path) for path in sorted(paths)]
    else:
        return None
    found = []
    for path in paths:
        data = read_json(path)
        if isinstance(data, dict) and 'annotations' in data:
            found.append((path, data))
    if len(found) > 1:
        raise UsageError(
            f'{found[0][0]} and {found[1][0]}: two COCO files. Give one of '
            'them in place of the folder'
        )
    if not found and os.path.isfile(masks):
        raise UsageError(
            f'{masks}: no COCO JSON (it has no "annotations"). Give a COCO '
            'file or a folder of masks'
        )
    return found[0] if found else None


def _agreed_size(path: str, pair: Pair, height: Any, width: Any):
    """Size of the image, which the annotations must have, too."""
    size = look_at(pair.image).size
    if height and width and (height, width) != size:
        raise UsageError(
            f'{path}: annotations for {width}x{height} pixels, but '
            f'{pair.image} has {_size(size)}. Replace one of the two'
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


def _size(shape: tuple[int, ...]) -> str:
    return f'{shape[1]}x{shape[0]}'
