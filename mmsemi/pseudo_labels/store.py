"""Pseudo-labels on disk, one folder per round, complete or absent.

``<root>/round_<k>/`` holds ``labels/<stem>.png`` (uint8 classes, 255 = no
label), optionally ``confidence/<stem>.png`` (uint16 codes of
:mod:`mmsemi.pseudo_labels.codes`), optionally ``soft/<stem>.png`` (soft
labels at a fraction of the resolution, uint8 shares of 255, the maps of the
classes below one another), ``files.npz`` (names, sizes and checksums) and
``manifest.json``. A round is written to ``round_<k>.partial`` and renamed
when everything is on disk, so a run that dies at any instant leaves either a
whole round or none.
"""

import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from mmsemi.io import files
from mmsemi.io.files import publish, read_json, write_json, write_text
from mmsemi.io.regular import refuse_special
from mmsemi.utils.progress import track

from .file_table import FileTable, StoredFile

MANIFEST, FILES, VERIFIED = 'manifest.json', 'files.npz', 'verified'
LABELS, CONFIDENCE, SOFT = 'labels', 'confidence', 'soft'
NO_LABELS = 'there are no labels yet'
# Images looked at by a thread at a time, and how many make it worth a bar.
ROWS, MANY = 1024, 5000
READERS = 4


class PseudoLabelStore:
    """Write and verify the rounds of a run.

    Args:
        root: folder of all rounds, ``work_dir/pseudo_labels`` by custom.
        notes: folder in which to note that a round was whole, where nothing
            may be written below ``root``; by default that of the round.
    """

    def __init__(
        self, root: str | Path, notes: str | Path | None = None
    ) -> None:
        self.root = Path(root)
        self.notes = None if notes is None else Path(notes)

    def folder(self, round_index: int) -> Path:
        """Folder of a complete round."""
        return self.root / f'round_{round_index}'

    def partial(self, round_index: int) -> Path:
        """Folder in which a round is being written."""
        return self.root / f'round_{round_index}.partial'

    def begin(self, round_index: int) -> Path:
        """Start a round afresh and return the folder to write to.

        What an interrupted or damaged attempt left of this round is removed.
        To be called by one process only.
        """
        for path in (self.partial(round_index), self.folder(round_index)):
            _remove(path)
        partial = self.partial(round_index)
        for kind in (LABELS, CONFIDENCE, SOFT):
            (partial / kind).mkdir(parents=True)
        return partial

    def hand_in(self, round_index: int, table: FileTable, rank: int) -> None:
        """Leave the files of one process for :meth:`commit` to join.

        Every process does, before one of them commits; they share the
        folder, so nothing is sent.
        """
        table.save(self.partial(round_index), f'part_{rank}.npz')

    def commit(
        self, round_index: int, manifest: dict, stems: Sequence[str]
    ) -> Path:
        """Make a written round valid, by one process, when all handed in.

        Args:
            round_index: number of the round.
            manifest: plain data that describes the round.
            stems: names of all images in the order of their numbers, as
                ``SegDatasetWrapper.stems`` gives them.
        """
        partial = self.partial(round_index)
        parts = sorted(partial.glob('part_*.npz'))
        table = FileTable.join([FileTable.load(part)[0] for part in parts])
        lines = ''.join(f'{stem}\n' for stem in stems).encode()
        table.save(partial, FILES, lines)
        for part in parts:
            part.unlink()
        for kind in (CONFIDENCE, SOFT):
            if kind not in table.columns:
                shutil.rmtree(partial / kind)
        content = dict(
            manifest,
            round=round_index,
            files=dict(
                kinds=sorted(table.columns),
                count=len(table),
                sha256=table.digest(lines),
            ),
        )
        write_json(partial, MANIFEST, dict(content, sha256=_digest(content)))
        publish(partial, self.folder(round_index))
        return self.folder(round_index)

    def manifest(self, round_index: int) -> dict | None:
        """Manifest of a round, None when there is none or it is damaged."""
        content = read_json(self.folder(round_index) / MANIFEST)
        stamp = content.pop('sha256', None)
        return content if stamp == _digest(content) else None

    def problem(self, round_index: int) -> str | None:
        """Why a round cannot be used, None when it is whole.

        The first time every file is read and compared with its checksum, so
        half-written and damaged ones are found before training meets them.
        A round that was whole once is only asked for its manifest and the
        number of its files. To be called by one process only.
        """
        folder = self.folder(round_index)
        if not folder.exists():
            return NO_LABELS
        manifest = self.manifest(round_index)
        if manifest is None:
            return 'no readable manifest'
        expected = manifest['files']
        stamp = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
        notes = self.notes or folder
        if _text(notes / VERIFIED) == stamp:
            found = sum(
                _count_files(folder / kind) for kind in expected['kinds']
            )
            if found == expected['count']:
                return None
        try:
            table, stems = FileTable.load(folder / FILES)
        except (OSError, ValueError, KeyError):
            return f'{FILES} is missing or damaged'
        if table.digest(stems) != expected.get('sha256'):
            return f'{FILES} is damaged'
        problem = _first_problem(folder, table, stems)
        if problem is None:
            write_text(notes, VERIFIED, stamp)
        return problem


def _remove(path: Path) -> None:
    """Remove a folder, or the file or link that lies in its place."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def _digest(content: dict) -> str:
    text = json.dumps(files.finite(content), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ''


def _count_files(folder: str | Path) -> int:
    """Files in a folder and those below it."""
    count, pending = 0, [str(folder)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        count += 1
        except FileNotFoundError:
            return -1
    return count


def _first_problem(folder: Path, table: FileTable, stems: bytes) -> str | None:
    """Read all files; the first that is missing or damaged."""

    def check(part: list[StoredFile]) -> str | None:
        for name, size, checksum in part:
            try:
                refuse_special(f'{folder}/{name}')
                with open(f'{folder}/{name}', 'rb') as file:
                    content = file.read()
            except OSError:
                return f'{name} is missing'
            if len(content) != size or zlib.crc32(content) != checksum:
                return f'{name} is damaged'
        return None

    with ThreadPoolExecutor(READERS) as pool:
        results: Iterable[str | None] = pool.map(
            check, table.files(stems, ROWS)
        )
        total = len(table.indices)
        if total > MANY:  # seconds: say what is going on
            results = track(
                results, -(-total // ROWS), 'verifying pseudo-labels'
            )
        for problem in results:
            if problem is not None:
                pool.shutdown(cancel_futures=True)
                return problem
    return None


def write_png(folder: Path, name: str, array: np.ndarray) -> tuple[int, int]:
    """Write a label or confidence map.

    Args:
        folder: folder of the (partial) round.
        name: path below it, with the suffix ``.png``; another is an error.
        array: (H, W) uint8 or uint16.

    Returns:
        Size in bytes and CRC-32, for a :class:`FileTable`.
    """
    # Level 1: labels compress well anyway, and labeling should not wait.
    content = files.write_png(folder, name, array, compression=1)
    return len(content), zlib.crc32(content)


def read_png(path: Path) -> np.ndarray:
    """Read a map written by :func:`write_png`, dtype and values unchanged."""
    array = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if array is None:
        raise OSError(f'{path}: missing or not a PNG file')
    return array
