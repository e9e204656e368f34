"""Masks and probabilities that some other program has written."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE

SUFFIXES = ('.npz', '.npy', '.png')
# Names of arrays in npz files.
PROBABILITIES, LABELS, CONFIDENCE = 'probabilities', 'labels', 'confidence'
OURS = PROBABILITIES, LABELS, CONFIDENCE
# Bytes of the widest number, and of what stands before the arrays.
_WIDEST, _HEADERS = 8, 2**16


class OutsideMask(NamedTuple):
    """What another model says of an image.

    Attributes:
        labels: (H, W) uint8 classes, 255 = none.
        confidence: (H, W) float32 in [0, 1]; None of a hard mask.
    """

    labels: np.ndarray
    confidence: np.ndarray | None


class OutsideMasks:
    """A folder with a mask for each image, under the image's name.

    ``<stem>.png``, one channel (or a palette) of class ids, 255 = none;
    ``<stem>.npy``, an array of class ids (H, W) or of probabilities
    (C, H, W); or ``<stem>.npz`` with ``probabilities``, or with ``labels``
    and perhaps ``confidence`` (H, W). Stems are lines of the lists, so they
    may name folders.

    Args:
        folder: of the masks.
        classes: names of the classes, in the order of the ids.
        confidence: folder with ``<stem>.png`` (8 or 16 bits, the highest
            value is certain) or ``<stem>.npy`` (numbers in [0, 1]).

    Raises:
        UsageError: if a folder does not exist, or confidences belong to
            probabilities, which have theirs.
    """

    def __init__(
        self,
        folder: str | Path,
        classes: Sequence[str],
        confidence: str | Path | None = None,
    ) -> None:
        self.folder, self.classes = Path(folder), list(classes)
        self.confidence = Path(confidence) if confidence else None
        for path in filter(None, (self.folder, self.confidence)):
            if not path.is_dir():
                raise UsageError(f'{path}: no such folder of masks')

    def find(self, stem: str) -> Path | None:
        """File of an image, None if there is none.

        Raises:
            UsageError: if there are several.
        """
        found = _files(self.folder, stem, SUFFIXES)
        if len(found) > 1:
            raise UsageError(
                f'{found[0]} and {found[1].name} are masks of one image. '
                'Remove one of them'
            )
        return found[0] if found else None

    def read(
        self, stem: str, size: tuple[int, int] | None = None
    ) -> OutsideMask | None:
        """The mask of an image, None if there is none.

        Args:
            stem: name of the image.
            size: (H, W) that it must have.

        Raises:
            UsageError: if it cannot be read, is none of what it may be, or
                has another size.
        """
        path = self.find(stem)
        if path is None:
            return None
        arrays = self._arrays(path, size)
        if self.confidence and not arrays.keys() & {PROBABILITIES, CONFIDENCE}:
            arrays[CONFIDENCE] = self._confidence(path, stem, size)
        if PROBABILITIES in arrays:
            mask = self._of_probabilities(path, arrays)
        else:
            mask = self._of_labels(path, arrays)
        if size is not None and mask.labels.shape != tuple(size):
            raise UsageError(
                f'{path}: mask of {_extent(mask.labels)} for an image of '
                f'{size[1]}x{size[0]}. Save masks at the size of the images'
            )
        return mask

    def _arrays(
        self, path: Path, size: tuple[int, int] | None
    ) -> dict[str, np.ndarray]:
        """What a file holds, which is not unpacked if it is too much."""
        if path.suffix == '.png':
            return _png(path)
        if path.suffix == '.npz' and size is not None:
            most = size[0] * size[1] * (len(self.classes) + 2) * _WIDEST
            unpacked = _unpacked(path)
            if unpacked > most + _HEADERS:
                raise UsageError(
                    f'{path}: unpacked it is {unpacked / 2**30:.2f} GiB '
                    f'large, too much for {len(self.classes)} classes and an '
                    f'image of {size[1]}x{size[0]}. Save masks at the size '
                    'of the images'
                )
        return _numpy(path)

    def _of_probabilities(self, path: Path, arrays: dict) -> OutsideMask:
        given, number = arrays[PROBABILITIES], len(self.classes)
        usable = given.dtype.kind in 'buif' and given.size
        if given.ndim != 3 or given.shape[0] != number or not usable:
            raise UsageError(
                f'{path}: {given.dtype} probabilities of shape '
                f'{given.shape}, but ({number}, height, width) is needed for '
                f'the {number} classes {", ".join(self.classes)}'
            )
        if self.confidence:
            raise UsageError(
                f'{path} holds probabilities, which say how sure they are: '
                f'leave the confidences in {self.confidence} out'
            )
        labels = given.argmax(0)
        best = np.take_along_axis(given, labels[None], 0)[0]
        sure = _in_unit(path, best, given.min())
        return OutsideMask(labels.astype(np.uint8), sure)

    def _of_labels(self, path: Path, arrays: dict) -> OutsideMask:
        labels, sure = arrays[LABELS], arrays.get(CONFIDENCE)
        if labels.ndim != 2 or labels.dtype.kind not in 'bui':
            raise UsageError(
                f'{path}: {labels.dtype} of shape {labels.shape} is no mask. '
                'Save class ids as integers (height, width), one channel, or '
                f'probabilities ({len(self.classes)}, height, width)'
            )
        known = labels[labels != IGNORE]
        if known.size and not 0 <= known.min() <= known.max() < len(
            self.classes
        ):
            wrong = known[(known < 0) | (known >= len(self.classes))][0]
            raise UsageError(
                f'{path}: value {wrong} is no class: there are '
                f'0..{len(self.classes) - 1} ({", ".join(self.classes)}) and '
                '255 = none. Write the masks with the ids of these classes'
            )
        if sure is not None:
            if sure.dtype.kind not in 'buif':
                raise UsageError(
                    f'{path}: confidences are {sure.dtype}. Save numbers '
                    'from 0 to 1'
                )
            if sure.shape != labels.shape:
                raise UsageError(
                    f'{path}: confidences of {_extent(sure)} for a mask of '
                    f'{_extent(labels)}. Save both at the size of the image'
                )
            sure = _in_unit(path, sure, sure.min(initial=0))
        return OutsideMask(labels.astype(np.uint8), sure)

    def _confidence(
        self, mask: Path, stem: str, size: tuple[int, int] | None
    ) -> np.ndarray:
        assert self.confidence is not None
        found = _files(self.confidence, stem, ('.npy', '.png'))
        if not found:
            raise UsageError(
                f'{mask}: {self.confidence} holds no confidences for it, '
                f'neither {stem}.png nor {stem}.npy. Every mask needs them, '
                'or none'
            )
        if found[0].suffix == '.npy':
            arrays = list(self._arrays(found[0], size).values())
            if len(arrays) != 1:
                raise UsageError(
                    f'{found[0]} holds {len(arrays)} arrays, where one of '
                    'confidences is needed'
                )
            return arrays[0]
        array = _png(found[0])[LABELS]
        if array.dtype.kind == 'b':
            return array.astype(np.float32)
        top = np.iinfo(array.dtype).max if array.dtype.kind == 'u' else 65535
        return array.astype(np.float32) / top


def _files(folder: Path, stem: str, suffixes: Sequence[str]) -> list[Path]:
    paths = [folder / f'{stem}{suffix}' for suffix in suffixes]
    return [path for path in paths if path.is_file()]


def _unpacked(path: Path) -> int:
    """Bytes of the arrays in an archive that are read from it."""
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {p.filename: p.file_size for p in archive.infolist()}
        ours = {f'{name}.npy' for name in OURS} & sizes.keys()
        return sum(sizes[name] for name in ours or sizes)
    except Exception as error:  # damaged bytes raise nearly anything
        raise _unreadable(path, error) from error


def _png(path: Path) -> dict[str, np.ndarray]:
    try:
        with Image.open(path) as image:
            array = np.array(image)
    except Exception as error:  # damaged bytes raise nearly anything
        raise _unreadable(path, error) from error
    return {LABELS: array}


def _numpy(path: Path) -> dict[str, np.ndarray]:
    """Arrays of a file; one without a name is told by its shape."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            arrays = dict(only=loaded)
        else:
            with loaded:
                names = set(OURS) & set(loaded.files) or loaded.files
                arrays = {name: loaded[name] for name in names}
    except Exception as error:  # damaged bytes raise nearly anything
        raise _unreadable(path, error) from error
    if PROBABILITIES in arrays or LABELS in arrays:
        return arrays
    if len(arrays) != 1:
        raise UsageError(
            f'{path} holds {", ".join(arrays) or "no array"}: save '
            f'{PROBABILITIES}, or {LABELS} and {CONFIDENCE}'
        )
    (array,) = arrays.values()
    return {PROBABILITIES if array.ndim == 3 else LABELS: array}


def _in_unit(path: Path, sure: np.ndarray, lowest: float) -> np.ndarray:
    """Confidences as float32, if they are any."""
    sure = sure.astype(np.float32)
    highest = float(sure.max(initial=0))
    if not (lowest >= 0 and highest <= 1.001):  # NaN is not, either
        bad = lowest if lowest < 0 else highest
        raise UsageError(
            f'{path}: {bad:.4g} is no probability. Save numbers from 0 to 1: '
            'the softmax of logits, not the logits'
        )
    return sure.clip(max=1)


def _extent(array: np.ndarray) -> str:
    return f'{array.shape[1]}x{array.shape[0]}'


def _unreadable(path: Path, error: Exception) -> UsageError:
    return UsageError(
        f'{path}: mask cannot be read ({" ".join(str(error).split())[:200]}). '
        'Write it again'
    )
