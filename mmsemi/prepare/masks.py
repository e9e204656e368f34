"""Somebody's masks as training ids with 255 = ignored.

Nothing is written but into the folder that is named for it, which must not
be, hold or lie in a folder of the user's.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np

from mmsemi.doctor.findings import Finding, finding_of
from mmsemi.doctor.photos import look_at
from mmsemi.io.files import write_json, write_png
from mmsemi.io.json_data import load_json
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE
from mmsemi.utils.progress import Progress

from .encoding import Encoding
from .labeled_classes import background_of, hide_undrawn
from .mask_codes import codes_in
from .mask_files import MaskFacts, look
from .mask_labels import labels_of, palette_of
from .mask_source import MaskSource
from .pairing import Pair

ENCODING = 'encoding.json'
_CHUNK = 64
_AT_ONCE = 100_000_000  # pixels in all threads
T = TypeVar('T')
R = TypeVar('R')


def in_threads(
    work: Callable[[T], R],
    items: Sequence[T],
    description: str,
    threads: int = 8,
) -> list[R]:
    """Results of all items in their order, with progress if it takes long.

    Items go to threads by the dozen: there may be a hundred thousand.
    """
    progress = Progress(len(items), description) if len(items) > 500 else None
    parts = [items[i : i + _CHUNK] for i in range(0, len(items), _CHUNK)]

    def several(part: Sequence[T]) -> list[R]:
        return [work(item) for item in part]

    results: list[R] = []
    with ThreadPoolExecutor(threads) as pool:
        try:
            for part in pool.map(several, parts):
                results += part
                if progress is not None:
                    progress.update(len(results))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            if progress is not None:
                progress.close()
    return results


def threads_for(sizes: Iterable[Sequence[int]], threads: int) -> int:
    """How many masks are read at once: fewer where they are large.

    Counting takes about 10 bytes a pixel.

    Args:
        sizes: height and width of images.
        threads: the most that are wanted.
    """
    largest = max((height * width for height, width in sizes), default=1)
    return max(1, min(threads, _AT_ONCE // max(largest, 1)))


def survey_masks(
    pairs: Sequence[Pair], source: MaskSource, threads: int = 8
) -> tuple[list[MaskFacts], list[Finding]]:
    """Look at every mask once.

    Args:
        pairs: labeled images.
        source: of their masks.
        threads: how many files are read at once.

    Returns:
        What the masks hold, and findings about those that cannot be read.
    """

    def work(pair: Pair) -> MaskFacts | Finding:
        try:
            return look(pair.name, pair.masks[0][1], source.read(pair))
        except UsageError as error:
            files = [file for _, file in pair.masks]
            return finding_of('mask-unreadable', error, files)

    results = in_threads(work, pairs, 'reading masks', threads)
    facts = [item for item in results if isinstance(item, MaskFacts)]
    return facts, [item for item in results if isinstance(item, Finding)]


def class_counts(
    facts: Sequence[MaskFacts], encoding: Encoding
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of each class in each mask, from what was counted.

    Of smoothed masks and JPEG, edges are left out: values between two classes
    would make a mask hold a third.

    Returns:
        (N, C) int64 pixels of classes and (N,) int64 ignored ones.
    """
    counts = np.zeros((len(facts), len(encoding.classes)), np.int64)
    ignored = np.zeros(len(facts), np.int64)
    for row, item in enumerate(facts):
        codes = codes_in(item, encoding.space)
        ids, _ = encoding.map_codes(codes)
        void = ids == IGNORE
        kept = encoding.sure(codes) & ~void
        np.add.at(counts[row], ids[kept], item.pixels[kept])
        ignored[row] = item.pixels[void].sum()
    return counts, ignored


def keep_apart(out: str | Path, *folders: str | Path) -> None:
    """Refuse a folder for results that is one of the user's, or within.

    Raises:
        UsageError: naming both.
    """
    target = os.path.realpath(out)
    for folder in folders:
        if os.path.isfile(folder):
            continue
        place = os.path.realpath(folder)
        if target == place or target.startswith(place.rstrip(os.sep) + os.sep):
            raise UsageError(
                f'{out} lies in {folder}, where your data are; nothing is '
                'written there. Choose another folder for the results'
            )


def convert_masks(
    pairs: Sequence[Pair],
    source: MaskSource,
    encoding: Encoding,
    out: str | Path,
    inputs: Sequence[str | Path],
    threads: int = 4,
    name: Callable[[Pair], str] = lambda pair: pair.name,
    drawn: Mapping[str, frozenset[int]] | None = None,
) -> dict[str, float]:
    """Write masks of ids, one PNG for each labeled image.

    Args:
        pairs: labeled images.
        source: of their masks.
        encoding: what their values mean.
        out: folder to write to; ``encoding.json`` is written there, too.
        inputs: the user's folders, which ``out`` must not be in.
        threads: how many masks are worked on at once.
        name: that a file gets, without ``.png``; by default that of the
            image without suffix.
        drawn: ids of the classes that were drawn, of images in which not all
            were; see :mod:`.labeled_classes`.

    Returns:
        Share of changed pixels of each mask that has any, by ``name``.

    Raises:
        UsageError: if ``out`` is the user's, or a mask cannot be converted.
    """
    keep_apart(out, *inputs)
    if os.path.isdir(out) and os.listdir(out):
        earlier = Path(out, ENCODING)
        if not earlier.is_file():
            raise UsageError(
                f'{out} holds files that are no converted masks. Choose '
                'another folder for the results'
            )
    write_json(out, ENCODING, encoding.as_data())

    def work(pair: Pair) -> tuple[str, float]:
        mask = source.read(pair)
        try:
            labels, changed = labels_of(mask, encoding)
        except KeyError as error:
            raise UsageError(
                f'{pair.masks[0][1]}: mask holds the value '
                f'{encoding.show(error.args[0])}, which no class has. Was it '
                'changed meanwhile? Start again'
            ) from error
        size = look_at(pair.image).size
        if labels.shape != size:
            raise UsageError(
                f'{pair.masks[0][1]}: mask of {labels.shape[1]}x'
                f'{labels.shape[0]} for an image of {size[1]}x{size[0]} '
                f'({pair.image}). Replace one of the two'
            )
        if drawn is not None and pair.name in drawn:
            labels = _without_undrawn(labels, drawn[pair.name], pair, encoding)
        write_png(out, f'{name(pair)}.png', labels)
        return name(pair), changed / max(labels.size, 1)

    shares = in_threads(work, pairs, 'converting masks', threads)
    return {name: share for name, share in shares if share}


def _without_undrawn(
    labels: np.ndarray, drawn: frozenset[int], pair: Pair, encoding: Encoding
) -> np.ndarray:
    if encoding.snap:  # an edge between two classes can look like a third
        known = {*drawn, background_of(encoding.classes), IGNORE} - {None}
        labels = np.where(np.isin(labels, [*known]), labels, IGNORE)
        labels = labels.astype(np.uint8)
    return hide_undrawn(labels, drawn, encoding.classes, pair.masks[0][1])


def read_encoding(folder: str | Path) -> Encoding:
    """The encoding that :func:`convert_masks` wrote down.

    Raises:
        UsageError: if there is none.
    """
    path = Path(folder, ENCODING)
    try:
        return Encoding(**load_json(path))
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f'{path}: no encoding of masks ({error}). Convert them again'
        ) from error


__all__ = [
    'class_counts',
    'convert_masks',
    'in_threads',
    'keep_apart',
    'labels_of',
    'palette_of',
    'read_encoding',
    'survey_masks',
    'threads_for',
]
