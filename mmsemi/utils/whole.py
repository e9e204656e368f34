"""Whole numbers, however they are written."""

from typing import Any

import numpy as np


def whole(value: Any) -> Any:
    """A whole number as ``int``; anything else as it is.

    ``4e4`` is a float to Python, and NumPy has integers of its own.
    """
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return int(value)
    return value
