"""Word vectors from the files of fastText, word2vec and GloVe."""

import gzip
import pickle
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from mmsemi.models.decode_heads.class_embeddings import read_arrays
from mmsemi.utils.errors import UsageError

# What the pickle of one plain array needs, and nothing else.
_ARRAY_GLOBALS = (
    ('numpy.core.multiarray', '_reconstruct'),
    ('numpy._core.multiarray', '_reconstruct'),
    ('numpy', 'ndarray'),
    ('numpy', 'dtype'),
)


class ComposedVectors(NamedTuple):
    """Vectors of classes and how they came about.

    Attributes:
        vectors: (C, D) float64, rows of classes without a vector are NaN.
        words: for each class, the entries of the file that were averaged.
        missing: for each class, words that the file lacks.
    """

    vectors: np.ndarray
    words: list[list[str]]
    missing: list[list[str]]


def spellings(words: Sequence[str]) -> list[str]:
    """Entries under which a file may hold words as one, best first."""
    found: list[str] = []
    for joint in ('_', '-', ' ', '') if len(words) > 1 else ('',):
        name = joint.join(words)
        title = joint.join(word.capitalize() for word in words)
        found += [name, name.lower(), title, name.upper()]
    return list(dict.fromkeys(found))


def split_name(name: str) -> list[str]:
    """``'wall-concrete'`` -> ``['wall', 'concrete']``."""
    return [part for part in re.split(r'[\s_\-/,]+', name) if part]


def read_text_vectors(
    path: Path, wanted: Iterable[str]
) -> dict[str, np.ndarray]:
    """Vectors of some words of a text file, (D,) float64 each.

    A line is a word and D numbers, separated by spaces; a first line with
    the number of words and D (fastText, word2vec) is passed over. GloVe has
    none. ``.gz`` files are read as they are. Only the words asked for are
    kept, so that files of gigabytes can be read.

    Raises:
        UsageError: when the file is missing, in a binary format or has lines
            of different lengths.
    """
    wanted, found, dim, read = set(wanted), {}, 0, 0
    if not path.is_file():
        raise UsageError(f'no file of word vectors {path}')
    opened = (
        gzip.open(path, 'rb') if path.suffix == '.gz' else open(path, 'rb')
    )
    with opened as file:
        for number, line in enumerate(file, 1):
            fields = line.rstrip(b'\r\n ').split(b' ')
            if (
                number == 1
                and len(fields) == 2
                and all(f.isdigit() for f in fields)
            ):
                dim = int(fields[1])
                continue
            if not read:
                dim = dim or len(fields) - 1
                _numbers(path, number, fields, dim)
            read += 1
            # Words of some files hold spaces; the numbers come last.
            word = b' '.join(fields[:-dim]).decode('utf-8', 'replace')
            if word in wanted and word not in found:
                found[word] = _numbers(path, number, fields, dim)
    if not read:
        raise UsageError(f'{path} holds no word vectors')
    return found


def _numbers(
    path: Path, number: int, fields: Sequence[bytes], dim: int
) -> np.ndarray:
    """The vector of a line."""
    try:
        if not 0 < dim < len(fields):
            raise ValueError
        return np.array([float(v) for v in fields[-dim:]])
    except ValueError:
        raise UsageError(
            f'{path}, line {number}: not a word and its vector as text. '
            'Binary files of word2vec or fastText must be converted to text '
            "first (gensim's save_word2vec_format, fastText's .vec)"
        ) from None


def read_npz_vectors(
    path: Path, wanted: Iterable[str], key: str = ''
) -> dict[str, np.ndarray]:
    """Vectors of some words of an ``.npz``, (D,) float64 each.

    Args:
        path: holds ``words`` or ``class_names`` (N,) and arrays (N, D).
        wanted: words.
        key: which array; may be left out if there is one.

    Raises:
        UsageError: naming what the file lacks.
    """
    arrays = read_arrays(path)
    names = next((n for n in ('words', 'class_names') if n in arrays), None)
    keys = [k for k in arrays if arrays[k].ndim == 2]
    if not names or key and key not in keys or not key and len(keys) != 1:
        raise UsageError(
            f'{path} holds {", ".join(arrays)}; needed are words (or '
            'class_names) and vectors (N, D)'
            f'{f" named {key}" if key else ", --key says which"}'
        )
    rows = {str(word): k for k, word in enumerate(arrays[names])}
    vectors = np.asarray(arrays[key or keys[0]], np.float64)
    if len(vectors) != len(arrays[names]):
        raise UsageError(
            f'{path} holds {len(vectors)} vectors for '
            f'{len(arrays[names])} {names}'
        )
    return {word: vectors[rows[word]] for word in set(wanted) & set(rows)}


