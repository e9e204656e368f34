"""How likely a class is in which part of an image (CBST-SP)."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmsemi.io.arrays import read_npz
from mmsemi.utils.errors import UsageError


def load_prior(path: str, num_classes: int) -> tuple[Tensor, list[str] | None]:
    """Spatial prior (C, h, w) float32 of a file, and its classes if named.

    Raises:
        UsageError: if the file is missing or damaged, or belongs to another
            number of classes.
    """
    advice = (
        'make it with tools/dataset_converters/spatial_prior.py from '
        'the labeled images'
    )
    if not Path(path).is_file():
        raise UsageError(f'{path}: no such spatial prior; {advice}')
    if str(path).endswith('.mat'):
        raise UsageError(
            f"{path} is CBST's prior for MATLAB: convert it with `mmsemi "
            f'convert {path} --out OUT.npz` and use OUT.npz'
        )
    try:
        file = read_npz(path)
    except ValueError as error:
        raise UsageError(
            f'{path}: cannot be read as .npz ({error}); {advice}'
        ) from error
    if 'prior' not in file:
        raise UsageError(f'{path}: holds {list(file)}, no `prior`; {advice}')
    if file['prior'].dtype.kind not in 'biuf':
        raise UsageError(
            f'{path}: its prior is of type {file["prior"].dtype}, no numbers; '
            f'{advice}'
        )
    prior = torch.from_numpy(file['prior'].astype(np.float32))
    if (
        prior.ndim != 3
        or len(prior) != num_classes
        or not torch.isfinite(prior).all()
        or prior.min() < 0
    ):
        raise UsageError(
            f'{path}: prior of shape {tuple(prior.shape)}, but the data set '
            f'has {num_classes} classes (values must be finite and not '
            f'negative); {advice}'
        )
    classes = file.get('classes')
    if classes is None or classes.shape != (num_classes,):
        return prior, None
    return prior, [str(name) for name in classes]
