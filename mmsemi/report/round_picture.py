"""A picture of what self-training did to a few images."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmsemi.utils.labels import IGNORE

from .picture_grid import finish_grid, open_grid

PALEST = 0.3  # strength of the color of a pixel of confidence 0


def color_map(palette: Sequence[Sequence[int]]) -> np.ndarray:
    """(256, 3) uint8 colors of classes; what has none is white."""
    colors = np.full((256, 3), 255, np.uint8)
    colors[: len(palette)] = np.asarray(palette, np.uint8)
    return colors


def bare_class(
    classes: Sequence[str], palette: Sequence[Sequence[int]]
) -> int:
    """Class that is not painted over photos, as that would only darken them.

    It is the background; of two classes that which is black, whatever a
    person calls it. -1 where there is none.

    Args:
        classes: names.
        palette: (C, 3) uint8 RGB.
    """
    names = [name.strip('_').lower() for name in classes]
    if 'background' in names:
        return names.index('background')
    black = [i for i, color in enumerate(palette) if not np.any(color)]
    return black[0] if len(classes) == 2 and black else -1


def hatch(height: int, width: int) -> np.ndarray:
    """(H, W, 3) uint8 gray stripes, for pixels without a label."""
    step = max(round(height / 60), 2)
    y, x = np.mgrid[:height, :width]
    stripes = np.where((x + y) // step % 3 == 0, 165, 215)
    return np.repeat(stripes[..., None], 3, 2).astype(np.uint8)


def paint(
    labels: np.ndarray,
    colors: np.ndarray,
    confidence: np.ndarray | None = None,
) -> np.ndarray:
    """Labels in colors, paler where they are less certain.

    Args:
        labels: (H, W) uint8, 255 = no label, drawn as stripes.
        colors: (256, 3) uint8.
        confidence: (H, W) in [0, 1].

    Returns:
        (H, W, 3) uint8.
    """
    painted = colors[labels]
    if confidence is not None:
        strength = PALEST + (1 - PALEST) * confidence.astype(np.float32)
        # Towards white: backgrounds are often black already.
        painted = 255 - (255.0 - painted) * strength[..., None]
        painted = painted.round().astype(np.uint8)
    return np.where(
        (labels == IGNORE)[..., None], hatch(*labels.shape), painted
    )


def image_miou(labels: np.ndarray, truth: np.ndarray) -> float:
    """mIoU in percent over the classes in either map of one image."""
    valid = truth != IGNORE
    labels, truth = labels[valid], truth[valid]
    classes = np.union1d(labels, truth)
    if not classes.size:
        return float('nan')
    return 100 * float(
        np.mean(
            [
                ((labels == c) & (truth == c)).sum()
                / ((labels == c) | (truth == c)).sum()
                for c in classes
            ]
        )
    )


def draw_rounds(
    path: Path,
    images: Sequence[dict],
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    titles: dict[str, str],
    heading: str = '',
) -> np.ndarray:
    """Draw a row for each image and write the picture.

    Args:
        path: PNG file.
        images: for each image what there is of ``image`` (H, W, 3) RGB,
            ``truth``, ``before``, ``after``, ``pseudo`` (H, W) labels and
            ``confidence`` of the pseudo-labels; ``stem`` names it. Other
            keys hold labels (H, W), with ``<key>_strength`` (H, W) in
            [0, 1] paler where that is lower, or pictures (H, W, 3);
            ``captions`` ``{key: words}`` take the place of the usual ones.
        classes: names.
        palette: RGB colors of the classes.
        titles: ``{key: title}`` of the columns, in their order.
        heading: line above everything.

    Returns:
        The picture, (h, w, 3) uint8.
    """
    colors = color_map(palette)
    keys = [key for key in titles if any(key in item for item in images)]
    figure, grid = open_grid(
        images[0]['image'],
        (len(images), len(keys)),
        width=2.9,
        caption=0.34,
        margins=(1.0, 0.35 + 0.26 * legend_rows(images, keys, classes)),
        side=0.012,
        dpi=110,
    )
    for item, axes in zip(images, grid):
        for key, axis in zip(keys, axes):
            draw_cell(axis, item, key, colors)
    for key, axis in zip(keys, grid[0]):
        axis.set_title(textwrap.fill(titles[key], 28), fontsize=11, pad=7)
    draw_legend(figure, images, keys, classes, colors)
    return finish_grid(figure, heading, 13, path)


def draw_cell(axis, item: dict, key: str, colors: np.ndarray) -> None:
    """One map of one image, and what it is worth."""
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_color('0.6')
    if key not in item:
        axis.set_facecolor('0.95')
        return
    value = item[key]
    strength = 'confidence' if key == 'pseudo' else f'{key}_strength'
    shown = (
        value if value.ndim == 3 else paint(value, colors, item.get(strength))
    )
    axis.imshow(shown, interpolation='nearest', aspect='auto')
    words = caption(item, key)
    # A name may hold brackets as well.
    change = words.partition('(')[2].rstrip(')') if key == 'after' else ''
    color = 'black'
    if change and float(change):
        color = '#c0392b' if float(change) < 0 else '#1a7f37'
    axis.set_xlabel(words, fontsize=9.5, labelpad=3, color=color)


def caption(item: dict, key: str) -> str:
    """Words below a map."""
    truth = item.get('truth')
    if key in item.get('captions', {}):
        return item['captions'][key]
    if key == 'image':
        stem = item.get('stem', '')
        return stem if len(stem) <= 36 else f'...{stem[-33:]}'
    if key == 'pseudo':
        kept = item[key] != IGNORE
        words = f'{kept.mean():.0%} kept'
        if truth is not None and (kept & (truth != IGNORE)).any():
            known = kept & (truth != IGNORE)
            words += f', {(item[key] == truth)[known].mean():.1%} right'
        return words
    if truth is None or key == 'truth':
        return ''
    words = f'mIoU {image_miou(item[key], truth):.1f}'
    if key == 'after' and 'before' in item:
        difference = image_miou(item[key], truth) - image_miou(
            item['before'], truth
        )
        words += f' ({difference:+.1f})'
    return words


# Legend.
def classes_shown(
    images: Sequence[dict], keys: Sequence[str], classes: Sequence[str]
) -> list[int]:
    """Classes that occur in any of the maps."""
    found = set()
    for item in images:
        for key in set(keys) & set(item):
            if item[key].ndim == 2:
                found |= set(np.unique(item[key]).tolist())
    return sorted(c for c in found if c < len(classes))


def legend_rows(images, keys, classes) -> int:
    """Rows the legend takes, with two names below each map."""
    entries = len(classes_shown(images, keys, classes)) + 1
    return -(-entries // (2 * len(keys)))


def draw_legend(figure, images, keys, classes, colors) -> None:
    """Names of the colors below the maps."""
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=colors[c] / 255, edgecolor='0.4', label=classes[c])
        for c in classes_shown(images, keys, classes)
    ]
    if 'truth' in keys or 'pseudo' in keys:
        handles.append(
            Patch(
                facecolor='0.84',
                edgecolor='0.55',
                hatch='////',
                label='no label',
            )
        )
    figure.legend(
        handles=handles,
        loc='lower center',
        ncols=-(-len(handles) // legend_rows(images, keys, classes)),
        fontsize=9.5,
        frameon=False,
        handlelength=1.4,
        columnspacing=1.4,
        bbox_to_anchor=(0.5, 0.04 / figure.get_figheight()),
    )