def compose(
    classes: dict[str, str], read, whole: bool = True
) -> ComposedVectors:
    """Vectors of classes by name.

    A class whose words stand in the file as one entry (``traffic_light``)
    takes that; else the vector is the mean of those of its words, where
    words that are missing are left out and reported.

    Args:
        classes: words to look up by class name.
        read: gives ``{word: (D,) vector}`` of the words it finds.
        whole: look for the joint entry first.
    """
    parts = {name: split_name(words) for name, words in classes.items()}
    candidates = {w for p in parts.values() for w in spellings(p)}
    candidates |= {
        w for p in parts.values() for x in p for w in spellings([x])
    }
    found = read(candidates)

    def lookup(words: Sequence[str]) -> str:
        return next((w for w in spellings(words) if w in found), '')

    used, missing = [], []
    for words in parts.values():
        entry = lookup(words) if whole or len(words) == 1 else ''
        entries = {w: lookup([w]) for w in words}
        used.append([entry] if entry else [e for e in entries.values() if e])
        missing.append(
            [] if entry else [w for w, e in entries.items() if not e]
        )
    dim = len(next(iter(found.values()))) if found else 0
    vectors = np.full((len(parts), dim), np.nan)
    for row, entries in zip(vectors, used):
        if entries:
            row[:] = np.mean([found[e] for e in entries], axis=0)
    return ComposedVectors(vectors, used, missing)


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickles one array of numbers; any other object is refused."""

    def find_class(self, module: str, name: str):
        if (module, name) not in _ARRAY_GLOBALS:
            raise UsageError(
                f'the pickle wants {module}.{name}. Only a plain array of '
                'numbers is read; such a file could run any program'
            )
        if name == '_reconstruct':
            return _reconstruct()
        return getattr(np, name)


def _reconstruct():
    try:
        from numpy._core.multiarray import _reconstruct as function
    except ImportError:  # NumPy 1
        from numpy.core.multiarray import _reconstruct as function
    return function


def read_pickled_array(file: BinaryIO, rows: int) -> np.ndarray:
    """The array of a pickle such as SPNet's, without running its code.

    Args:
        file: opened in binary mode.
        rows: number of rows it must have, that of the classes.

    Returns:
        (rows, D) float64.

    Raises:
        UsageError: when it is something else.
    """
    name = getattr(file, 'name', 'the pickle')
    try:
        array = _ArrayUnpickler(file).load()
    except UsageError as error:
        raise UsageError(f'{name}: {error}') from error
    except Exception as error:
        raise UsageError(f'{name}: no readable pickle ({error})') from error
    if not isinstance(array, np.ndarray) or array.dtype.kind != 'f':
        raise UsageError(f'{name}: no array of floating-point numbers')
    if array.ndim != 2 or len(array) != rows:
        raise UsageError(
            f'{name}: array of shape {array.shape} for {rows} classes'
        )
    return np.array(array, np.float64)


def class_lines(lines: Sequence[str]) -> dict[str, str]:
    """``{class: words}`` of lines ``class`` or ``class = words``.

    Lines ``id<tab>class``, as the file of names that SPNet brings has them,
    must have the ids 0, 1, ... in this order.

    Raises:
        UsageError: when there is no class, or one is named twice.
    """
    classes: dict[str, str] = {}
    for line in without_ids(lines):
        name, _, words = (part.strip() for part in line.partition('='))
        if not name:
            continue
        if name in classes:
            raise UsageError(f'class {name!r} is named twice')
        if not split_name(words or name):
            raise UsageError(f'class {name!r}: no word to look up')
        classes[name] = words or name
    if not classes:
        raise UsageError('no class is named')
    return classes


def without_ids(lines: Sequence[str]) -> list[str]:
    """Lines without the ids in front, if they all have one.

    Raises:
        UsageError: if ids are not those of the rows.
    """
    given = [line for line in lines if line.strip()]
    pairs = [line.split('\t', 1) for line in given]
    if not all(len(p) == 2 and p[0].strip().isdigit() for p in pairs):
        return list(lines)
    for row, (number, name) in enumerate(pairs):
        if int(number) != row:
            raise UsageError(
                f'class {name.strip()!r} has the id {number.strip()} in row '
                f'{row}, and vectors are in the order of the ids. Sort the '
                'lines, and leave none out'
            )
    return [name for _, name in pairs]


def composition_table(
    classes: Sequence[str], composed: ComposedVectors
) -> tuple[list[str], list[str]]:
    """Lines that say how each vector came about, and classes without one."""
    lines, without = [], []
    for name, words, missing in zip(classes, composed.words, composed.missing):
        text = ' + '.join(words) or 'no vector'
        if len(words) > 1:
            text = f'mean of {text}'
        if missing:
            text += f' (not in the file: {", ".join(missing)})'
        lines.append(f'{name}: {text}')
        if not words:
            without.append(name)
    return lines, without
