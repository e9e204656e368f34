"""What ``mmsemi fit`` left in its folder, read with care."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmsemi.datasets.lists import read_lines
from mmsemi.io.files import check_name
from mmsemi.io.json_data import NoJson, load_json
from mmsemi.utils.errors import UsageError

FACTS, HOLDOUT = 'fit.json', 'holdout.json'
PARTS = ('labeled', 'holdout', 'unlabeled')
FOLDS = 'folds'
# Folders of the two trainings.
PLACES = dict(method='train', twin='twin')


def read_facts(run: str | Path) -> dict[str, Any]:
    """Content of ``fit.json``; empty where there is none.

    Raises:
        UsageError: if it is damaged.
    """
    path = Path(run, FACTS)
    if not path.exists():
        return {}
    facts = _read_json(path)
    if not isinstance(facts, dict):
        raise UsageError(_damaged(path, 'it holds no object'))
    for key, value in facts.items():
        known = _KINDS.get(key)
        if value is not None and known is not None and not known(value):
            raise UsageError(_damaged(path, f'"{key}" is {value!r:.50}'))
    return facts


def check_told(
    run: str | Path, told: Collection[str], needed: Sequence[str]
) -> None:
    """Refuse facts without which nothing can be done.

    Args:
        run: folder of the run.
        told: keys that ``fit.json`` has.
        needed: those that it must have.

    Raises:
        UsageError: naming what is missing.
    """
    missing = [key for key in needed if key not in told]
    if missing:
        raise UsageError(
            f'{Path(run, FACTS)} does not tell {", ".join(missing)}. Run '
            'mmsemi fit again'
        )


def read_names(run: str | Path, part: str) -> list[str]:
    """Paths in ``data/<part>.txt``; none where there is no such list."""
    path = Path(run, 'data', f'{part}.txt')
    return read_lines(str(path)) if path.is_file() else []


def fold_folder(run: str | Path, number: int) -> Path:
    """Folder of a fold of cross-validation, from 1."""
    return Path(run, FOLDS, str(number))


def _read_json(path: Path) -> Any:
    try:
        return load_json(path)
    except OSError as error:
        raise UsageError(
            f'{path} cannot be read ({error.strerror}). Run mmsemi fit again'
        ) from error
    except NoJson as error:
        raise UsageError(_damaged(path, error.why)) from error


def _of(kind: type) -> Callable[[Any], bool]:
    return lambda value: type(value) is kind


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _colors(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(color, list)
        and len(color) == 3
        and all(type(v) is int and 0 <= v <= 255 for v in color)
        for color in value
    )


def _settings(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(v, dict) and {'name', 'value'} <= v.keys() for v in value
    )


# Of what kind the facts are that other commands take for granted.
_KINDS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(('images', 'encoding', 'earlier', 'command'), _of(str)),
    **dict.fromkeys(('wish', 'numbers', 'machine', 'versions'), _of(dict)),
    **dict.fromkeys(('folds', 'shared'), _of(int)),
    'classes': _texts,
    'palette': _colors,
    'settings': _settings,
}


def _damaged(path: Path, why: str) -> str:
    return (
        f'{path} is damaged ({why}). Restore it, or move the folder away and '
        'run mmsemi fit again'
    )


class RunFolder:
    """Facts, lists, images and masks of a run on somebody's own data.

    Args:
        path: folder that ``mmsemi fit`` wrote.

    Attributes:
        path: of the folder.
        facts: those of ``fit.json``.
        classes: names.
        palette: (C, 3) uint8 RGB.
        folds: number of folds of cross-validation, 0 without.

    Raises:
        UsageError: if it is no such folder, or a file in it is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not (self.path / FACTS).is_file():
            raise UsageError(
                f'{self.path} holds no {FACTS}, so it is no folder of mmsemi '
                'fit. Give the folder that its --out named'
            )
        self.facts = read_facts(self.path)
        known = [key for key, value in self.facts.items() if value]
        check_told(self.path, known, ('images', 'classes', 'palette'))
        self.classes = [str(name) for name in self.facts['classes']]
        self.palette = np.array(self.facts['palette'], np.uint8)
        self.folds = int(self.facts.get('folds') or 0)

    def read_json(self, name: str) -> Any:
        """A JSON file of the run.

        Raises:
            UsageError: if it is not there or damaged.
        """
        return _read_json(self.path / name)

    def optional_json(self, name: str) -> Any:
        """A JSON file of the run, None where there is none."""
        return self.read_json(name) if (self.path / name).is_file() else None

    def names(self, part: str) -> list[str]:
        """Images of a part of :data:`PARTS`, none without it.

        A name is the path below the folder of images.
        """
        found = read_names(self.path, part)
        if part == 'unlabeled':  # learned from like these, but labeled
            partly = set(read_names(self.path, 'partly'))
            found = [name for name in found if name not in partly]
            # Not learned from, as they are unlike those with a mask.
            found += read_names(self.path, 'aside')
        return found

    def measured(self) -> list[tuple[Path, list[str]]]:
        """Images to measure on, and the folder of what is measured on them.

        Of a fold this is a folder of its own.
        """
        if not self.folds:
            return [(self.path, self.names('holdout'))]
        folders = [fold_folder(self.path, k + 1) for k in range(self.folds)]
        return [(path, read_names(path, 'holdout')) for path in folders]

    def image(self, name: str) -> Path:
        """File of an image, which stays where it was."""
        root = self.facts['images']
        return Path(root) / check_name(root, name)

    def mask(self, name: str) -> np.ndarray:
        """(H, W) uint8 ids of the converted mask of an image.

        Raises:
            UsageError: if there is no readable one.
        """
        root = self.path / 'data' / 'masks'
        path = root / check_name(root, f'{name}.png')
        ids = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if ids is None or ids.ndim != 2 or ids.dtype != np.uint8:
            raise UsageError(
                f'{path}: no converted mask of 8 bits. Run mmsemi fit again'
            )
        return ids
