"""Word vectors of classes, found by class name."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmsemi.io.arrays import read_npz
from mmsemi.io.files import no_file
from mmsemi.utils.errors import UsageError

# Names of combinations: the parts are concatenated in this order. The one
# of SPNet and STRICT comes first.
COMBINED = dict(fastnvec=('fasttext', 'word2vec'))


def load_class_embeddings(
    path: str | Path,
    classes: Sequence[str],
    embedding: str | None = None,
    names: dict[str, str] | None = None,
) -> np.ndarray:
    """Unit word vectors of some classes, in their order.

    The file is an ``.npz`` with ``class_names`` (N,) and one or more arrays
    of vectors (N, D). Rows are L2-normalized after concatenation, in
    float64, as SPNet does (Xian et al., CVPR 2019).

    Args:
        path: the file.
        classes: names of the classes.
        embedding: key of the vectors in the file, such as ``'embeddings'``,
            ``'fasttext'``, ``'word2vec'`` or ``'glove'``, or ``'fastnvec'``
            for fastText and word2vec side by side. By default
            ``'embeddings'`` where the file has them, else ``'fastnvec'``.
        names: name in the file of classes that are called otherwise there.

    Returns:
        Float32 (len(classes), D).

    Raises:
        UsageError: when the file, the vectors or a class is missing, or a
            vector is zero or not finite.
    """
    path = Path(path)
    stored = read_arrays(path)
    if embedding is None:
        embedding = 'embeddings' if 'embeddings' in stored else 'fastnvec'
    parts = COMBINED.get(embedding, (embedding,))
    lacking = [k for k in ('class_names', *parts) if k not in stored]
    if lacking:
        raise UsageError(
            f'{path} has no {", ".join(lacking)}, which embedding='
            f'{embedding!r} needs; it holds {", ".join(sorted(stored))}'
        )

    row_of = {str(name): k for k, name in enumerate(stored['class_names'])}
    wanted = [(names or {}).get(name, name) for name in classes]
    missing = [
        name if name == asked else f'{name} ({asked})'
        for name, asked in zip(classes, wanted)
        if asked not in row_of
    ]
    if missing:
        raise UsageError(
            f'{path} has no vector of {", ".join(missing)}; say by `names` '
            'what they are called there, or add them to the file'
        )
    lengths = {part: stored[part].shape for part in parts}
    if any(
        len(shape) != 2 or shape[0] != len(stored['class_names'])
        for shape in lengths.values()
    ):
        raise UsageError(
            f'{path} holds vectors of shape {lengths} for '
            f'{len(stored["class_names"])} class_names; needed '
            'is a row for each'
        )
    rows = [row_of[name] for name in wanted]
    vectors = np.concatenate(
        [np.asarray(stored[part], np.float64)[rows] for part in parts], 1
    )
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    useless = [
        name
        for name, norm in zip(classes, norms[:, 0])
        if not (np.isfinite(norm) and norm > 0)
    ]
    if useless:
        raise UsageError(
            f'{path}: the {embedding} vector of '
            f'{", ".join(useless)} is zero or not finite'
        )
    return (vectors / norms).astype(np.float32)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an ``.npz``, without running what a pickle may hold.

    Raises:
        UsageError: when the file is missing, damaged, of another format, or
            holds Python objects.
    """
    if not path.is_file():
        raise UsageError(f'word vectors {path}: the path {no_file(path)}')
    try:
        return read_npz(path)
    except ValueError as error:
        raise UsageError(
            f'{path}: no .npz of plain arrays ({error}). '
            'tools/dataset_converters/class_embeddings.py writes one from '
            'text files and from pickles'
        ) from error
