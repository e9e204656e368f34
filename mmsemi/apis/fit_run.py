"""The folder of a training on somebody's own images, and what it remembers."""

import os
import shutil
from itertools import count
from pathlib import Path
from typing import Any

from mmsemi.io.files import cannot_write, whole_file, write_json
from mmsemi.prepare.masks import ENCODING
from mmsemi.report.own_data.run_folder import FACTS, FOLDS, HOLDOUT, read_facts
from mmsemi.utils.errors import UsageError, WriteError

CONFIG, TWIN_CONFIG, NETWORK = 'config.py', 'twin.py', 'network.py'
TRAIN, TWIN, DATA, MASKS = 'train', 'twin', 'data', 'data/masks'
HISTORY = 'history'
# What belongs to one training; the rest of a run's folder is a person's.
PRODUCTS = (
    FACTS,
    CONFIG,
    TWIN_CONFIG,
    NETWORK,
    TRAIN,
    TWIN,
    DATA,
    FOLDS,
    HOLDOUT,
    'segmentor.pth',
    'segmentor.py',
    'masks',
    'confidence',
    'label_next.csv',
    'label_next',
    'report.html',
    'report.json',
    'previous.json',
    'gallery',
)
# Of these, what is there before the facts.
FIRST = (CONFIG, TWIN_CONFIG, NETWORK, DATA, FOLDS)


def check_out(out: str | Path) -> None:
    """Refuse a folder that holds something else than a run.

    Raises:
        UsageError: naming what is there.
    """
    folder = Path(out)
    for sign in {'"', '\\'} - {os.sep}:  # mmengine cannot tell where it is
        if sign in str(folder.absolute()):
            raise UsageError(f'{out}: --out cannot have {sign} in its path')
    if folder.exists() and not folder.is_dir():
        raise UsageError(f'{out} is a file. Choose another --out')
    if (folder / FACTS).exists():
        return
    found = [name for name in PRODUCTS if _holds(folder / name)]
    # These are written before the facts are: a start may be stopped between.
    begun = (folder / MASKS / ENCODING).is_file()
    if found and not (begun and set(found) <= set(FIRST)):
        raise UsageError(
            f'{folder / found[0]} is in the way of a new run. Choose another '
            '--out'
        )


def _holds(path: Path) -> bool:
    """Whether there is anything but folders, as a full disk leaves them."""
    if path.is_dir() and not path.is_symlink():
        return any(_holds(inner) for inner in path.iterdir())
    return path.exists()


def refuse_own(out: str | Path, **given: str | None) -> None:
    """Refuse to learn from what the next training would move aside.

    Args:
        out: folder of the run.
        given: paths by the names of their options.

    Raises:
        UsageError: naming the first that a training wrote there.
    """
    folder = Path(out).resolve()
    for name, path in given.items():
        place = Path(path).resolve() if path else folder
        if not place.is_relative_to(folder) or place == folder:
            continue
        if place.relative_to(folder).parts[0] in PRODUCTS:
            raise UsageError(
                f'{name} {path}: this was written by the run in {out}, which '
                'moves it aside when it trains again. Copy it to a folder of '
                'your own, and name that'
            )


def below(path: str, folder: str) -> str:
    """Path relative to a folder, with ``/`` between its parts."""
    return os.path.relpath(path, folder).replace(os.sep, '/')


def what_changed(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Sentences about masks that came, went, or were corrected."""
    came = sorted(set(now) - set(before))
    gone = sorted(set(before) - set(now))
    both = set(now) & set(before)
    other = sorted(name for name in both if now[name] != before[name])
    found = []
    for names, what in (
        (came, 'new'),
        (other, 'corrected'),
        (gone, 'taken away'),
    ):
        if names:
            kind = 'mask' if len(names) == 1 else 'masks'
            first = names[0] + ' ...' * (len(names) > 1)
            found.append(f'{len(names)} {kind} {what} ({first})')
    return found


def earlier_runs(run: Path) -> list[Path]:
    """Those that were put aside, the latest last."""
    found = [
        path
        for path in (run / HISTORY).glob('*')
        if path.name.isdigit() and (path / FACTS).exists()
    ]
    return sorted(found, key=lambda path: int(path.name))


def put_aside(run: Path) -> Path:
    """Move an earlier training of a run to ``history/<number>``.

    Raises:
        WriteError: if it cannot be moved.
    """
    number = next(n for n in count(1) if not (run / HISTORY / str(n)).exists())
    target = run / HISTORY / str(number)
    try:
        target.mkdir(parents=True)
        for name in PRODUCTS:  # the facts first: where they are is the run
            if (run / name).exists():
                (run / name).rename(target / name)
    except OSError as error:
        raise WriteError(cannot_write(target, error)) from error
    return target


def take_model(run: Path, source: Path) -> None:
    """Copy the plain model of a training to the folder of the run."""
    for name in ('segmentor.py', 'segmentor.pth'):
        with open(source / name, 'rb') as old, whole_file(run, name) as new:
            shutil.copyfileobj(old, new)


def write_facts(run: Path, **facts: Any) -> dict[str, Any]:
    """Add to ``fit.json``; returns all of it."""
    content = {**read_facts(run), **facts}
    write_json(run, FACTS, content)
    return content


def say(text: str) -> None:
    """Print at once, also into a file."""
    print(text, flush=True)
