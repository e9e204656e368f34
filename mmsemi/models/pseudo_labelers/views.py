"""Mirrored and rescaled views of a batch, mapped back to one frame."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from mmseg.models.utils import resize
from torch import Tensor

SCALES = dict(down=(0.5, 0.75), up=(1.5, 1.75), none=())


class Views:
    """Run a network on views of a batch.

    The order is that of STRICT: the images, their mirror image, then for
    each scale the rescaled images and their mirror image. Mirroring is
    undone on the logits, which are then resized to the first map. Views of
    one size share one forward pass, so mirroring and two scales, six views,
    take three.

    Args:
        mirror: whether to add the mirror image of every view.
        scales: ``'up'`` (1.5, 1.75), ``'down'`` (0.5, 0.75), ``'random'``
            (two of 0.5 to 1.75, drawn at every call), ``'none'``, or
            numbers.
        align_corners: of the resizing of logits.
    """

    def __init__(
        self,
        mirror: bool = True,
        scales: None | str | Sequence[float] = 'up',
        align_corners: bool = False,
    ) -> None:
        if isinstance(scales, str) and scales not in (*SCALES, 'random'):
            raise ValueError(
                f'scales must be one of {(*SCALES, "random")} or '
                f'numbers, got {scales!r}'
            )
        self.mirror = mirror
        self.random = scales == 'random'
        if isinstance(scales, str):
            scales = SCALES.get(scales, ())  # none are fixed if drawn
        self.scales: tuple[float, ...] = tuple(scales or ())
        if any(p <= 0 for p in self.scales):
            raise ValueError(f'scales must be positive, got {self.scales}')
        self.align_corners = align_corners

    def __len__(self) -> int:
        sizes = 3 if self.random else 1 + len(self.scales)
        return sizes * (2 if self.mirror else 1)

    def draw(self) -> list[float]:
        """Scales besides 1 of one call."""
        if not self.random:
            return list(self.scales)
        # On the host, where mmengine's seed governs it and sizes are needed.
        return (0.5 + 1.25 * torch.rand(2, dtype=torch.float64)).tolist()

    def __call__(
        self,
        network: Callable[[Tensor], Tensor],
        images: Tensor,
        size: Sequence[int] | None = None,
    ) -> Tensor:
        """Logits of all views in the frame of the images.

        Args:
            network: from images (N, 3, H', W') to logits (N, C, h', w'),
                each image on its own (normalization in evaluation mode).
            images: (N, 3, H, W).
            size: size (h, w) of the result, that of the logits of the plain
                images by default.

        Returns:
            Float32 (V, N, C, h, w).
        """
        if self.mirror:
            images = torch.cat([images, images.flip(-1)])
        views: list[Tensor] = []
        for scale in [1.0, *self.draw()]:
            logits = network(
                images
                if scale == 1
                else F.interpolate(
                    images,
                    scale_factor=scale,
                    mode='bilinear',
                    align_corners=False,
                )
            ).float()
            parts = logits.chunk(2) if self.mirror else [logits]
            for part, flipped in zip(parts, (False, True)):
                part = part.flip(-1) if flipped else part
                size = part.shape[-2:] if size is None else size
                views.append(
                    resize(
                        part,
                        size=tuple(size),
                        mode='bilinear',
                        align_corners=self.align_corners,
                    )
                )
        return torch.stack(views)
