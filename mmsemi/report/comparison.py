"""What the run folders of a comparison say.

``DIR/cells/<split>/seed<k>/<method>/`` holds a cell: ``cell.json`` (what it
is), its config, ``run/`` (an ordinary work dir), ``log.txt``,
``measured.json`` (figures measured apart) and, after a failure,
``failed.json``. Settings that tuning tried out lie one folder deeper.
Reports need nothing but these.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmsemi.io.files import read_json
from mmsemi.utils.errors import UsageError

from .tables import SUMMARY

CELLS, LISTS, RUN = 'cells', 'lists', 'run'
CELL, LOG, MEASURED, FAILED = (
    'cell.json',
    'log.txt',
    'measured.json',
    'failed.json',
)
MANIFEST = 'manifest.json'
# Key of trials that a later grid of settings has replaced.
SUPERSEDED = 'superseded'
# What hooks leave in a run folder.
CERTIFICATE, FORWARDS = 'opened_masks.json', 'forwards.json'
# Baselines.
LABELED_ONLY = 'labeled-only'
SAME_IMAGES = 'labeled-only-as-many-images'
SAME_LABELS = 'labeled-only-as-many-labels'
AVERAGED = 'averaged-teacher'
ALL_LABELS = 'all-labels'
BASELINES = (LABELED_ONLY, SAME_IMAGES, SAME_LABELS, AVERAGED, ALL_LABELS)
# Forward and backward together cost about three forwards.
BACKWARD = 3


def read_cells(folder: Path) -> list[dict[str, Any]]:
    """All cells of a comparison, one record each.

    Raises:
        UsageError: if there are none, or one cannot be read.
    """
    cells = [
        read_cell(place.parent)
        for below in ('*', 'setting*/*')
        for place in (folder / CELLS).glob(f'*/seed*/{below}/{CELL}')
    ]
    if not cells:
        raise UsageError(
            f'{folder} holds no cells of a comparison. Name the --out folder '
            'of `mmsemi compare`'
        )
    # Of a seed that settings were chosen on, no run counts.
    tuned = {c['seed'] for c in cells if c['setting'] is not None}
    for cell in cells:
        cell['tuned_on'] = cell['setting'] is None and cell['seed'] in tuned
    return sorted(cells, key=order)


def order(cell: dict) -> tuple:
    """Methods by name with baselines behind, then split, seed, setting."""
    method = cell['method']
    place = BASELINES.index(method) + 1 if method in BASELINES else 0
    setting = cell['setting']
    return (
        place,
        method,
        cell['split'],
        cell['seed'],
        -1 if setting is None else setting,
    )


def read_cell(folder: Path) -> dict[str, Any]:
    """What a cell is and what came out of it.

    ``state`` is ``done``, ``failed`` (with ``problem``) or ``missing``; the
    figures of the other two are None. A cell that is trained and measured is
    done, whatever failed before. Shares lie in [0, 1], IoU and
    calibration error are in percent.
    """
    cell = read_json(folder / CELL)
    if not {'method', 'split', 'seed', 'setting'} <= cell.keys():
        raise UsageError(
            f'{folder / CELL} cannot be read, so nobody knows what ran there. '
            f'Restore it, or move {folder} away; the command that trained it '
            'writes it again'
        )
    run = folder / RUN
    summary, measured = read_json(run / SUMMARY), read_json(folder / MEASURED)
    failed = read_json(folder / FAILED)
    done = bool(summary.get('finished'))
    if failed and not (done and measured):
        state = 'failed'
    else:
        state = 'done' if done else 'missing'
    last = (summary.get('rounds') or [{}])[-1] if done else {}
    memory = summary.get('peak_memory_mib') or {}
    machine = summary.get('machine') or {}
    return dict(
        cell,
        folder=str(folder),
        state=state,
        problem=failed.get('problem') if state == 'failed' else None,
        miou=summary.get('last_miou') if done else None,
        best_miou=summary.get('best_miou') if done else None,
        class_iou=last.get('class_iou') or {},
        seconds=summary.get('wall_seconds') if done else None,
        memory_mib=memory.get('gpu', memory.get('process')) if done else None,
        device=machine.get('gpu') or machine.get('cpu'),
        threads=machine.get('threads'),
        versions=summary.get('versions') or {},
        forwards=read_json(run / FORWARDS) if done else {},
        masks=read_json(run / CERTIFICATE),
        boundary_miou=measured.get('boundary_miou'),
        class_boundaries=measured.get('class_boundaries') or {},
        calibration_error=measured.get('calibration_error'),
        same_as_in_training=measured.get('same_as_in_training'),
        pseudo_labels=measured.get('pseudo_labels'),
    )


def compute(cell: dict) -> float | None:
    """Images through networks, counted as forwards; None if not counted.

    An image that is learned from counts three times: once forward, about
    twice as much backward.
    """
    if not cell['forwards']:
        return None
    return sum(
        number * (BACKWARD if kind == 'learning' else 1)
        for kinds in cell['forwards'].values()
        for kind, number in kinds.items()
    )


def passed(cell: dict, kind: str) -> int | None:
    """Images of a kind through all networks of a cell; None: not counted."""
    if not cell['forwards']:
        return None
    return sum(kinds.get(kind, 0) for kinds in cell['forwards'].values())


def certified(cell: dict) -> str:
    """``yes``, or why not: what the certificate of a cell says."""
    masks = cell['masks']
    if not masks:
        return 'not watched'
    if masks['unlabeled_opened']:
        return f'**no**: {masks["unlabeled_opened"][0]}'
    if not masks['whole']:
        return 'for the main process only'
    return 'yes'


def counting(cells: Iterable[dict]) -> list[dict]:
    """Cells whose results count: finished, and no trial of a setting.

    Runs of a seed that settings were tried out on are none of them.
    """
    return [
        c
        for c in cells
        if c['state'] == 'done'
        and c['setting'] is None
        and not c.get('tuned_on')
        and c['miou'] is not None
    ]


def without_result(cells: Iterable[dict]) -> list[dict]:
    """Cells that the same command tries again: failed, or not yet run."""
    return [c for c in cells if c['state'] != 'done' and not c.get(SUPERSEDED)]
