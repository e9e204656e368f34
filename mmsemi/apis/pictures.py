"""Predictions as pictures."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from mmsemi.io.files import write_png
from mmsemi.io.image_files import show_file
from mmsemi.utils.errors import UsageError


def photo_of(
    path: str | Path, inputs: torch.Tensor, size: Sequence[int]
) -> np.ndarray:
    """A file as a picture, uint8 (H, W, 3), BGR.

    Args:
        path: image file.
        inputs: (C, h, w), what a pipeline made of it, shown where nobody
            else can read the file: its first bands, from dark to bright.
        size: (H, W) of the picture.
    """
    try:
        photo = show_file(str(path))
    except UsageError:
        bands = inputs[:3].float()
        bands = bands if len(bands) == 3 else bands[:1].expand(3, -1, -1)
        low, high = bands.aminmax()
        photo = ((bands - low) / (high - low).clamp_min(1e-6) * 255).byte()
        photo = photo.permute(1, 2, 0).numpy()
    height, width = size
    if photo.shape[:2] != (height, width):
        photo = cv2.resize(photo, (width, height))
    return photo


def picture_files(
    out: Path, stem: str, raw: bool = False, confidence: bool = False
) -> list[Path]:
    """Files that :func:`save_prediction` writes."""
    kinds = ['color', 'overlay', *['ids'] * raw, *['confidence'] * confidence]
    return [out / f'{kind}/{stem}.png' for kind in kinds]


def save_prediction(
    out: Path,
    stem: str,
    prediction: dict[str, np.ndarray],
    palette: np.ndarray,
    opacity: float = 0.5,
    raw: bool = False,
    confidence: bool = False,
) -> None:
    """Write the pictures of one prediction as PNG.

    Args:
        out: folder; ``color/``, ``overlay/``, ``ids/`` and ``confidence/``
            are below it.
        stem: path below those, without suffix.
        prediction: result of :class:`Predictor`.
        palette: uint8 (C, 3), RGB.
        opacity: of the colors in the overlay.
        raw: write class ids, 8 bit.
        confidence: write confidences, 8 bit, 255 = certain.
    """
    colors = palette[prediction['ids']][..., ::-1]
    photo = prediction['photo']
    pictures = dict(
        color=colors,
        overlay=cv2.addWeighted(
            np.ascontiguousarray(colors), opacity, photo, 1 - opacity, 0
        ),
    )
    if raw:
        pictures['ids'] = prediction['ids']
    if confidence:
        pictures['confidence'] = (
            (prediction['confidence'] * 255).round().astype(np.uint8)
        )
    for file in picture_files(out, stem, raw, confidence):
        picture = np.ascontiguousarray(
            pictures[file.relative_to(out).parts[0]]
        )
        write_png(out, file.relative_to(out), picture)
