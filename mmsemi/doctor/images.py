"""Whether image files are whole and come out of loading as they are.

There may be a hundred thousand of them, so only the first and last bytes of
a file are read where its format says by them that it is whole.
"""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from mmsemi.io.regular import refuse_special
from mmsemi.registry import TRANSFORMS, bare_name, is_type
from mmsemi.utils.errors import UsageError
from mmsemi.utils.progress import track

from .lists import ImageList

_EXIF_ORIENTATION = 0x0112
_CHUNK = 256
_PNG = b'\x89PNG\r\n\x1a\n'
# Loading that keeps what a file holds.
_KEEPS_DEPTH = ('unchanged', 'anydepth', 'unchanged_ignore_orientation')
_SAMPLES = 8


def check_images(images: ImageList, threads: int = 8) -> list[str]:
    """Stop at the first image that is damaged or cannot be loaded.

    Args:
        images: list whose files exist.
        threads: how many files are read at once.

    Returns:
        Notes on images whose values loading changes.

    Raises:
        UsageError: naming the file and what to do.
    """
    if not images.images:
        return []
    step = loading_step(images.config)
    load(images.images[0], step)  # settings that do not fit any file
    starts = range(0, len(images.images), _CHUNK)

    def look(start: int) -> list[str]:
        part = images.images[start : start + _CHUNK]
        return [path for path in part if is_deep(path, step)]

    deep: list[str] = []
    with ThreadPoolExecutor(threads) as pool:
        parts: Iterable[list[str]] = pool.map(look, starts)
        if len(images.images) > 5000:  # seconds: say what is going on
            parts = track(parts, len(starts), f'checking {images.role} images')
        try:
            for part in parts:
                deep += part
        except UsageError:
            pool.shutdown(cancel_futures=True)
            raise
    return note_depth(images.role, deep, step)


def loading_step(config: dict) -> dict:
    """The step of a dataset's pipeline that reads images."""
    for step in config.get('pipeline', []):
        kind = bare_name(step.get('type'))
        if kind.startswith('Load') and 'Image' in kind:
            return dict(step)
    return dict(type='LoadImageFromFile')


def load(path: str, step: dict) -> Any:
    """An image as the pipeline loads it.

    Raises:
        UsageError: if it cannot.
    """
    try:
        image = TRANSFORMS.build(step)(dict(img_path=path))['img']
        if image is None or not image.size:
            raise ValueError('nothing was decoded')
    except Exception as error:  # decoders raise nearly anything
        raise _unreadable(path, str(error) or type(error).__name__) from error
    return image


def _unreadable(path: str, why: str) -> UsageError:
    why = ' '.join(why.split())[:200]
    return UsageError(
        f'{path}: image cannot be read ({why}). Restore '
        'the file or remove it from the list'
    )


def is_deep(path: str, step: dict) -> bool:
    """Look at a file; whether it has 16 bits or more a channel.

    Raises:
        UsageError: if it is not a whole image.
    """
    try:
        refuse_special(path)
        with open(path, 'rb') as file:
            head = file.read(32)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 64))
            tail = file.read()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    if not head:
        raise _unreadable(path, 'it is empty')
    if head.startswith(_PNG):
        if tail.endswith(b'IEND\xaeB`\x82'):
            return head[24] > 8
    elif head.startswith(b'\xff\xd8\xff'):
        if tail.rstrip(b'\0').endswith(b'\xff\xd9'):
            return False
    elif head.startswith(b'RIFF') and head[8:12] == b'WEBP':
        if int.from_bytes(head[4:8], 'little') + 8 <= size:
            return False
    elif head.startswith(b'BM'):
        if 54 < int.from_bytes(head[2:6], 'little') <= size:
            return False
    return _decode(path, step)


def deep_images(paths: Iterable[str | Path], step: dict) -> list[str]:
    """Those of some images with 16 bits or more; damaged ones are not."""
    found = []
    for path in map(str, paths):
        try:
            if is_deep(path, step):
                found.append(path)
        except UsageError:  # whoever reads it says so
            continue
    return found


def _decode(path: str, step: dict) -> bool:
    """Read a file that may be damaged, or tells nothing by its ends."""
    try:
        with Image.open(path) as image:
            deep = image.mode.startswith(('I', 'F'))
            image.load()
    except UnidentifiedImageError:  # not for Pillow, but for the pipeline?
        return load(path, step).dtype.itemsize > 1
    except Image.DecompressionBombError:
        deep = False
    except Exception as error:
        raise _unreadable(path, str(error)) from error
    load(path, step)
    return deep


def note_depth(role: str, deep: list[str], step: dict) -> list[str]:
    """What loading as 8 bits makes of images with 16 bits or more.

    Args:
        role: what the images are for.
        deep: those for which :func:`is_deep` holds.
        step: of the pipeline, that loads them.

    Raises:
        UsageError: if next to nothing is left of their values.
    """
    if not deep or _keeps_depth(step):
        return []
    advice = (
        "Load them with their depth: data.load=dict(type='LoadAnyImage', "
        'value_range=(lowest, highest)), in configs without `data` '
        "dict(type='LoadAnyImage', ...) in each pipeline; or save them with "
        '8 bits'
    )
    picks = [deep[i * len(deep) // _SAMPLES] for i in range(_SAMPLES)]
    for path in dict.fromkeys(picks):
        stored = cv2.imread(path, cv2.IMREAD_UNCHANGED)
        loaded = load(path, step)
        if stored is None or stored.dtype == np.uint8:
            continue
        before, after = len(np.unique(stored)), len(np.unique(loaded))
        if loaded.max() < 32 and before > 2 * after:
            raise UsageError(
                f'{path}: the image has {8 * stored.itemsize} bits a channel '
                f'and is loaded as 8 bits, nearly black: {after} of {before} '
                f'different values are left, up to {loaded.max()}. {advice}'
            )
    return [
        f'{role}: {len(deep)} images have 16 bits or more a channel, such as '
        f'{deep[0]}, and are loaded as 8 bits. {advice}'
    ]


def _keeps_depth(step: dict) -> bool:
    return (
        is_type(step, TRANSFORMS, 'LoadAnyImage')
        or step.get('color_type', 'color') in _KEEPS_DEPTH
    )


def image_size(path: str, config: dict) -> tuple[int, int]:
    """Height and width as the pipeline loads the image.

    Read off the file's head where Pillow knows the format.
    """
    try:
        refuse_special(path)
        with Image.open(path) as image:
            width, height = image.size
            # OpenCV turns images by this tag, Pillow does not.
            turned = image.getexif().get(_EXIF_ORIENTATION, 1) >= 5
    except UnidentifiedImageError:
        return load(path, loading_step(config)).shape[:2]
    except Exception as error:
        raise _unreadable(path, str(error)) from error
    return (width, height) if turned else (height, width)
