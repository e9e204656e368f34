"""How much of each class the masks of a run hold."""

from typing import Any

import numpy as np

from mmsemi.utils.labels import IGNORE

from .run_folder import RunFolder


def class_shares(run: RunFolder) -> dict[str, Any]:
    """Pixels and images of each class in labeled and hold-out masks.

    Returns:
        ``rows`` with ``name``, ``color`` (#rrggbb) and, for ``labeled`` and
        ``holdout``, ``share`` of the known pixels in percent and number of
        ``images``; ``unknown``, the percentage of pixels without a class in
        the labeled masks.
    """
    number = len(run.classes)
    pixels = {part: np.zeros(256, np.int64) for part in ('labeled', 'holdout')}
    images = {part: np.zeros(256, np.int64) for part in pixels}
    for part in pixels:
        for name in run.names(part):
            counts = np.bincount(run.mask(name).ravel(), minlength=256)
            pixels[part] += counts
            images[part] += counts > 0
    rows = []
    for c, name in enumerate(run.classes):
        row: dict[str, Any] = dict(name=name, color=hex_color(run.palette[c]))
        for part, counts in pixels.items():
            known = max(counts[:number].sum(), 1)
            row[part] = dict(
                share=float(100 * counts[c] / known),
                images=int(images[part][c]),
            )
        rows.append(row)
    all_pixels = max(pixels['labeled'].sum(), 1)
    unknown = float(100 * pixels['labeled'][IGNORE] / all_pixels)
    return dict(rows=rows, unknown=unknown)


def hex_color(color: np.ndarray) -> str:
    """(3,) uint8 as ``#rrggbb``."""
    return '#' + ''.join(f'{int(value):02x}' for value in color)
