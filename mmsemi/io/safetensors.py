"""Weights in files of Hugging Face's safetensors format."""

import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

# The format allows no longer header.
LONGEST = 100_000_000


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
        ValueError: if the file is damaged.
    """
    device = None if callable(map_location) else map_location
    try:
        with safe_open(path, framework='pt') as file:
            return {
                name: file.get_tensor(name).to(device) for name in file.keys()
            }
    except SafetensorError as error:
        raise ValueError(str(error)) from error
