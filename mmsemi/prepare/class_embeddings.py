"""Word vectors of the classes of a data set, from files of many words."""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmsemi.utils.errors import UsageError

from .word_vectors import (
    compose,
    composition_table,
    read_npz_vectors,
    read_pickled_array,
    read_text_vectors,
)

DEFAULT_KEY = 'embeddings'


def keyed(arguments: Sequence[str]) -> list[tuple[str, Path]]:
    """``(key, file)`` of ``key=file`` or ``file``.

    Raises:
        UsageError: when two have the same key.
    """
    pairs = []
    for argument in arguments:
        key, found, path = argument.partition('=')
        pairs.append(
            (key, Path(path))
            if found and key.isidentifier()
            else (DEFAULT_KEY, Path(argument))
        )
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        raise UsageError(
            f'several files for one key ({", ".join(keys)}): write key=file'
        )
    return pairs


def from_words(
    classes: dict[str, str],
    path: Path,
    key: str = '',
    words_only: bool = False,
    allow_partial: bool = False,
) -> np.ndarray:
    """Vectors looked up by the words of the classes, with a report.

    Args:
        classes: words by class name.
        path: text file or ``.npz``.
        key: array of the ``.npz``, if it holds several.
        words_only: do not look for joint entries.
        allow_partial: leave out words that the file lacks, as long as a
            class keeps one.

    Raises:
        UsageError: naming words that the file lacks.
    """
    read = (
        functools.partial(read_npz_vectors, path, key=key)
        if path.suffix == '.npz'
        else functools.partial(read_text_vectors, path)
    )
    composed = compose(classes, read, whole=not words_only)
    lines, without = composition_table(list(classes), composed)
    print(f'{path}:')
    print('\n'.join(f'  {line}' for line in lines))
    missing = sorted({w for words in composed.missing for w in words})
    if without or missing and not allow_partial:
        lost = f' (no vector at all: {", ".join(without)})' if without else ''
        partly = '' if without else ', or leave them out with --allow-partial'
        raise UsageError(
            f'{path} lacks {", ".join(missing)}{lost}. Say other '
            f'words for the class (name = words){partly}'
        )
    return composed.vectors


def from_pickle(classes: dict[str, str], path: Path) -> np.ndarray:
    """Rows of a pickled array, in the order of the classes."""
    if not path.is_file():
        raise UsageError(f'no file of word vectors {path}')
    with open(path, 'rb') as file:
        vectors = read_pickled_array(file, len(classes))
    print(
        f'{path}: {vectors.shape[1]} numbers for each of '
        f'{len(vectors)} classes, in the order of the names'
    )
    return vectors


def lines_of(path: str) -> list[str]:
    """Lines of a text file.

    Raises:
        UsageError: if it cannot be read.
    """
    try:
        return Path(path).read_text(encoding='utf-8').split('\n')
    except OSError as error:
        raise UsageError(f'{path}: {error.strerror}') from error
