"""A picture of what each view labeled, and where all agree."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmsemi.utils.labels import IGNORE

from .picture_grid import finish_grid, open_grid
from .round_picture import color_map, hatch, paint

FADED = 0.35  # of the image where there is nothing to label


def paint_votes(
    votes: np.ndarray,
    candidates: np.ndarray,
    image: np.ndarray,
    colors: np.ndarray,
) -> np.ndarray:
    """Labels of unlabeled pixels over the faded image.

    Args:
        votes: (h, w) uint8 labels, 255 = none, drawn as stripes.
        candidates: (h, w) bool, pixels that may get a label.
        image: (H, W, 3) uint8.
        colors: (256, 3) uint8.

    Returns:
        (h, w, 3) uint8.
    """
    small = cv2.resize(image, votes.shape[::-1], interpolation=cv2.INTER_AREA)
    gray = 255 - FADED * (255.0 - small.mean(2, keepdims=True))
    gray = np.repeat(gray.round().astype(np.uint8), 3, 2)
    return np.where(candidates[..., None], paint(votes, colors), gray)


def vote_caption(
    votes: np.ndarray, candidates: np.ndarray, truth: np.ndarray
) -> str:
    """Share of the candidates that have a label, and how many are right."""
    given = candidates & (votes != IGNORE)
    words = f'{given.sum() / max(candidates.sum(), 1):.0%} labeled'
    known = given & (truth != IGNORE)
    if known.any():
        words += f', {(votes == truth)[known].mean():.0%} right'
    return words


def draw_views(
    path: Path,
    images: Sequence[dict],
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    view_names: Sequence[str],
    heading: str = '',
) -> np.ndarray:
    """Draw a row for each image and write the picture.

    Args:
        path: PNG file.
        images: for each image ``image`` (H, W, 3) RGB; ``labels`` (h, w),
            those of training, 254 = unlabeled; ``candidates`` (h, w) bool;
            ``views`` (V, h, w) labels of every view; ``agreed`` (h, w), 255
            where views disagree; ``truth`` (h, w), for captions alone; all
            uint8; ``stem`` names it.
        classes: names.
        palette: RGB colors of the classes.
        view_names: V titles.
        heading: line above everything.

    Returns:
        The picture, (h, w, 3) uint8.
    """
    colors = color_map(palette)
    titles = ['image', 'annotation', *view_names, 'where all agree']
    figure, grid = open_grid(
        images[0]['image'],
        (len(images), len(titles)),
        width=2.3,
        caption=0.3,
        margins=(0.95, 1.0),  # two rows of the legend fit
        side=0.008,
        dpi=100,
    )
    for item, axes in zip(images, grid):
        for axis, (drawn, words) in zip(axes, _cells(item, colors)):
            axis.imshow(drawn, interpolation='nearest', aspect='auto')
            axis.set_xlabel(words, fontsize=9, labelpad=3)
            axis.set_xticks([])
            axis.set_yticks([])
    for title, axis in zip(titles, grid[0]):
        axis.set_title(textwrap.fill(title, 24), fontsize=10.5, pad=6)
    _legend(figure, images, classes, colors)
    return finish_grid(figure, heading, 12.5, path)


def _cells(item: dict, colors: np.ndarray) -> list[tuple]:
    """``(picture, words)`` of every column of a row."""
    image, candidates = item['image'], item['candidates']
    stem = item.get('stem', '')
    cells = [
        (image, stem if len(stem) <= 30 else f'...{stem[-27:]}'),
        (paint(item['labels'], colors), f'{candidates.mean():.0%} unlabeled'),
    ]
    for votes in (*item['views'], item['agreed']):
        cells.append(
            (
                paint_votes(votes, candidates, image, colors),
                vote_caption(votes, candidates, item['truth']),
            )
        )
    return cells


def _legend(
    figure, images: Sequence[dict], classes: Sequence[str], colors: np.ndarray
) -> None:
    from matplotlib.patches import Patch

    found = {
        int(value)
        for item in images
        for key in ('labels', 'views', 'agreed')
        for value in np.unique(item[key])
    }
    handles = [
        Patch(facecolor=colors[c] / 255, edgecolor='0.4', label=classes[c])
        for c in sorted(found)
        if c < len(classes)
    ]
    handles.append(Patch(facecolor='1', edgecolor='0.4', label='unlabeled'))
    stripes = hatch(9, 9).mean() / 255
    handles.append(
        Patch(
            facecolor=str(stripes),
            edgecolor='0.55',
            hatch='////',
            label='ignored, or views disagree',
        )
    )
    figure.legend(
        handles=handles,
        loc='lower center',
        ncols=min(len(handles), 9),
        fontsize=9,
        frameon=False,
        handlelength=1.4,
        columnspacing=1.4,
        bbox_to_anchor=(0.5, 0.02),
    )
