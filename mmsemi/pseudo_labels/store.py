"""Pseudo-labels on disk, one folder per round, complete or absent.

``<root>/round_<k>/`` holds ``labels/<stem>.png`` (uint8 classes, 255 = no
label), optionally ``confidence/<stem>.png`` (uint16 codes of
:mod:`mmsemi.pseudo_labels.codes`), optionally ``soft/<stem>.png`` (soft
labels at a fraction of the resolution, uint8 shares of 255, the maps of the
classes below one another) and ``manifest.json``. A round is
written to ``round_<k>.partial`` and renamed when everything is on disk, so a
run that dies at any instant leaves either a whole round or none.
"""

import json
import shutil
import zlib
from pathlib import Path

import cv2
import numpy as np

from mmsemi.utils import files
from mmsemi.utils.files import publish, write_json

MANIFEST = 'manifest.json'
LABELS, CONFIDENCE, SOFT = 'labels', 'confidence', 'soft'


class PseudoLabelStore:
    """Write and verify the rounds of a run.

    Args:
        root: folder of all rounds, ``work_dir/pseudo_labels`` by custom.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

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
            shutil.rmtree(path, ignore_errors=True)
        partial = self.partial(round_index)
        for kind in (LABELS, CONFIDENCE, SOFT):
            (partial / kind).mkdir(parents=True)
        return partial

    def commit(
        self, round_index: int, manifest: dict, files: dict[str, list]
    ) -> Path:
        """Make a written round valid, by one process, when all have written.

        Args:
            manifest: plain data that describes the round.
            files: ``{path relative to the round: [size, crc32]}`` of every
                file, from :func:`write_png`.
        """
        partial = self.partial(round_index)
        for kind in (CONFIDENCE, SOFT):
            if not any((partial / kind).rglob('*.png')):
                shutil.rmtree(partial / kind)
        write_json(
            partial, MANIFEST, dict(manifest, round=round_index, files=files)
        )
        publish(partial, self.folder(round_index))
        return self.folder(round_index)

    def manifest(self, round_index: int) -> dict | None:
        """Manifest of a round, None when there is no readable one."""
        try:
            return json.loads(
                (self.folder(round_index) / MANIFEST).read_text()
            )
        except (OSError, ValueError):
            return None

    def problem(self, round_index: int) -> str | None:
        """Why a round cannot be used, None when it is whole.

        Reads every file once and compares size and checksum, so half-written
        and damaged files are found before training meets them.
        """
        if not self.folder(round_index).exists():
            return 'there are no labels yet'
        manifest = self.manifest(round_index)
        if manifest is None:
            return 'no readable manifest'
        folder = self.folder(round_index)
        for name, (size, checksum) in manifest.get('files', {}).items():
            try:
                content = (folder / name).read_bytes()
            except OSError:
                return f'{name} is missing'
            if len(content) != size or zlib.crc32(content) != checksum:
                return f'{name} is damaged'
        return None


def write_png(folder: Path, name: str, array: np.ndarray) -> list:
    """Write a label or confidence map.

    Args:
        folder: folder of the (partial) round.
        name: path below it, with the suffix ``.png``; another is an error.
        array: (H, W) uint8 or uint16.

    Returns:
        ``[size in bytes, crc32]`` for the manifest.
    """
    # Level 1: labels compress well anyway, and labeling should not wait.
    content = files.write_png(folder, name, array, compression=1)
    return [len(content), zlib.crc32(content)]


def read_png(path: Path) -> np.ndarray:
    """Read a map written by :func:`write_png`, dtype and values unchanged."""
    array = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if array is None:
        raise OSError(f'{path}: missing or not a PNG file')
    return array
