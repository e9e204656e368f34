"""Small folders of images and masks as people have them."""

import base64
import io
import json
import struct
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

SIZE = (48, 64)
NAMES = ('a', 'b', 'c')  # c has no mask


def truth(classes: int = 3, shift: int = 0) -> np.ndarray:
    """(48, 64) uint8 ids in areas that fill."""
    ids = np.zeros(SIZE, np.uint8)
    ids[8:40, 6 + shift : 30 + shift] = 1
    if classes > 2:
        ids[12:36, 40:60] = 2
    return ids


def truths(classes: int = 3) -> dict[str, np.ndarray]:
    """Ids of the images that have masks."""
    return {'a': truth(classes), 'b': truth(classes, 5)}


def photo(size=SIZE, mode='RGB') -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    return Image.fromarray(noise).convert(mode)


def put(path: Path, image: Image.Image | np.ndarray, kind=None, **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image.save(path, kind, **kwargs)


def images(root: Path, names=NAMES, ending='.png') -> None:
    for name in names:
        put(root / 'images' / f'{name}{ending}', photo())


def masks(root: Path, make, ending='.png', classes=3, **kwargs) -> dict:
    """Masks made of ids by ``make``; returns the ids."""
    ids = truths(classes)
    for name, labels in ids.items():
        put(root / 'masks' / f'{name}{ending}', make(labels), **kwargs)
    return ids


def smooth(array: np.ndarray) -> np.ndarray:
    """Edges as drawing programs soften them; areas stay as they are."""
    return cv2.blur(array, (3, 3))


def lookup(*values) -> object:
    """A function from ids to values or colors."""
    table = np.array(values)
    kind = np.uint8 if table.max() < 256 else np.uint16
    return lambda ids: table.astype(kind)[ids]


COLORS = ((0, 0, 0), (255, 0, 0), (0, 255, 0))


def rectangle_points(ids: np.ndarray, label: int) -> list[list[int]]:
    rows, columns = np.nonzero(ids == label)
    top, left, low, right = (
        int(rows.min()),
        int(columns.min()),
        int(rows.max()),
        int(columns.max()),
    )
    return [[left, top], [right, top], [right, low], [left, low]]


def labelme(folder: Path, **changes) -> dict:
    """A labelme file for each image with a mask."""
    ids = truths()
    for name, labels in ids.items():
        shapes = [
            dict(
                label=label,
                points=rectangle_points(labels, number),
                shape_type='polygon',
            )
            for number, label in ((1, 'cat'), (2, 'dog'))
        ]
        data = dict(
            version='5.0.0',
            shapes=shapes,
            imageHeight=SIZE[0],
            imageWidth=SIZE[1],
            imagePath=f'{name}.png',
        )
        data.update(changes)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f'{name}.json').write_text(json.dumps(data))
    return ids


def shape_mask(mask: np.ndarray) -> str:
    """A mask as labelme's AI tools store it."""
    stream = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(stream, 'PNG')
    return base64.b64encode(stream.getvalue()).decode()


def compress(counts: list[int]) -> str:
    """COCO's compressed runs (``rleToString`` of pycocotools)."""
    text = ''
    for at, value in enumerate(counts):
        if at > 2:
            value -= counts[at - 2]
        more = True
        while more:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            text += chr((bits | 32 * more) + 48)
    return text


def coco(path: Path, draw, names=('a', 'b'), **changes) -> dict:
    """A COCO file; ``draw`` makes the segmentation of a bool mask."""
    ids = truths()
    data = dict(
        images=[
            dict(id=i, file_name=f'{n}.png', height=SIZE[0], width=SIZE[1])
            for i, n in enumerate((*names, 'c'))
        ],
        categories=[dict(id=7, name='cat'), dict(id=3, name='dog')],
        annotations=[
            dict(
                id=10 * i + k,
                image_id=i,
                category_id=c,
                segmentation=draw(labels == k),
            )
            for i, labels in enumerate(ids.values())
            for k, c in ((1, 7), (2, 3))
        ],
    )
    data.update(changes)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    return ids


def box_polygon(mask: np.ndarray) -> list[list[int]]:
    """In COCO, the corner of the image is (0, 0)."""
    rows, columns = np.nonzero(mask)
    left, right = int(columns.min()), int(columns.max()) + 1
    top, low = int(rows.min()), int(rows.max()) + 1
    return [[left, top, right, top, right, low, left, low]]


def tiff(path: Path, bands: int, bits: int = 8, cut: int = 0) -> None:
    """An uncompressed TIFF of any number of bands."""
    height, width = SIZE
    pixels = bytes(height * width * bands * bits // 8)
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, bits),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (277, 3, 1, bands),
        (278, 4, 1, height),
        (279, 4, 1, len(pixels)),
    ]
    # The head first, so that a cut takes pixels away.
    start = 8 + 2 + 12 * len(tags) + 4
    entries = b''
    for tag, kind, count, value in tags:
        value = start if tag == 273 else value
        entries += struct.pack('<HHII', tag, kind, count, value)
    head = struct.pack('<2sHIH', b'II', 42, 8, len(tags))
    content = head + entries + bytes(4) + pixels
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content[: len(content) - cut])
