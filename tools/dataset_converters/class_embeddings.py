"""Word vectors of classes, for zero-label segmentation.

Names are words, or ``class = words`` where a class has another name in
everyday language; several words take their joint entry (``traffic_light``) if
the file has one, else the mean of their vectors::

    python tools/dataset_converters/class_embeddings.py out.npz \
        --names names.txt --vectors wiki-news-300d-1M.vec

A text file of fastText, word2vec or GloVe (``.gz`` too), or an ``.npz`` with
``words`` (N,) and vectors (N, D). Repeat ``--vectors`` as ``key=file`` to keep
several, such as ``fasttext=... word2vec=...``, which together are what the
models call ``fastnvec``. SPNet's pickles, one array each with a row for every
class, are brought in without running what a pickle may hold::

    python tools/dataset_converters/class_embeddings.py out.npz \
        --names voc12_names.txt --pickle fasttext=fasttext.pkl \
        word2vec=word2vec.pkl
"""

import argparse
import functools
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmsemi.io.files import whole_file
from mmsemi.prepare.word_vectors import (
    class_lines,
    compose,
    composition_table,
    read_npz_vectors,
    read_pickled_array,
    read_text_vectors,
)
from mmsemi.utils.errors import UsageError

DEFAULT_KEY = 'embeddings'


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('out', help='.npz file to write')
    names = parser.add_mutually_exclusive_group(required=True)
    names.add_argument(
        '--names',
        metavar='FILE',
        help='a line for each class: its name, or name = words',
    )
    names.add_argument(
        '--classes',
        nargs='+',
        metavar='NAME',
        help='the same on the command line',
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        '--vectors',
        nargs='+',
        metavar='[KEY=]FILE',
        help=f'text or .npz; KEY is {DEFAULT_KEY} by default',
    )
    source.add_argument(
        '--pickle',
        nargs='+',
        metavar='[KEY=]FILE',
        help='one pickled array, rows in the order of names',
    )
    parser.add_argument(
        '--key', default='', help='array of the .npz, if it holds several'
    )
    parser.add_argument(
        '--words-only',
        action='store_true',
        help='do not look for joint entries',
    )
    parser.add_argument(
        '--allow-partial',
        action='store_true',
        help='leave out words that the file lacks, as long '
        'as a class keeps one',
    )
    parser.add_argument('--overwrite', action='store_true')
    return parser.parse_args(argv)


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
    classes: dict[str, str], path: Path, args: argparse.Namespace
) -> np.ndarray:
    """Vectors looked up by the words of the classes, with a report.

    Raises:
        UsageError: naming words that the file lacks.
    """
    read = (
        functools.partial(read_npz_vectors, path, key=args.key)
        if path.suffix == '.npz'
        else functools.partial(read_text_vectors, path)
    )
    composed = compose(classes, read, whole=not args.words_only)
    lines, without = composition_table(list(classes), composed)
    print(f'{path}:')
    print('\n'.join(f'  {line}' for line in lines))
    missing = sorted({w for words in composed.missing for w in words})
    if without or missing and not args.allow_partial:
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


def main(argv=None) -> None:
    """Write the vectors the arguments describe."""
    args = parse_args(argv)
    out = Path(args.out)
    if out.suffix != '.npz':
        raise UsageError(f'{out}: the result is an .npz file')
    if out.exists() and not args.overwrite:
        raise UsageError(f'{out} exists. Replace it with --overwrite')
    lines = args.classes
    if args.names:
        try:
            lines = Path(args.names).read_text(encoding='utf-8').splitlines()
        except OSError as error:
            raise UsageError(f'{args.names}: {error.strerror}') from error
    classes = class_lines(lines)
    arrays = {}
    for key, path in keyed(args.vectors or args.pickle):
        arrays[key] = (
            from_pickle(classes, path)
            if args.pickle
            else from_words(classes, path, args)
        )
    with whole_file(out.parent, out.name) as file:
        np.savez_compressed(
            file, class_names=np.array(list(classes)), **arrays
        )
    print(f'{out} written: {len(classes)} classes, {", ".join(arrays)}')


if __name__ == '__main__':
    try:
        main()
    except UsageError as error:
        sys.exit(f'error: {error}')
