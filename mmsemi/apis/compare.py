"""Compare methods fairly: train what is missing, and write one report."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmsemi.report.comparison import (
    ALL_LABELS,
    CELLS,
    read_cells,
    without_result,
)
from mmsemi.report.comparison_files import NAME, write_report
from mmsemi.report.published import check_page, check_same
from mmsemi.report.published import publish as publish_report
from mmsemi.utils.errors import UsageError

from .compare_arguments import check_arguments, check_report_only
from .compare_baselines import baselines
from .compare_cells import Cell, make_cell
from .compare_lock import shortly
from .compare_manifest import command_line, note
from .compare_methods import Method, read_methods
from .compare_run import CellRunner
from .compare_tuning import Tuning, chosen, note_grid, read_grid
from .compare_writing import (
    all_labels,
    check_different,
    check_planned,
    write_cell,
    write_lists,
)


class Comparison(str):
    """The tables of a comparison; ``exit_code`` is 1 where cells failed."""

    exit_code = 0


def compare(
    methods: Sequence[str],
    out: str | None = None,
    splits: Sequence[str] = (),
    seeds: Sequence[int] = (0,),
    jobs: int = 1,
    iterations: int | None = None,
    data: str | None = None,
    settings: dict[str, Any] | None = None,
    no_baselines: bool = False,
    tune: str | None = None,
    report_only: str | None = None,
    publish: str | None = None,
) -> Comparison:
    """Train every method on every split with every seed, and compare.

    A cell is an ordinary run in ``out/cells/<split>/seed<k>/<method>``. What
    is finished is not run again, what was stopped goes on, what failed is
    tried again by the same command. ``comparison.md``, ``.csv``, ``.json``
    and ``.png`` in ``out`` are made of these folders alone.

    Args:
        methods: configs, files or names of those that mmsemi brings.
        out: folder of the comparison.
        splits: names or folders, ``{seed}`` in one is the seed; that of
            each config by default.
        seeds: of the runs.
        jobs: how many runs at a time.
        iterations: length of every run; rounds, warm-up and ramp-up keep
            their share. That of each config by default.
        data: config whose data set takes the place of that of all configs,
            such as ``configs/_base_/datasets/nuclei.py`` or the
            ``config.py`` of a run of ``mmsemi fit``.
        settings: to change in all configs, by their dotted keys.
        no_baselines: leave out labeled-only, averaged-teacher and
            all-labels.
        tune: JSON with ``seed``, ``split`` and ``grid``, settings to try
            out for each method; see :func:`.compare_tuning.read_grid`.
        report_only: folder of a comparison to report on; trains nothing.
        publish: Markdown page to list the comparison on; its report is
            copied to ``comparisons`` beside it, see
            :mod:`mmsemi.report.published`.

    Returns:
        The tables of results and what they say; everything is in
        ``comparison.md``.

    Raises:
        UsageError: if something is wrong with what was given, before
            anything is trained.
        Interrupted: after SIGTERM or Ctrl-C, when all runs have saved their
            state.
    """
    if publish:
        check_page(Path(publish))
    if report_only:
        check_report_only(
            methods,
            out=out,
            splits=splits,
            seeds=tuple(seeds) != (0,),
            jobs=jobs != 1,
            iterations=iterations is not None,
            data=data,
            set=settings,
            no_baselines=no_baselines,
            tune=tune,
        )
        return report(Path(report_only), publish)
    check_arguments(methods, out, splits, seeds, iterations)
    folder = Path(out)
    runner = CellRunner(jobs, check_planned)
    first = splits[0].replace('{seed}', str(seeds[0])) if splits else None
    rows = read_methods(methods, settings, iterations, first, data)
    grid = None
    if tune:
        grid = read_grid(tune, [m.name for m in rows], not no_baselines)
    if not no_baselines:
        # First, as everything is held against them.
        rows = baselines(rows, first) + rows
    asked = seeds
    if grid:
        seeds = [seed for seed in seeds if seed != grid.seed]
        if not seeds:
            raise UsageError(
                f'--tune {tune}: settings are chosen on seed {grid.seed}, '
                'which is then left out, and --seeds names no other. Name '
                'some, or another one in the file'
            )
    command = command_line(
        methods,
        dict(
            splits=splits,
            seeds=asked,
            jobs=[jobs] if jobs > 1 else [],
            iterations=[iterations] if iterations else [],
            data=[data] if data else [],
            set=[f'{k}={v}' for k, v in (settings or {}).items()],
            tune=[tune] if tune else [],
            out=[out],
        ),
        no_baselines,
    )
    tried: list[Cell] = []
    with shortly(folder):
        if grid:
            tried = trials(folder, rows, grid)
        cells = plan(folder, rows, splits, seeds, {})
        check_lists(cells)
        write_plan(folder, command, rows, tried if grid else cells)
        if grid:
            names = [row.name for row in rows]
            note_grid(folder, names, [cell.folder for cell in tried])
        if publish:
            check_same(folder, Path(publish), complete=False)
    try:
        if grid:
            runner.run(tried)
            with shortly(folder):
                # Trials of another grid may lie beside them.
                own = {str(cell.folder) for cell in tried}
                found = [c for c in read_cells(folder) if c['folder'] in own]
                cells = plan(folder, rows, splits, seeds, chosen(found))
                write_plan(folder, command, rows, cells)
        runner.run(cells)
    finally:
        if (folder / CELLS).is_dir():
            told = report(folder)
    if publish:
        with shortly(folder):
            publish_report(folder, Path(publish))
    if runner.failures:  # of which a full disk may have kept no note
        told.exit_code = 1
    return told


def plan(
    out: Path,
    rows: Sequence[Method],
    splits: Sequence[str],
    seeds: Sequence[int],
    best: dict[str, dict[str, Any]],
) -> list[Cell]:
    """All cells that count, those of a split and seed together.

    Args:
        out: folder of the comparison.
        rows: methods and baselines.
        splits: names or folders; none means that of each config.
        seeds: of the runs.
        best: settings that tuning has chosen, by method.
    """
    cells = []
    for split in splits or (None,):
        for seed in seeds:
            group = [
                make_cell(out, row, split, seed, options=best.get(row.name))
                for row in rows
                if row.name != ALL_LABELS
            ]
            cells += group
            write_lists(out, group)
    for row in rows:
        if row.name == ALL_LABELS:
            lists = all_labels(out, cells)
            for seed in seeds:
                cell = make_cell(
                    out, row, lists, seed, 'all', options=best.get(row.name)
                )
                cells.append(cell)
                write_lists(out, [cell])
    return cells


def write_plan(
    folder: Path, command: str, rows: Sequence[Method], cells: Sequence[Cell]
) -> None:
    """Put cells in their places, and a command in the manifest."""
    for cell in cells:
        write_cell(cell)
    note(folder, command, rows, cells)


def trials(out: Path, rows: Sequence[Method], grid: Tuning) -> list[Cell]:
    """A cell for every setting of every method, on one seed and split."""
    found = [
        make_cell(
            out, row, grid.split, grid.seed, setting=number, options=options
        )
        for row in rows
        for number, options in enumerate(grid.settings.get(row.name, []))
    ]
    check_different(found)
    if found:
        write_lists(out, found)
    return found


def check_lists(cells: Sequence[Cell]) -> None:
    """Methods of a comparison see the same images.

    Raises:
        UsageError: naming two that do not.
    """
    first: dict[tuple, tuple[str, list[str]]] = {}
    for cell in cells:
        for role, names in cell.lists.items():
            if role == 'unlabeled' and not names:
                continue
            place = (cell.split, cell.seed, role)
            name, found = first.setdefault(place, (cell.method.name, names))
            if sorted(found) != sorted(names):
                raise UsageError(
                    f'{name} and {cell.method.name} have different {role} '
                    f'images on split {cell.split} ({len(found)} and '
                    f'{len(names)}), so they cannot be compared. Name a '
                    'split that both know by --splits'
                )


def report(folder: Path, page: str | None = None) -> Comparison:
    """Write (and publish) the report of a folder; the tables of results."""
    read_cells(folder)  # before anything is written
    with shortly(folder):  # two commands may come to their end at once
        text, cells = write_report(folder)
        if page:
            publish_report(folder, Path(page))
    begin = text.find('## mIoU')
    end = text.find('\n## ', begin + 3)
    # The answer follows the tables, where a person looks first.
    said = [line for line in text[:begin].splitlines() if line[:2] == '- ']
    found = Comparison(
        '\n\n'.join(
            (
                text[begin:end].strip(),
                *(['\n'.join(said)] if said else []),
                f'report: {folder / NAME}.md',
            )
        )
    )
    waiting = without_result(cells)
    found.exit_code = int(any(c['state'] == 'failed' for c in waiting))
    return found
