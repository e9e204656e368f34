"""Pictures of single images for the report of a run.

They are chosen and made small when the hold-out is measured: the report can
then be written again without models and images.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from mmsemi.evaluation.bootstrap import count_array, iou_percent, mean_known
from mmsemi.io.files import check_name, write_bytes, write_json

from .run_folder import RunFolder

FOLDER, INDEX = 'gallery', 'gallery/index.json'
SIDE = 360  # of small pictures, at most
EACH = 3  # worst, best and random images
UNLABELED = 4


class Small(NamedTuple):
    """What the report shows of an image, small and compressed.

    Attributes:
        maps: PNG of (h, w) uint8: ids by ``truth``, ``twin`` and ``method``;
            ``twin_confidence`` and ``method_confidence``, 255 = sure.
        photo: JPEG.
    """

    photo: bytes
    maps: dict[str, bytes]


def shrink(photo: np.ndarray, maps: Mapping[str, np.ndarray]) -> Small:
    """Make small pictures of an image.

    Args:
        photo: (H, W, 3) uint8, BGR.
        maps: (H, W) uint8 each, see :class:`Small`.
    """
    height, width = photo.shape[:2]
    scale = min(SIDE / max(height, width, 1), 1)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    done = {
        name: cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST_EXACT)
        for name, ids in maps.items()
    }
    return Small(
        _encoded('.jpg', small, [cv2.IMWRITE_JPEG_QUALITY, 82]),
        {name: _encoded('.png', ids, []) for name, ids in done.items()},
    )


def _encoded(suffix: str, picture: np.ndarray, how: list[int]) -> bytes:
    _, content = cv2.imencode(suffix, picture, how)
    return content.tobytes()


def image_scores(per_image: Mapping[str, Mapping[str, Any]]) -> dict:
    """Mean IoU in percent of each image, as that of all images is reckoned.

    Args:
        per_image: see :func:`mmsemi.evaluation.bootstrap.count_array`.
            Images without a known pixel are left out.
    """
    if not per_image:
        return {}
    means = mean_known(iou_percent(count_array(per_image)))
    return {
        name: float(mean)
        for name, mean in zip(per_image, means)
        if not np.isnan(mean)
    }


def choose(
    scores: Mapping[str, float], each: int = EACH, seed: int = 0
) -> dict[str, str]:
    """``{image: why}``: typical, worst, best or random, none of them twice.

    The typical one is the median.

    Args:
        scores: of each image.
        each: how many of a kind.
        seed: of the random ones.
    """
    order = sorted(scores, key=lambda name: (scores[name], name))
    middle = len(order) // 2
    typical = order[middle : middle + 1] if len(order) > 2 else []
    order = [name for name in order if name not in typical]
    # Few images: one half is the worse one.
    number = min(each, -(-len(order) // 2))
    chosen = dict.fromkeys(order[:number], 'worst')
    rest = order[number:]
    best = rest[len(rest) - min(each, len(rest)) :][::-1]
    rest = rest[: len(rest) - len(best)]
    drawn = np.random.default_rng(seed).permutation(len(rest))[:each]
    return {
        **dict.fromkeys(typical, 'typical'),
        **chosen,
        **dict.fromkeys(best, 'best'),
        **{rest[k]: 'random' for k in sorted(drawn)},
    }


def write_gallery(run: Path, items: list[tuple[dict, Small]]) -> None:
    """Write small pictures and ``gallery/index.json`` into a run.

    Args:
        run: folder of the run.
        items: facts of an image (``name``, ``part``, ``reason``, ...) and
            its pictures.
    """
    write_json(run, INDEX, _write_files(run, items, 0))


def add_to_gallery(
    run: RunFolder, items: list[tuple[dict, Small]], part: str = 'unlabeled'
) -> None:
    """Add pictures of another part, in place of those there are of it."""
    index = [
        facts
        for facts in run.optional_json(INDEX) or []
        if facts['part'] != part
    ]
    added = _write_files(run.path, items, len(index))
    write_json(run.path, INDEX, index + added)


def _write_files(
    run: Path, items: list[tuple[dict, Small]], first: int
) -> list[dict]:
    index = []
    for number, (facts, small) in enumerate(items, first):
        # Names of images may be anything; numbers are names on any system.
        files = {'photo': f'{FOLDER}/{number:02d}_photo.jpg'}
        write_bytes(run, files['photo'], small.photo, sync=False)
        for key, content in small.maps.items():
            files[key] = f'{FOLDER}/{number:02d}_{key}.png'
            write_bytes(run, files[key], content, sync=False)
        index.append(dict(facts, files=files))
    return index


def read_gallery(run: RunFolder) -> list[dict]:
    """Facts of each image, with its pictures as arrays.

    Args:
        run: whose pictures they are.

    Returns:
        For each image the facts given to :func:`write_gallery` and ``photo``
        (h, w, 3) uint8 RGB, and maps (h, w) uint8; images with a damaged
        picture are left out.
    """
    found = []
    for facts in run.optional_json(INDEX) or []:
        pictures = {}
        for key, name in facts.pop('files').items():
            how = cv2.IMREAD_COLOR if key == 'photo' else cv2.IMREAD_GRAYSCALE
            path = run.path / check_name(run.path, name)
            picture = cv2.imread(str(path), how)
            if picture is None:
                break
            pictures[key] = picture[..., ::-1] if key == 'photo' else picture
        else:
            found.append({**facts, **pictures})
    return found
