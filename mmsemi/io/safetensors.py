"""Weights in files of Hugging Face's safetensors format.

The format is data by design: the length of a header in 8 bytes, the header
as JSON with type, shape and place of every tensor, then their bytes. See
https://github.com/huggingface/safetensors#format.
"""

import json
import math
import os
from pathlib import Path
from typing import Any, BinaryIO

import torch

# The format allows no longer header.
LONGEST = 100_000_000
TYPES = {
    'F64': torch.float64,
    'F32': torch.float32,
    'F16': torch.float16,
    'BF16': torch.bfloat16,
    'I64': torch.int64,
    'I32': torch.int32,
    'I16': torch.int16,
    'I8': torch.int8,
    'U8': torch.uint8,
    'BOOL': torch.bool,
}


def is_safetensors(path: str | Path) -> bool:
    """Whether a file begins as one of this format, or is called so."""
    if str(path).endswith('.safetensors'):
        return True
    with open(path, 'rb') as file:
        start = file.read(9)
    length = int.from_bytes(start[:8], 'little')
    return start[8:] == b'{' and length <= min(LONGEST, os.path.getsize(path))


def read_safetensors(
    path: str | Path, map_location: Any = None
) -> dict[str, torch.Tensor]:
    """The tensors of a file by their names.

    Args:
        path: file on this machine.
        map_location: device to put them on, ``'meta'`` for their shapes
            alone; functions, which :func:`torch.load` takes, too, count as
            None.

    Raises:
        ValueError: if the file is damaged, saying where.
    """
    device = None if callable(map_location) else map_location
    with open(path, 'rb') as file:
        header, start = _header(file, os.path.getsize(path))
        rest = os.path.getsize(path) - start
        return {
            name: _tensor(file, start, rest, name, entry, device)
            for name, entry in header.items()
            if name != '__metadata__'
        }


def _header(file: BinaryIO, size: int) -> tuple[dict[str, Any], int]:
    length = int.from_bytes(file.read(8), 'little')
    if length > min(LONGEST, size - 8):
        raise ValueError(f'its header of {length} bytes is cut short')
    try:
        header = json.loads(file.read(length))
    except RecursionError as error:
        raise ValueError('its header is nested too deeply') from error
    if not isinstance(header, dict):
        raise ValueError('its header is no table of tensors')
    return header, 8 + length


def _tensor(
    file: BinaryIO, start: int, rest: int, name: str, entry: Any, device: Any
) -> torch.Tensor:
    try:
        dtype, shape = TYPES.get(entry['dtype']), entry['shape']
        begin, end = entry['data_offsets']
        counts = [*shape, begin, end]
        sound = all(type(n) is int and n >= 0 for n in counts)
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f'it says nothing of use about {name}') from error
    if dtype is None:
        raise ValueError(f'{name} is of type {entry["dtype"]}')
    size = math.prod(shape) * _bytes(dtype) if sound else -1
    if not sound or end > rest or end - begin != size:
        raise ValueError(f'{name} does not lie where its header says')
    if device is not None and torch.device(device).type == 'meta':
        return torch.empty(shape, dtype=dtype, device='meta')
    if not size:
        return torch.empty(shape, dtype=dtype, device=device)
    file.seek(start + begin)
    values = torch.frombuffer(bytearray(file.read(size)), dtype=dtype)
    return values.reshape(shape).to(device)


def _bytes(dtype: torch.dtype) -> int:
    return torch.empty((), dtype=dtype).element_size()
