"""A comparison as a picture: results, and what they cost."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmsemi.io.files import whole_file

from .comparison import ALL_LABELS, BASELINES, LABELED_ONLY
from .comparison_figures import relative_compute

GRAY, BLUE, LIGHT = '0.55', '#2a6f97', '0.85'


def draw_comparison(
    folder: Path, name: str, figures: dict[str, Any], cells: Sequence[dict]
) -> None:
    """Write a PNG: a row of two panels for each split.

    Left the mean of each method with all its runs, right the mean over the
    compute that it took.

    Args:
        folder: where the picture goes.
        name: of the file.
        figures: of :func:`.comparison_figures.figures`.
        cells: all cells.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    parts = list(figures['splits'].items())
    if not any(rows for _, rows in parts):
        return
    most = max(len(rows) for _, rows in parts) + 1
    figure = Figure(
        figsize=(12, len(parts) * (1.3 + 0.3 * most)),
        dpi=110,
        layout='constrained',
    )
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(parts), 2, squeeze=False)
    costs = relative_compute(cells)
    for (split, rows), (left, right) in zip(parts, panels):
        rows = dict(rows)
        if figures.get('all_labels'):
            rows[ALL_LABELS] = figures['all_labels']
        draw_bars(left, rows)
        left.set_title(f'split {split}', fontsize=11)
        draw_costs(right, rows, costs)
    with whole_file(folder, name) as file:
        figure.savefig(file, format='png')


def color_of(name: str) -> str:
    """Baselines are gray."""
    return GRAY if name in BASELINES else BLUE


def draw_bars(axis, rows: dict[str, dict]) -> None:
    """Means with all runs as points, the best on top."""
    ordered = sorted(rows.items(), key=lambda item: item[1]['mean'])
    for place, (name, row) in enumerate(ordered):
        values = list(row['values'].values())
        axis.plot(
            [min(values), max(values)], [place] * 2, color=LIGHT, linewidth=5
        )
        axis.plot(
            values, [place] * len(values), '.', color=color_of(name), alpha=0.6
        )
        axis.plot([row['mean']], [place], '|', color='black', markersize=14)
    if LABELED_ONLY in rows:
        axis.axvline(
            rows[LABELED_ONLY]['mean'], color=GRAY, linestyle=':', linewidth=1
        )
    axis.set_yticks(range(len(ordered)), [name for name, _ in ordered])
    axis.set_xlabel('mIoU of the last checkpoint (bar: mean)', fontsize=9)
    axis.grid(axis='x', alpha=0.3)


def draw_costs(axis, rows: dict[str, dict], costs: dict[str, float]) -> None:
    """Means over relative compute, with their names in a column beside."""
    shown = [name for name in rows if name in costs]
    axis.set_xlabel('compute, labeled-only = 1', fontsize=9)
    axis.set_ylabel('mIoU', fontsize=9)
    axis.grid(alpha=0.3)
    if not shown:
        return
    means = [rows[name]['mean'] for name in shown]
    for name, mean in zip(shown, means):
        axis.plot([costs[name]], [mean], 'o', color=color_of(name))
    axis.margins(x=0.1, y=0.1)
    bottom, top = axis.get_ylim()
    heights = apart([(m - bottom) / (top - bottom) for m in means])
    for name, mean, height in zip(shown, means, heights):
        axis.annotate(
            name,
            (costs[name], mean),
            xytext=(1.04, height),
            textcoords='axes fraction',
            fontsize=8,
            va='center',
            color=color_of(name),
            arrowprops=dict(
                arrowstyle='-', color=LIGHT, linewidth=0.8, relpos=(0, 0.5)
            ),
        )


def apart(places: Sequence[float], step: float = 0.055) -> list[float]:
    """Places from 0 to 1 moved so far that two are a step apart.

    The order stays. Where there is no room for such steps they are smaller.
    """
    step = min(step, 1 / len(places))
    order = sorted(range(len(places)), key=places.__getitem__)
    found = list(places)
    low = step / 2
    for rank, index in enumerate(order):
        # Those above need their room, too.
        high = 1 - step / 2 - (len(order) - 1 - rank) * step
        found[index] = min(max(found[index], low), high)
        low = found[index] + step
    return found
