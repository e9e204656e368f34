"""Equal tuning for all methods: a grid on one seed and one split."""

import itertools
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmsemi.io.files import write_json
from mmsemi.io.json_data import load_json
from mmsemi.report.comparison import (
    AVERAGED,
    BASELINES,
    CELL,
    LABELED_ONLY,
    SAME_IMAGES,
    SAME_LABELS,
    SUPERSEDED,
    counting,
    read_cells,
)
from mmsemi.utils.errors import UsageError


class Tuning(NamedTuple):
    """What is tried out.

    Attributes:
        seed: of all trials; it is left out of the means.
        split: of all trials.
        settings: for each method every combination of its values.
    """

    seed: int
    split: str | None
    settings: dict[str, list[dict[str, Any]]]


def read_grid(
    path: str, methods: Sequence[str], baselines: bool = True
) -> Tuning:
    """Read a grid of settings.

    ``{"seed": 100, "split": "1_16", "grid": {"unimatch": {
    "model.pseudo_labeler.threshold": [0.7, 0.95]}}}``: every combination of
    the values is a setting. Each method has as many settings as the others;
    so has ``labeled-only``, if it is named.

    Args:
        path: JSON file.
        methods: short names of the methods.
        baselines: whether there is a ``labeled-only`` beside them.

    Raises:
        UsageError: if the file cannot be read, or the settings are not
            equally many.
    """
    try:
        content = load_json(path)
        grid, seed = content['grid'], content['seed']
        settings = {name: combinations(grid[name]) for name in grid}
        if type(seed) is not int or not 0 <= seed < 2**32:
            raise TypeError(f'seed is {seed!r}')
        if not isinstance(content.get('split') or '', str):
            raise TypeError(f'split is {content["split"]!r}')
        if unread := content.keys() - {'seed', 'split', 'grid'}:
            raise ValueError(f'nothing reads {min(unread)}')
        if not settings:
            raise ValueError('grid names no method')
    except OSError as error:
        raise UsageError(f'--tune {path}: {error.strerror}') from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f'--tune {path}: not {{"seed": N, "split": NAME, "grid": '
            f'{{METHOD: {{SETTING: [VALUES]}}}}}} ({error!r}). Correct the '
            'file'
        ) from error
    others = [LABELED_ONLY] * baselines
    unknown = [n for n in settings if n not in (*methods, *others)]
    if unknown:
        raise UsageError(
            f'--tune {path}: {unknown[0]} is none of the methods compared, '
            f'{", ".join(methods)}. Name one of these'
        )
    tuned = [*methods, *(name for name in others if name in settings)]
    numbers = {name: len(settings.get(name, [{}])) for name in tuned}
    least, most = (f(numbers, key=numbers.get) for f in (min, max))
    if numbers[least] != numbers[most]:
        raise UsageError(
            f'--tune {path}: {most} would try {numbers[most]} settings and '
            f'{least} {numbers[least]}. Give every method as many, or the '
            'comparison favors the one that is tuned more'
        )
    return Tuning(seed, content.get('split'), settings)


def combinations(values: dict[str, list]) -> list[dict[str, Any]]:
    """Every choice of one value for each setting."""
    if not all(isinstance(v, list) and v for v in values.values()):
        raise TypeError('values of a setting are a list')
    return [
        dict(zip(values, choice))
        for choice in itertools.product(*values.values())
    ]


def note_grid(
    folder: Path, names: Collection[str], places: Collection[Path]
) -> None:
    """Mark trials of an earlier grid, of which no setting is chosen.

    Their runs stay, and the report says what they are.

    Args:
        folder: of the comparison.
        names: methods that are compared.
        places: folders of the trials of the present grid, all written.
    """
    now = {str(place) for place in places}
    for cell in read_cells(folder):
        if (
            cell['setting'] is not None
            and cell['method'] in names
            and cell['folder'] not in now
        ):
            place = Path(cell['folder'])
            facts = load_json(place / CELL)
            write_json(place, CELL, {**facts, SUPERSEDED: True})


def chosen(cells: Sequence[dict]) -> dict[str, dict[str, Any]]:
    """The setting of the best last mIoU, for each method that was tuned.

    What is chosen for labeled-only holds for the other baselines, too.

    Raises:
        UsageError: naming a method of which a trial is not over, or none
            came to its end.
    """
    trials: dict[str, list[dict]] = {}
    for cell in cells:
        if cell['setting'] is not None:
            trials.setdefault(cell['method'], []).append(cell)
    best = {}
    for name, tried in trials.items():
        # The grid is tried in full, or methods would not be tuned alike.
        waiting = [c['setting'] for c in tried if c['state'] == 'missing']
        if waiting:
            raise UsageError(
                f'{name}: setting {waiting[0]} is not over yet, another '
                'command may be at it. Give the same command again later'
            )
        done = counting(dict(c, setting=None) for c in tried)
        if not done:
            raise UsageError(
                f'{name}: none of its {len(tried)} settings came to its end '
                f'({tried[0]["problem"]}). Mend what is wrong; the same '
                'command tries again'
            )
        # The first of equals.
        best[name] = max(done, key=lambda c: c['miou'])['options']
    if LABELED_ONLY in best:
        for name in BASELINES:
            best[name] = for_baseline(name, best[LABELED_ONLY])
    return best


def for_baseline(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Settings of labeled-only for another baseline.

    The network of the averaged teacher is its student. Those of as many
    images or labels as the methods have keep their batch, or they would not.
    """
    if name == AVERAGED:
        return {
            re.sub(r'^model(?=\.|$)', 'model.student', key): value
            for key, value in options.items()
        }
    if name in (SAME_IMAGES, SAME_LABELS):
        batch = ('data.batch', 'train_dataloader.batch_size')
        return {k: v for k, v in options.items() if not k.startswith(batch)}
    return dict(options)
