"""What the hooks that draw pictures share."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from mmengine.visualization import LocalVisBackend
from torch import Tensor

from mmsemi.utils.compat import picture_backends

# Whether networks predict for people's eyes alone.
FOR_PEOPLE: ContextVar[bool] = ContextVar('for_people', default=False)


@contextmanager
def for_people() -> Iterator[None]:
    """What passes through networks meanwhile is no cost of the method."""
    before = FOR_PEOPLE.set(True)
    try:
        yield
    finally:
        FOR_PEOPLE.reset(before)


def show_picture(runner, title: str, picture: np.ndarray, step: int) -> None:
    """Give a picture to back ends that do not show the file of the run.

    Args:
        runner: of the training.
        title: under which they show it.
        picture: uint8 (H, W, 3), RGB.
        step: at which it was drawn.
    """
    for backend in picture_backends(runner.visualizer):
        if not isinstance(backend, LocalVisBackend):
            backend.add_image(title, picture, step)


def as_picture(image: Tensor, bgr: bool = True) -> np.ndarray:
    """An image (B, H, W) with values from 0 to 255 as (H, W, 3) uint8 RGB.

    Of other bands than three the first three are shown, or the first.

    Args:
        image: of any type.
        bgr: order of three bands, as they are loaded.
    """
    if len(image) != 3:
        image = image[:3] if len(image) > 3 else image[:1].expand(3, -1, -1)
    elif bgr:
        image = image.flip(0)
    image = image.detach().float().clamp(0, 255).round().byte()
    return np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())


def as_bytes(labels: Tensor) -> np.ndarray:
    """Labels as uint8."""
    return labels.detach().cpu().numpy().astype(np.uint8)
