import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmsemi.registry import MODELS


@MODELS.register_module()
class OHEMCrossEntropyLoss(nn.Module):
    """Cross entropy of the hardest pixels of the batch.

    A pixel is kept when the probability of its label is at most ``thresh``,
    or among the ``min_kept`` lowest of the batch; the loss is the mean over
    the kept. With fewer than ``min_kept`` valid pixels all of them are kept,
    and with ``min_kept=0`` nothing is selected: plain cross entropy.

    This is the rule of PSPNet's public code as U2PL and AEL use it. mmseg's
    ``OHEMPixelSampler`` counts ``min_kept`` per image and divides by all
    pixels, and its ``OhemCrossEntropy`` compares strictly and has no
    fallback for few valid pixels. Counts are those of this process and stay
    on the device.

    Args:
        thresh: probability of the label up to which a pixel is hard.
        min_kept: number of pixels kept in any case; of the whole batch. 0
            keeps every pixel, as the public code does.
        ignore_index: label of pixels without any effect.
        loss_weight: factor of the whole loss.
        loss_name: key of the loss in a head's output.
    """

    def __init__(
        self,
        thresh: float = 0.7,
        min_kept: int = 100000,
        ignore_index: int = 255,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ohem',
    ) -> None:
        super().__init__()
        if min_kept < 0:
            raise ValueError(f'min_kept must not be negative, got {min_kept}')
        self.thresh = thresh
        self.min_kept = min_kept
        self.ignore_index = ignore_index
        self.loss_weight = loss_weight
        self._loss_name = loss_name

    @property
    def loss_name(self) -> str:
        """Key of the loss in a head's output."""
        return self._loss_name

    @torch.no_grad()
    def kept(self, pixel_loss: Tensor, valid: Tensor) -> Tensor:
        """Which pixels are trained on, bool (N, H, W).

        Args:
            pixel_loss: cross entropy (N, H, W) float32.
            valid: bool (N, H, W).
        """
        k = min(self.min_kept, valid.numel())
        if not k:
            return valid
        prob = (-pixel_loss).exp().masked_fill(~valid, 2.0)
        # 2 where fewer than min_kept are valid, which keeps them all.
        kth = prob.flatten().topk(k, largest=False, sorted=False).values
        limit = kth.amax().clamp(min=self.thresh)
        return valid & (prob <= limit)

    def forward(
        self,
        pred: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        **kwargs,
    ) -> Tensor:
        """Loss, a scalar; 0 where no pixel is valid.

        Args:
            pred: logits (N, C, H, W), any floating type.
            label: int64 (N, H, W).
            weight: weights (N, H, W) of the kept pixels.
        """
        ignore_index = (
            self.ignore_index if ignore_index is None else ignore_index
        )
        pixel_loss = F.cross_entropy(
            pred.float(), label, reduction='none', ignore_index=ignore_index
        )
        kept = self.kept(pixel_loss.detach(), label != ignore_index)
        if weight is not None:
            pixel_loss = pixel_loss * weight
        total = torch.where(kept, pixel_loss, 0.0).sum()
        return self.loss_weight * total / kept.sum().clamp(min=1)
