"""Files of named arrays as MXNet writes them (``.params``), without MXNet.

Such a file is the number 0x112, a reserved word, the number of arrays, each
array (marker of its version, kind of storage, shape, device, type, values),
the number of names, and each name with its length. All numbers are little
endian.
"""

import struct
from pathlib import Path

import numpy as np

from mmsemi.io.files import no_file
from mmsemi.io.published import MXNET_MAGIC
from mmsemi.utils.errors import UsageError

# Marker of an array by version. Older arrays have none, but the number of
# their sides in its place.
V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
DENSE = 0
TYPES = (
    np.dtype('<f4'),
    np.dtype('<f8'),
    np.dtype('<f2'),
    np.dtype('u1'),
    np.dtype('<i4'),
    np.dtype('i1'),
    np.dtype('<i8'),
)
MOST_SIDES = 32


class _Reader:
    """Numbers one after the other; nothing behind the end is made up."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self.data = Path(path).read_bytes()
        self.place = 0

    def take(self, number: int) -> bytes:
        """The next bytes."""
        end = self.place + number
        if number < 0 or end > len(self.data):
            raise UsageError(
                f'{self.path} ends in the middle of its arrays. Copy or '
                'download it again'
            )
        part = self.data[self.place : end]
        self.place = end
        return part

    def number(self, kind: str) -> int:
        """The next number, of a kind that ``struct`` knows."""
        return struct.unpack(f'<{kind}', self.take(struct.calcsize(kind)))[0]


def read_params(path: str | Path) -> dict[str, np.ndarray]:
    """Arrays of a file by their names.

    Args:
        path: file that ``mxnet.nd.save`` or ``save_checkpoint`` wrote.

    Returns:
        Arrays; names as they are in the file, such as ``arg:conv1a_weight``.

    Raises:
        UsageError: if the file is missing, cut off or of another format.
    """
    if not Path(path).is_file():
        raise UsageError(f'{path} {no_file(path)}')
    reader = _Reader(path)
    if reader.data[:8] != MXNET_MAGIC:
        raise UsageError(f'{path} is no file of arrays of MXNet')
    reader.take(16)
    arrays = [_array(reader) for _ in range(reader.number('Q'))]
    names = [
        reader.take(reader.number('Q')).decode('utf-8', 'replace')
        for _ in range(reader.number('Q'))
    ]
    if len(names) != len(arrays) or len(set(names)) != len(names):
        raise UsageError(
            f'{path} holds {len(arrays)} arrays and {len(set(names))} names. '
            'Save it with names, as save_checkpoint does'
        )
    return dict(zip(names, arrays))


def _array(reader: _Reader) -> np.ndarray:
    marker = reader.number('I')
    if marker in (V2, V3) and reader.number('i') != DENSE:
        raise UsageError(f'{reader.path} holds sparse arrays, as no network')
    if marker in (V1, V2, V3):
        sides, kind = reader.number('I'), 'q'
    else:
        sides, kind = marker, 'I'
    if sides > MOST_SIDES:
        raise UsageError(
            f'{reader.path}: an array of {sides} sides; the file is damaged, '
            'or of a version of MXNet that is not known'
        )
    shape = [reader.number(kind) for _ in range(sides)]
    if not shape:
        return np.zeros((), np.float32)
    reader.take(8)  # the device it was on
    code = reader.number('i')
    if not 0 <= code < len(TYPES):
        raise UsageError(f'{reader.path}: no type of numbers has code {code}')
    total = int(np.prod(shape, dtype=object))
    values = reader.take(total * TYPES[code].itemsize)
    return np.frombuffer(values, TYPES[code]).reshape(shape)
