"""How many pixels each class has, and the weights that follow."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmsemi.doctor.lists import ImageList
from mmsemi.doctor.masks import count_pixels
from mmsemi.models.losses.class_balanced_cross_entropy import (
    MODES,
    class_weights_from_frequency,
)


def class_frequency_of(parts: Sequence[ImageList]) -> dict[str, Any]:
    """Count the pixels of the masks of some lists with the same classes.

    Returns:
        ``classes`` (names), ``counts`` (pixels), ``images`` (with each
        class) and ``lists`` (where they are).

    Raises:
        UsageError: if files do not exist or cannot be read.
    """
    classes = parts[0].classes
    pixels, images = np.zeros((2, 256), np.int64)
    for part in parts:
        part.check_files()
        part_pixels, part_images = count_pixels(part)
        pixels, images = pixels + part_pixels, images + part_images
    return dict(
        classes=list(classes),
        counts=pixels[: len(classes)].tolist(),
        images=images[: len(classes)].tolist(),
        lists=[part.source for part in parts],
    )


def weight_table(found: dict[str, Any]) -> list[str]:
    """Lines with counts and the weights of each mode, for people."""
    weights = {
        mode: class_weights_from_frequency(
            found['images' if mode == 'effective_number' else 'counts'], mode
        ).tolist()
        for mode in MODES
    }
    lines = [
        f'{"class":20} {"pixels":>12} {"images":>7} '
        + ' '.join(f'{mode:>16}' for mode in MODES)
    ]
    for k, name in enumerate(found['classes']):
        lines.append(
            f'{name:20} {found["counts"][k]:12d} {found["images"][k]:7d} '
            + ' '.join(f'{weights[mode][k]:16.3f}' for mode in MODES)
        )
    return lines
