"""Confidences in 16 bits, finest where confidences crowd: close to one.

A code is a bin of q = 1 - p that is uniform in the exponent and the first 11
mantissa bits of q as float32, so every bin is at most 2^-11 of its own q wide.
Codes grow with p and their lower edges are exact float32 values: comparing
codes is comparing confidences with an edge, with no tolerance.
"""

from functools import cache
from typing import TypeVar

import numpy as np
import torch

Array = TypeVar('Array', np.ndarray, torch.Tensor)

MANTISSA_BITS = 11
_SHIFT = 23 - MANTISSA_BITS
_KEY_OF_ONE = 127 << MANTISSA_BITS  # q = 1, p = 0
# Below one, float32 has steps of 2^-24: no other q is smaller but not zero.
_SMALLEST_EXPONENT = 24
_SMALLEST_Q = 2.0**-_SMALLEST_EXPONENT
TOP_CODE = (_SMALLEST_EXPONENT << MANTISSA_BITS) + 1  # p = 1 only
NUM_CODES = TOP_CODE + 1


def _encode_numpy(p: np.ndarray) -> np.ndarray:
    q = np.float32(1) - np.asarray(p, dtype=np.float32)
    # fmin turns NaN into q = 1, the lowest confidence.
    clipped = np.fmax(np.fmin(q, np.float32(1)), np.float32(_SMALLEST_Q))
    key = clipped.view(np.int32) >> _SHIFT
    codes = np.where(q < _SMALLEST_Q, TOP_CODE, _KEY_OF_ONE - key)
    return codes.astype(np.uint16)


def _encode_torch(p: torch.Tensor) -> torch.Tensor:
    # In place as far as possible: this runs on every pixel of a set.
    q = 1 - p.detach().float()
    top = q < _SMALLEST_Q
    torch.fmin(q, torch.ones((), device=q.device), out=q)
    codes = q.clamp_(min=_SMALLEST_Q).view(torch.int32)
    codes.bitwise_right_shift_(_SHIFT).neg_().add_(_KEY_OF_ONE)
    return codes.masked_fill_(top, TOP_CODE)


def encode_confidence(p: Array) -> Array:
    """Quantize confidences, monotonically.

    Args:
        p: probabilities of any shape, computed in float32. Values above one
            count as one; negative values and NaN get code 0.

    Returns:
        Codes in ``[0, NUM_CODES)`` of the same shape: uint16 for an array,
        int32 for a tensor (torch hardly supports uint16), on its device.
    """
    if isinstance(p, torch.Tensor):
        return _encode_torch(p)
    return _encode_numpy(p)


@cache
def code_edges() -> np.ndarray:
    """Lower edge of every code, (NUM_CODES,) float32, read-only.

    Found by bisection over the float32 values of [0, 1], ordered as their
    bits are, so the edges agree with :func:`encode_confidence` bit for bit.
    """
    codes = np.arange(NUM_CODES)
    low = np.zeros(NUM_CODES, dtype=np.int32)
    high = np.full(NUM_CODES, np.float32(1).view(np.int32), dtype=np.int32)
    while (low < high).any():
        middle = low + (high - low) // 2
        reached = _encode_numpy(middle.view(np.float32)) >= codes
        high = np.where(reached, middle, high)
        low = np.where(reached, low, middle + 1)
    edges = low.view(np.float32)
    edges.setflags(write=False)
    return edges


def decode_confidence(codes: Array) -> Array:
    """Smallest float32 confidence whose code is at least the given one.

    ``p >= decode_confidence(t)`` and ``encode_confidence(p) >= t`` are the
    same statement for every float32 p in [0, 1] and every code t.

    Args:
        codes: integer codes in ``[0, NUM_CODES)``, any shape.

    Returns:
        float32 array or tensor of the same shape.

    Raises:
        ValueError: on a number that is no code (array input only: checking a
            tensor would wait for the device).
    """
    if isinstance(codes, torch.Tensor):
        edges = torch.from_numpy(code_edges().copy()).to(codes.device)
        return edges[codes.long()]
    codes = np.asarray(codes)
    if codes.size and not 0 <= codes.min() <= codes.max() < NUM_CODES:
        raise ValueError(
            f'confidence codes must lie in 0..{NUM_CODES - 1}, got '
            f'{codes.min()}..{codes.max()}'
        )
    return code_edges()[codes]
