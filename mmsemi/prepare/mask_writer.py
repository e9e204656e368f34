"""Predictions in the encoding in which somebody's masks came."""

import io
import os
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmsemi.io.files import write_bytes, write_json, write_png
from mmsemi.utils.labels import IGNORE

from .encoding import Encoding
from .files import seen_from
from .mask_files import COLOR, unpack
from .mask_source import BACKGROUND_LABELS
from .polygons import encode_runs, outlines

COCO_FILE = 'annotations.json'


class MaskWriter:
    """Write labels as the masks were, a file for each image.

    COCO's annotations are one file for all images, written at the end; labels
    in it are run lengths. To be used in a ``with`` statement.

    Args:
        root: folder to write to.
        encoding: of the masks that came.
    """

    def __init__(self, root: str | Path, encoding: Encoding) -> None:
        self.root = root
        self.encoding = encoding
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def __enter__(self) -> 'MaskWriter':
        return self

    def __exit__(self, kind, *exception) -> None:
        if kind is None:
            self.close()

    def files(self, name: str) -> list[Path]:
        """Those for the labels of an image; none where one file has all."""
        encoding = self.encoding
        labels = [c for c in encoding.classes if c not in BACKGROUND_LABELS]
        if encoding.source == 'coco':
            names = []
        elif encoding.source == 'labelme':
            names = [f'{name}.json']
        elif encoding.source == 'folders':
            names = [f'{label}/{name}.png' for label in labels]
        elif encoding.source == 'image folders':
            names = [f'{name}/{label}.png' for label in labels]
        else:
            names = [f'{name}.{"tif" if self._is_deep() else "png"}']
        return [Path(self.root, file) for file in names]

    def _is_deep(self) -> bool:
        """Whether values are larger than those of PNG, which has 16 bits."""
        encoding = self.encoding
        largest = max(*encoding.codes, *encoding.ignored, 0)
        return largest > 65535 and encoding.space != COLOR

    def write(self, name: str, labels: np.ndarray, image: str) -> None:
        """Write the labels of an image.

        Args:
            name: of the image, see :class:`.pairing.Pair`.
            labels: (H, W) uint8 ids; 255 becomes the first ignored value, or
                that of the first class where there is none.
            image: its file, for annotations that name it.
        """
        encoding = self.encoding
        if encoding.source == 'labelme':
            folder = Path(self.root, f'{name}.json').parent
            seen = seen_from(Path(image), folder)
            content = _labelme(labels, encoding, seen)
            write_json(self.root, f'{name}.json', content)
        elif encoding.source == 'coco':
            file = unicodedata.normalize('NFC', os.path.basename(image))
            # Of two images of one name each keeps its ending in it.
            whole = os.path.basename(name) == file
            ending = '' if whole else os.path.splitext(file)[1]
            self._add_coco(labels, name + ending)
        elif encoding.source in ('folders', 'image folders'):
            drawn = [
                index
                for index, label in enumerate(encoding.classes)
                if label not in BACKGROUND_LABELS
            ]
            for index, file in zip(drawn, self.files(name)):
                white = (labels == index).astype(np.uint8) * 255
                write_png(self.root, file.relative_to(self.root), white)
        else:
            empty = (encoding.ignored or encoding.codes)[0]
            codes = np.full(256, empty, np.uint32)
            codes[: len(encoding.codes)] = encoding.codes
            if self._is_deep():
                content, ending = _tiff(codes[labels]), 'tif'
            else:
                content, ending = _png(codes[labels], encoding), 'png'
            write_bytes(self.root, f'{name}.{ending}', content, sync=False)

    def _category(self, index: int) -> int:
        """Id of a class in COCO files: that of the masks that came."""
        categories = self.encoding.categories
        return categories[index] if categories else index + 1

    def _add_coco(self, labels: np.ndarray, file_name: str) -> None:
        height, width = labels.shape
        number = len(self._images) + 1
        self._images.append(
            dict(id=number, file_name=file_name, height=height, width=width)
        )
        for index, label in enumerate(self.encoding.classes):
            mask = labels == index
            if label in BACKGROUND_LABELS or not mask.any():
                continue
            rows = np.flatnonzero(mask.any(1))
            columns = np.flatnonzero(mask.any(0))
            left, top = int(columns[0]), int(rows[0])
            box = [
                left,
                top,
                int(columns[-1]) - left + 1,
                int(rows[-1]) - top + 1,
            ]
            self._annotations.append(
                dict(
                    id=len(self._annotations) + 1,
                    image_id=number,
                    category_id=self._category(index),
                    segmentation=dict(
                        size=[height, width], counts=encode_runs(mask)
                    ),
                    area=int(mask.sum()),
                    bbox=box,
                    iscrowd=1,
                )
            )

    def close(self) -> None:
        """Write what is one file for all images."""
        if self.encoding.source != 'coco':
            return
        categories = [
            dict(id=self._category(index), name=label)
            for index, label in enumerate(self.encoding.classes)
            if label not in BACKGROUND_LABELS
        ]
        write_json(
            self.root,
            COCO_FILE,
            dict(
                images=self._images,
                annotations=self._annotations,
                categories=categories,
            ),
        )


def _png(codes: np.ndarray, encoding: Encoding) -> bytes:
    """Codes as the file they would be in."""
    if encoding.space == COLOR:
        picture = Image.fromarray(unpack(codes))
        if encoding.mode == 'RGBA':
            picture.putalpha(255)
    elif codes.max(initial=0) > 255 or encoding.mode.startswith('I'):
        picture = Image.fromarray(codes.astype(np.uint16))
    else:
        picture = Image.fromarray(codes.astype(np.uint8))
        if encoding.mode == 'P' and encoding.palette:
            picture.putpalette(encoding.palette)
        elif encoding.mode in ('RGB', 'RGBA', 'LA'):
            picture = picture.convert(encoding.mode)
        elif encoding.mode == '1':
            picture = picture.point(lambda v: 255 * (v > 0)).convert('1')
    stream = io.BytesIO()
    picture.save(stream, 'PNG')
    return stream.getvalue()


def _tiff(codes: np.ndarray) -> bytes:
    """Codes of more than 16 bits as a TIFF file."""
    stream = io.BytesIO()
    picture = Image.fromarray(codes.astype(np.int32))
    picture.save(stream, 'TIFF', compression='tiff_deflate')
    return stream.getvalue()


def _labelme(labels: np.ndarray, encoding: Encoding, image: str) -> dict:
    height, width = labels.shape
    names = dict(enumerate(encoding.classes)) | {IGNORE: '__ignore__'}
    areas = outlines(labels)
    shapes = []
    for number, (label, points) in enumerate(areas):
        name = names[label]
        if name == 'background':
            name = '_background_'
        # What nothing covers is background anyway.
        if name == '_background_' and number == 0:
            continue
        if len(points) < 3:  # a pixel or a line of them
            points = [*points, *[points[-1]] * (3 - len(points))]
        shapes.append(
            dict(
                label=name,
                points=points,
                group_id=None,
                shape_type='polygon',
                flags={},
            )
        )
    return dict(
        version='5.0.0',
        flags={},
        shapes=shapes,
        imagePath=image,
        imageData=None,
        imageHeight=height,
        imageWidth=width,
    )
