"""Files of several NumPy arrays, read as data."""

import zipfile
from pathlib import Path

import numpy as np

from .regular import refuse_special

# Word vectors and priors are megabytes; a packed file of kilobytes can claim
# to be anything.
LARGEST = 2 * 2**30


def read_npz(path: str | Path) -> dict[str, np.ndarray]:
    """All arrays of an ``.npz``, without running what a pickle may hold.

    Raises:
        ValueError: if it is missing, damaged, of another format, holds
            Python objects or claims to hold more than :data:`LARGEST` bytes.
    """
    try:
        refuse_special(path)
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())
        if size > LARGEST:
            raise ValueError(f'unpacked it is {size / 2**30:.0f} GiB large')
        with np.load(path, allow_pickle=False) as arrays:
            found = {key: arrays[key] for key in arrays.files}
    except Exception as error:  # damaged bytes raise nearly anything
        raise ValueError(str(error) or type(error).__name__) from error
    # Other files in the archive come as bytes.
    odd = [key for key, a in found.items() if not isinstance(a, np.ndarray)]
    if odd:
        raise ValueError(f'{odd[0]} in it is no array')
    return found
