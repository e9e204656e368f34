"""Values that a run has logged, as curves.

Reads what mmengine's ``LocalVisBackend`` writes
(``WORK_DIR/<time>/vis_data/scalars.json``), all starts of a resumed run
together.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmsemi.utils.errors import UsageError

SCALARS = 'vis_data/scalars.json'
# Logged apart, but no validation.
OTHERS = ('round/', 'audit/')


class Curve(NamedTuple):
    """Values of a key in a run; ``validation`` says where they are from."""

    steps: list[int]
    values: list[float]
    validation: bool


def read_run(work_dir: str) -> dict[str, Curve]:
    """Curves of a run by key.

    Where a run was resumed, or started again in the same folder, values of
    the later start replace those from its first iteration on.

    Args:
        work_dir: folder of a run, of one of its starts, or a
            ``scalars.json``.

    Raises:
        UsageError: if nothing was logged there, or a file is damaged.
    """
    path = Path(work_dir)
    if path.is_file():
        files = [path]
    else:
        # Folders of starts are named by their time.
        files = sorted(path.glob(SCALARS)) or sorted(path.glob(f'*/{SCALARS}'))
    records: list[dict] = []
    for file in files:
        later = read_records(file)
        if later:
            first = min(record['step'] for record in later)
            records = [r for r in records if r['step'] < first] + later
    if not records:
        raise UsageError(
            f'{path}: no curves, neither {SCALARS} nor */{SCALARS} holds any. '
            'Give the work dir of a run whose visualizer has a '
            'LocalVisBackend and which has logged at least once '
            '(default_hooks.logger.interval)'
        )
    return curves(records)


def read_records(path: Path) -> list[dict]:
    """Lines of a ``scalars.json`` that belong to a training.

    Raises:
        UsageError: naming the line that is no record.
    """
    records = []
    # What is no text is no record.
    lines = path.read_text(errors='replace').rstrip('\n').split('\n')
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            trained = record['step'] > 0
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            if number == len(lines):  # killed while it was written
                break
            raise UsageError(
                f'{path}, line {number}: no record of scalars '
                f'with a step ({error!r}). Leave the file out, '
                'or remove the line'
            ) from error
        # A validation without training is logged as step 0.
        if trained:
            records.append(record)
    return records


def curves(records: Sequence[dict]) -> dict[str, Curve]:
    """Records by key; training records are those with ``iter``."""
    found: dict[str, Curve] = {}
    # What both have (time) is that of the training.
    for training in (True, False):
        part = [r for r in records if ('iter' in r) == training]
        keys = {key for record in part for key in record}
        for key in sorted(keys - set(found) - {'step', 'iter', 'epoch'}):
            points = [
                (r['step'], r[key])
                for r in part
                if isinstance(r.get(key), (int, float))
            ]
            if points:
                steps, values = map(list, zip(*points))
                found[key] = Curve(
                    steps, values, not training and not key.startswith(OTHERS)
                )
    return found


def best(key: str, curve: Curve) -> tuple[int, float]:
    """Step and value of the best point: the lowest of a loss."""
    sign = -1 if 'loss' in key else 1
    points = [p for p in zip(curve.steps, curve.values) if p[1] == p[1]]
    if not points:
        return curve.steps[-1], float('nan')
    return max(points, key=lambda point: sign * point[1])
