"""Whether masks can be used, and which classes they hold."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mmcv
import numpy as np
from PIL import Image

from mmsemi.io.regular import refuse_special
from mmsemi.registry import TRANSFORMS, is_type
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE
from mmsemi.utils.progress import track

from .images import image_size
from .lists import ImageList


def count_pixels(
    images: ImageList, threads: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """Check and count all masks of a list.

    Returns:
        Pixels of each training id and images that hold it, (256,) int64 each.
    """
    pixels, holding = np.zeros((2, 256), dtype=np.int64)

    def check(index: int) -> np.ndarray:
        return check_mask(images, index)

    with ThreadPoolExecutor(threads) as pool:
        results = pool.map(check, range(len(images.masks)))
        if len(images.masks) > 500:  # seconds: say what is going on
            results = track(
                results, len(images.masks), f'checking {images.role} masks'
            )
        try:
            for counts in results:
                pixels += counts
                holding += counts > 0
        except UsageError:
            pool.shutdown(cancel_futures=True)
            raise
    return pixels, holding


def check_mask(images: ImageList, index: int) -> np.ndarray:
    """Read a mask, stop if it cannot be used.

    Returns:
        (256,) int64, pixels of each training id.
    """
    path = images.masks[index]
    mask = read_mask(path, images.config)
    _check_channels(path, mask)
    size = (
        image_size(images.images[index], images.config)
        if images.images
        else None
    )
    if size is not None and size != mask.shape:
        raise UsageError(
            f'{path}: mask of {mask.shape[1]}x{mask.shape[0]} for an '
            f'image of {size[1]}x{size[0]} ({images.images[index]}). '
            'Replace one of the two'
        )
    counts = np.zeros(256, dtype=np.int64)
    for value, number in _value_counts(mask):
        label = int(images.lookup[value]) if 0 <= value < 256 else -1
        if not (0 <= label < images.num_labels or label in images.special):
            if 0 <= label < len(images.classes):
                raise UsageError(
                    f'{path}: {number} pixels of '
                    f'{images.classes[label]!r}, a class without '
                    f'annotation (num_seen={images.num_labels}). Hide its '
                    'labels: put MapZeroLabels into the pipeline'
                )
            raise UsageError(
                f'{path}: {number} pixels have the value {value}, but '
                f'{images.kind} has classes 0..{len(images.classes) - 1} and '
                '255 = ignore. Correct the mask, or map its ids '
                '(reduce_zero_label, MapLabels)'
            )
        counts[label] += number
    return counts


def read_mask(path: str, config: dict) -> np.ndarray:
    """A mask as stored (of 1 bit as 0 and 1), read as its dataset loads it.

    Raises:
        UsageError: if it cannot be read.
    """
    loading = [
        step.get('imdecode_backend', 'pillow')
        for step in config.get('pipeline', [])
        if is_type(step, TRANSFORMS, 'LoadAnnotations')
    ]
    try:
        refuse_special(path)
        if loading and loading[0] != 'pillow':
            mask = mmcv.imfrombytes(
                Path(path).read_bytes(), flag='unchanged', backend=loading[0]
            )
            mask = np.squeeze(mask)
        else:
            with Image.open(path) as image:
                mask = np.array(image)
        if mask.dtype.kind not in 'bui':
            raise ValueError(f'it holds numbers of type {mask.dtype}')
    except Exception as error:  # damaged bytes raise nearly anything
        raise UsageError(
            f'{path}: mask cannot be read ({error}). Restore the file'
        ) from error
    return mask.astype(np.uint8) if mask.dtype == bool else mask


def read_labels(images: ImageList, index: int) -> np.ndarray:
    """Training ids (H, W) uint8 of a mask, 255 = ignore.

    Values that are no class stay what the data set makes of them.

    Raises:
        UsageError: if it cannot be read, or holds what no table maps.
    """
    path = images.masks[index]
    mask = read_mask(path, images.config)
    _check_channels(path, mask)
    lowest, highest = mask.min(initial=0), mask.max(initial=0)
    if lowest < 0 or highest > IGNORE:
        raise UsageError(
            f'{path}: value {lowest if lowest < 0 else highest} is no class. '
            'Masks hold class ids from 0 on, and 255 = ignore'
        )
    return images.lookup[mask]


def _check_channels(path: str, mask: np.ndarray) -> None:
    if mask.ndim != 2:
        raise UsageError(
            f'{path}: mask has {mask.shape[-1]} channels, not one. Save '
            'class ids as a single-channel (or palette) PNG'
        )


def _value_counts(mask: np.ndarray) -> list[tuple[int, int]]:
    """``(value, pixels)`` of the values that occur."""
    if mask.dtype == np.uint8:  # counting is many times faster than sorting
        numbers = np.bincount(mask.ravel(), minlength=256)
        values = np.flatnonzero(numbers)
        numbers = numbers[values]
    else:
        values, numbers = np.unique(mask, return_counts=True)
    return list(zip(values.astype(int).tolist(), numbers.tolist()))


def check_classes(
    role: str, lists: Sequence[ImageList], pixels: np.ndarray
) -> list[str]:
    """Stop where masks hold fewer than two classes.

    Args:
        role: what the masks are for.
        lists: their lists.
        pixels: (256,) pixels of each training id in all of them.

    Returns:
        A line for the log that names absent classes, if there are any.
    """
    images = next(item for item in lists if item.role == role)
    present = [name for name, number in zip(images.classes, pixels) if number]
    if len(present) < 2:
        hint = ''
        if pixels[IGNORE]:
            hint = (
                f' ({pixels[IGNORE]} pixels have the value 255, which means '
                '"ignore"; if it stands for a class, map it: '
                "dict(type='MapLabels', table=[...]) behind LoadAnnotations, "
                'or save the masks with ids from 0)'
            )
        purpose = 'training' if role == 'labeled' else 'a mean IoU'
        raise UsageError(
            f'{images.source}: the {role} masks hold '
            f'{"only " + present[0] if present else "no class, only 255"}'
            f'{hint}; {purpose} needs at least 2 classes. Check the masks, '
            f'or {"label" if role == "labeled" else "take"} more images'
        )
    absent = [
        name
        for name in images.classes[: images.num_labels]
        if name not in present
    ]
    return [f'{role}: no pixel of {", ".join(absent)}'] if absent else []
