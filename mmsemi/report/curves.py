"""Curves of one or several runs in one picture.

A panel per key, a line per run; a star marks the best value of a validation
metric. The best and the last values are printed as well.
"""

from collections.abc import Sequence
from pathlib import Path

from mmsemi.io.files import whole_file
from mmsemi.utils.errors import UsageError

from .scalars import Curve, best, read_run

# Drawn where a run has them.
DEFAULT_KEYS = (
    'loss',
    'loss_sup_ce',
    'loss_sup_ohem',
    'loss_unsup',
    'loss_unsup_labeled',
    'loss_contra',
    'confident_ratio',
    'drop_percent',
    'pseudo_label_accuracy',
    'lr',
    'mIoU',
)
UNTOLD = ('time', 'data_time')  # of a validation
STYLES = ('-', '--', ':', '-.')


def matches(runs: dict[str, dict[str, Curve]], key: str) -> list[str]:
    """Full keys of a key: itself, or ``teacher/mIoU`` of ``mIoU``."""
    full = sorted({k for run in runs.values() for k in run})
    return [k for k in full if k == key] or [
        k for k in full if k.endswith(f'/{key}')
    ]


def select(
    runs: dict[str, dict[str, Curve]], keys: Sequence[str]
) -> dict[str, list[str]]:
    """``{key of a panel: full keys}``; without keys the usual ones.

    Raises:
        UsageError: naming the keys that no run has, and those there are.
    """
    wanted = list(keys or DEFAULT_KEYS)
    if not keys and not matches(runs, 'mIoU'):
        wanted += other_metrics(runs)
    panels = {key: matches(runs, key) for key in wanted}
    missing = [key for key, full in panels.items() if not full]
    if keys and missing:
        there = ', '.join(sorted({k for run in runs.values() for k in run}))
        raise UsageError(
            f'--keys: no run has {", ".join(missing)}; there are {there}'
        )
    panels = {key: full for key, full in panels.items() if full}
    if not panels:
        raise UsageError(
            f'no run has any of {", ".join(DEFAULT_KEYS)}; name '
            'others by --keys'
        )
    return panels


def other_metrics(runs: dict[str, dict[str, Curve]]) -> list[str]:
    """Names of the validation metrics that runs without mIoU have."""
    found = {
        key.split('/')[-1]: None
        for run in runs.values()
        for key, curve in run.items()
        if curve.validation
    }
    found = {name: None for name in found if name not in UNTOLD}
    return [name for name in found if name != 'aAcc'] or list(found)


def names_of(work_dirs: Sequence[str]) -> dict[str, str]:
    """``{name: work dir}``; as much of each path as tells them apart."""
    paths = [Path(p).resolve() for p in dict.fromkeys(work_dirs)]
    depth = 1
    while len({p.parts[-depth:] for p in paths}) < len(set(paths)):
        depth += 1
    return {'/'.join(p.parts[-depth:]): str(p) for p in paths}


def draw(
    runs: dict[str, dict[str, Curve]], panels: dict[str, list[str]], out: Path
) -> None:
    """Draw the panels and write the picture.

    Args:
        runs: ``{name: {key: curve}}``.
        panels: see :func:`select`.
        out: PNG file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(len(panels), 2 if len(panels) in (2, 4) else 3)
    rows = -(-len(panels) // columns)
    figure = Figure(
        figsize=(5.2 * columns, 3.5 * rows), dpi=110, layout='constrained'
    )
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in grid[len(panels) :]:
        axis.set_visible(False)
    for axis, (key, full_keys) in zip(grid, panels.items()):
        axis.set_title(key, fontsize=11)
        axis.set_xlabel('iteration', fontsize=9)
        axis.grid(alpha=0.3)
        axis.margins(y=0.12)  # stars have a figure below
        for number, (name, run) in enumerate(runs.items()):
            for style, full in enumerate(full_keys):
                if full in run:
                    draw_curve(
                        axis,
                        full,
                        run[full],
                        f'C{number % 10}',
                        STYLES[style % len(STYLES)],
                        label_of(name, key, full),
                    )
        axis.legend(fontsize=8)
    with whole_file(out.parent, out.name) as file:
        figure.savefig(file, format='png')


def label_of(name: str, key: str, full: str) -> str:
    """Words of the legend: the run, and the network where there are two."""
    prefix = full[: len(full) - len(key)].strip('/')
    return f'{name} ({prefix})' if prefix else name


def draw_curve(
    axis, key: str, curve: Curve, color: str, style: str, label: str
) -> None:
    """One line, with a star on the best point of a validation metric."""
    points = curve.validation or len(curve.steps) == 1
    axis.plot(
        curve.steps,
        curve.values,
        color=color,
        linestyle=style,
        linewidth=1.3,
        marker='.' if points else None,
        label=label,
    )
    if curve.validation:
        step, value = best(key, curve)
        axis.plot(
            [step],
            [value],
            color=color,
            marker='*',
            markersize=13,
            markeredgecolor='black',
            linestyle='none',
            zorder=3,
        )
        axis.annotate(
            f'{value:.4g}',
            (step, value),
            fontsize=8,
            ha='center',
            xytext=(0, -14),
            textcoords='offset points',
        )


def table(
    runs: dict[str, dict[str, Curve]], panels: dict[str, list[str]]
) -> str:
    """Last values, and the best ones of validation metrics, as Markdown."""
    lines = [
        '| run | key | last | best | at iteration |',
        '| :-- | :-- | --: | --: | --: |',
    ]
    for name, run in runs.items():
        for key in (k for full in panels.values() for k in full if k in run):
            line = f'| {name} | {key} | {run[key].values[-1]:.4g} |'
            if run[key].validation:
                step, value = best(key, run[key])
                line += f' {value:.4g} | {step} |'
            else:
                line += ' - | - |'
            lines.append(line)
    return '\n'.join(lines)


def plot_curves(
    work_dirs: Sequence[str], keys: Sequence[str] = (), out: str = ''
) -> str:
    """Read, draw and write; returns the table and the path.

    Args:
        work_dirs: folders of runs.
        keys: keys of the panels; the usual ones by default.
        out: picture to write, ``curves.png`` in the first folder by default.
    """
    runs = {name: read_run(path) for name, path in names_of(work_dirs).items()}
    panels = select(runs, keys)
    path = Path(work_dirs[0])
    path = (
        Path(out)
        if out
        else (path.parent if path.is_file() else path) / 'curves.png'
    )
    if path.suffix.lower() != '.png':
        raise UsageError(
            f'--out {path}: the picture is a PNG, let its name end with .png'
        )
    draw(runs, panels, path)
    return f'{table(runs, panels)}\n{path}'
