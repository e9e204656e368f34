"""Changes of the features between backbone and heads.

A perturbation is a module from the features of a backbone, a tuple of
(N, C, h, w), to as many of the same shapes. It acts in training only because
nobody calls it elsewhere, whatever its own mode.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmsemi.registry import MODELS


@MODELS.register_module()
class ChannelDropout(nn.Module):
    """Drop whole channels of every level on its own; scale up the rest.

    The feature perturbation of UniMatch (Yang et al., CVPR 2023).

    Args:
        prob: probability of a channel to be dropped.
    """

    def __init__(self, prob: float = 0.5) -> None:
        super().__init__()
        if not 0 <= prob < 1:
            raise ValueError(f'prob must lie in [0, 1), got {prob}')
        self.prob = prob

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Perturb the levels (N, C, h, w) of a pyramid."""
        return tuple(F.dropout2d(level, self.prob) for level in feats)

    def extra_repr(self) -> str:
        return f'prob={self.prob}'


@MODELS.register_module()
class ComplementaryChannelDropout(nn.Module):
    """Drop in one view the channels that stay in the other.

    UniMatch V2 (Yang et al., arXiv 2410.10777): one mask for each sample,
    shared by all positions, is 2 or 0 with equal probability in the first
    view and the opposite in the second, so that every channel is on in just
    one of them. A random part of the samples keeps all channels in both.
    Published for a plain transformer, where the mask is shared by the levels
    too; here levels of different width have masks of their own.

    Args:
        keep: part of the samples that keep all, rounded down to whole ones.
    """

    needs_pairs = True  # of views of an image

    def __init__(self, keep: float = 0.5) -> None:
        super().__init__()
        if not 0 <= keep <= 1:
            raise ValueError(f'keep must lie in [0, 1], got {keep}')
        self.keep = keep

    def draw_kept(self, number: int, device: torch.device) -> Tensor:
        """Indices of the samples that keep all channels."""
        order = torch.randperm(number, device=device)
        return order[: int(number * self.keep)]

    def draw_on(
        self, number: int, channels: int, device: torch.device
    ) -> Tensor:
        """Channels that are on in the first view, bool (number, channels)."""
        return torch.rand(number, channels, device=device) < 0.5

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Perturb the levels of a pyramid.

        Args:
            feats: each (2 N, C, h, w), N first views, then the N second
                views in the same order.

        Raises:
            ValueError: when the views have no pairs.
        """
        if len(feats[0]) % 2:
            raise ValueError(
                'complementary dropout needs two views of every image, got '
                f'{len(feats[0])} in all'
            )
        number, device = len(feats[0]) // 2, feats[0].device
        kept = self.draw_kept(number, device)
        masks: dict[int, Tensor] = {}
        for level in feats:
            width = level.shape[1]
            if width not in masks:
                first = 2.0 * self.draw_on(number, width, device)
                both = torch.stack([first, 2 - first])
                masks[width] = both.index_fill(1, kept, 1).flatten(0, 1)
        return tuple(
            level * masks[level.shape[1]].to(level.dtype)[..., None, None]
            for level in feats
        )

    def extra_repr(self) -> str:
        return f'keep={self.keep}'
