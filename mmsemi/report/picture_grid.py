"""A grid of maps, a row for each image, with heading and room for a legend."""

from pathlib import Path

import numpy as np

from mmsemi.io.files import whole_file


def open_grid(
    image: np.ndarray,
    shape: tuple[int, int],
    width: float,
    caption: float,
    margins: tuple[float, float],
    side: float,
    dpi: int,
):
    """A figure and its axes.

    Args:
        image: (H, W, 3), whose shape the maps have.
        shape: rows and columns.
        width: of a map, inches.
        caption: height of the words below a map, inches.
        margins: above (for heading and titles) and below, inches.
        side: margin left and right, share of the width.
        dpi: pixels an inch.

    Returns:
        matplotlib's figure, and its axes as an array of this shape.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tall, wide = image.shape[:2]
    cell = width * min(max(tall / wide, 0.4), 1.5) + caption
    top, bottom = margins
    height = cell * shape[0] + top + bottom
    figure = Figure(
        figsize=(width * shape[1], height), dpi=dpi, facecolor='white'
    )
    FigureCanvasAgg(figure)
    grid = figure.subplots(
        *shape,
        squeeze=False,
        gridspec_kw=dict(
            left=side,
            right=1 - side,
            top=1 - top / height,
            bottom=bottom / height,
            wspace=0.03,
            hspace=caption / (cell - caption),
        ),
    )
    return figure, grid


def finish_grid(
    figure, heading: str, fontsize: float, path: Path
) -> np.ndarray:
    """Write the heading and the PNG file.

    Returns:
        The picture, (h, w, 3) uint8.
    """
    figure.suptitle(
        heading,
        fontsize=fontsize,
        fontweight='bold',
        y=1 - 0.1 / figure.get_figheight(),
        va='top',
    )
    with whole_file(path.parent, path.name) as file:
        figure.savefig(file, format='png')
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
