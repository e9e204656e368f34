"""Mixing of the images of a batch together with their labels."""

import numpy as np
import torch
from torch import Tensor, nn

from mmsemi.models.targets import Targets


def paste(own: Tensor, other: Tensor, mask: Tensor) -> Tensor:
    """Take ``other`` where the mask is set; neither input is changed.

    Args:
        own: (N, H, W) or (N, C, H, W).
        other: of the same shape and type.
        mask: bool (N, H, W).
    """
    return torch.where(mask[:, None] if own.ndim == 4 else mask, other, own)


class BatchMixing(nn.Module):
    """Replace a part of every image by the same part of another one.

    The partner is another image of the batch, as it was before mixing. With
    one image in the batch nothing changes. Labels, confidences and all else
    that belongs to a pixel go with the image. Random numbers come from the
    global generators of NumPy (coins and boxes, which are drawn on the host)
    and torch.

    A subclass says by :meth:`draw_mask` which part.

    Args:
        prob: probability of mixing.
        per_image: one coin for every image, not one for the whole batch.
        partner: of image i among n: ``'roll'``, i + 1 (the last takes the
            first); ``'flip'``, n - 1 - i; ``'same'``, i, for images that
            are pasted from another stream.
    """

    def __init__(
        self, prob: float = 0.5, per_image: bool = False, partner: str = 'roll'
    ) -> None:
        super().__init__()
        if partner not in ('roll', 'flip', 'same'):
            raise ValueError(
                f"partner must be 'roll', 'flip' or 'same', got {partner!r}"
            )
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must lie in [0, 1], got {prob}')
        self.prob = prob
        self.per_image = per_image
        self.partner = partner

    def draw_mask(self, targets: Targets) -> Tensor:
        """Bool (N, H, W), True where the partner comes in."""
        raise NotImplementedError

    def draw(self, targets: Targets) -> Tensor | None:
        """Toss the coins and draw the mask; None where nothing is mixed."""
        number = len(targets)
        coins = np.random.random(number if self.per_image else 1) < self.prob
        if not coins.any():
            return None
        mask = self.draw_mask(targets)
        if coins.all():
            return mask
        coins = torch.from_numpy(coins).to(mask.device, non_blocking=True)
        return mask & coins[:, None, None]

    def others(self, tensor: Tensor) -> Tensor:
        """The partner of every image, or of what belongs to it."""
        if self.partner == 'same':
            return tensor
        if self.partner == 'flip':
            return tensor.flip(0)
        return tensor.roll(-1, 0)

    def mix(
        self,
        images: Tensor,
        targets: Targets,
        mask: Tensor,
        other: Targets | None = None,
        pasted: Tensor | None = None,
    ) -> tuple[Tensor, Targets]:
        """Mix by a given mask, see :meth:`forward`."""
        partners = (targets if other is None else other).each(self.others)
        pasted = images if pasted is None else pasted
        return (
            paste(images, self.others(pasted), mask),
            targets.paste(partners, mask),
        )

    def forward(
        self,
        images: Tensor,
        targets: Targets,
        other: Targets | None = None,
        pasted: Tensor | None = None,
    ) -> tuple[Tensor, Targets]:
        """Mix a batch.

        Args:
            images: (N, 3, H, W), any floating type.
            targets: what belongs to the pixels.
            other: targets of the same images to take for the pixels that
                are pasted; by default ``targets``.
            pasted: images to paste from, of the shape of ``images``, to
                which ``other`` belongs; by default ``images``.
        """
        mask = self.draw(targets)
        if mask is None:
            return images, targets
        return self.mix(images, targets, mask, other, pasted)

    def extra_repr(self) -> str:
        return (
            f'prob={self.prob}, per_image={self.per_image}, '
            f'partner={self.partner!r}'
        )
