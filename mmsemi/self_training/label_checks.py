"""What must hold of names and disk before a set is labeled."""

from pathlib import Path

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from PIL import Image

from mmsemi.io.files import check_name
from mmsemi.io.space import check_space
from mmsemi.models.segmentors.modes import in_mode
from mmsemi.pseudo_labels.store import LABELS
from mmsemi.utils.errors import UsageError

from .batch_predictor import BatchPredictor

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


def check_label_space(
    root: Path,
    dataset,
    confidence: bool,
    predictor: BatchPredictor | None = None,
) -> None:
    """Refuse to begin labels that the disk cannot hold.

    Args:
        root: folder of the store.
        dataset: an ``UnlabeledDataset``; its first image stands for all.
        confidence: whether confidence maps are written as well.
        predictor: gives compact logits, which lie beside the labels until
            all of these are written; None where there are none.

    Raises:
        UsageError: naming folder, free space and need.
    """
    number = len(dataset)
    if not number:
        return
    pixels = _pixels(dataset.get_data_info(0)['img_path'])
    each = pixels * (LABEL_BYTES + CONFIDENCE_BYTES * confidence)
    what = (
        f'the pseudo-labels of {number} images of {pixels / 1e6:.2f} '
        'megapixels'
    )
    if predictor is not None:
        each += _logit_bytes(predictor, dataset[0])
        what += ' and their compact logits (compact_logits=False keeps none)'
    # An interrupted labeling is removed before the next one writes.
    check_space(root, int(number * each) - _left_behind(root), what)


def _logit_bytes(predictor: BatchPredictor, image: dict) -> int:
    """Bytes of an image's compact logits: no setting says their stride."""
    with torch.no_grad(), in_mode(predictor.model, False):
        inputs, _ = predictor.prepare(pseudo_collate([image]))
        return predictor.low_resolution(inputs).nbytes


def _left_behind(root: Path) -> int:
    """Bytes of rounds that were begun and not finished."""
    return sum(
        path.stat().st_size
        for path in root.glob('round_*.partial/**/*')
        if path.is_file()
    )


def _pixels(path: str) -> int:
    """Pixels of an image file; 0 where its header cannot be read."""
    try:
        with Image.open(path) as image:
            return image.width * image.height
    except OSError:
        return 0
