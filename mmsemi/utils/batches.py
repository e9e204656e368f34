"""Images of collated batches."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from .errors import UsageError


def images_of(data_batch: Any) -> Iterator[tuple[Tensor, Any]]:
    """``(image, sample)`` of a collated batch, all its branches."""
    inputs = (data_batch or {}).get('inputs', [])
    samples = (data_batch or {}).get('data_samples', [])
    if isinstance(inputs, dict):
        for branch, images in inputs.items():
            yield from images_of(
                dict(inputs=images, data_samples=samples.get(branch, []))
            )
        return
    for index, image in enumerate(inputs):
        if torch.is_tensor(image):
            yield image, samples[index] if index < len(samples) else None


def refuse_not_finite(data_batch: Any, where: str = '') -> None:
    """Refuse images with NaN or infinite values, before they do damage.

    Args:
        data_batch: collated batch.
        where: when it was met, for the message.

    Raises:
        UsageError: naming the file.
    """
    for image, sample in images_of(data_batch):
        if image.is_floating_point() and not image.isfinite().all():
            path = getattr(sample, 'img_path', 'an image')
            raise UsageError(
                f'{path}: the image holds NaN or infinite values'
                f'{f" ({where})" if where else ""}. Restore the file, or '
                'take it off its list'
            )
