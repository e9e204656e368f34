"""What must hold of names and disk before a set is labeled."""

from pathlib import Path

import numpy as np
from PIL import Image

from mmsemi.io.files import check_name
from mmsemi.io.space import check_space
from mmsemi.pseudo_labels.store import LABELS
from mmsemi.utils.errors import UsageError

# Bytes a pixel as PNG, somewhat above what was measured on CamVid, 480 x 360:
# annotations 0.05; labels of a network 0.03 (stride 32) to 0.08 (stride 8,
# often wrong), however many were kept; its 16-bit confidences 1.2 to 1.6,
# noise 1.9.
LABEL_BYTES, CONFIDENCE_BYTES = 0.1, 1.7


def check_label_names(root: Path, dataset) -> None:
    """Every image gets files of its own, inside the store.

    Args:
        root: folder of the store.
        dataset: an ``UnlabeledDataset``.

    Raises:
        UsageError: naming the first image that does not.
    """
    # Eight bytes an image; equal names have equal hashes.
    hashes = np.empty(len(dataset), np.int64)
    for index, stem in enumerate(dataset.stems()):
        if stem.startswith(('/', '.')) or '..' in stem or not stem:
            check_name(root, f'{LABELS}/{stem}.png')
        hashes[index] = hash(stem)
    hashes.sort()
    shared = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
    seen: set[str] = set()
    for stem in dataset.stems() if shared else ():
        if hash(stem) in shared and stem in seen:
            raise UsageError(
                'two unlabeled images would share the pseudo-labels '
                f'{LABELS}/{stem}.png. Remove one of them from the list'
            )
        if hash(stem) in shared:
            seen.add(stem)


def check_label_space(root: Path, dataset, confidence: bool) -> None:
    """Refuse to begin labels that the disk cannot hold.

    Args:
        root: folder of the store.
        dataset: an ``UnlabeledDataset``; its first image stands for all.
        confidence: whether confidence maps are written as well.

    Raises:
        UsageError: naming folder, free space and need.
    """
    if not len(dataset):
        return
    pixels = _pixels(dataset.get_data_info(0)['img_path'])
    each = LABEL_BYTES + CONFIDENCE_BYTES * confidence
    check_space(
        root,
        int(len(dataset) * pixels * each),
        f'the pseudo-labels of {len(dataset)} images of '
        f'{pixels / 1e6:.2f} megapixels',
    )


def _pixels(path: str) -> int:
    """Pixels of an image file; 0 where its header cannot be read."""
    try:
        with Image.open(path) as image:
            return image.width * image.height
    except OSError:
        return 0
