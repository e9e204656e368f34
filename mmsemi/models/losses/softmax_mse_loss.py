from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS

from .pseudo_label_cross_entropy import check_normalizer, counted_pixels
from .target_loss import TargetLoss


@MODELS.register_module()
class SoftmaxMSELoss(TargetLoss):
    """Squared difference of the student's and teacher's probabilities.

    The consistency of Mean Teacher (Tarvainen and Valpola, NeurIPS 2017) and
    CutMix-Seg (French et al., BMVC 2020). Weights of the targets multiply
    the pixels, padding has none. The teacher gets no gradient. CutMix-Seg
    divides by all pixels of the batch of this process, padding included, so
    the loss shrinks with the share of padding.

    Args:
        reduce: over the classes of a pixel, ``'sum'`` (CutMix-Seg) or
            ``'mean'`` (TorchSemiSeg's Mean Teacher, with a weight of 100).
        normalizer: pixels the sum is divided by, ``'all'``, ``'valid'`` or
            ``'confident'``, see :class:`PseudoLabelCrossEntropyLoss`.
        loss_weight: factor of the loss.
    """

    needs_soft = True

    def __init__(
        self,
        reduce: str = 'sum',
        normalizer: str = 'all',
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if reduce not in ('sum', 'mean'):
            raise ValueError(f"reduce must be 'sum' or 'mean', got {reduce!r}")
        self.reduce = reduce
        self.normalizer = check_normalizer(normalizer)
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, targets: Targets) -> Tensor:
        """Loss of a batch, 0-d.

        Args:
            logits: (N, C, H, W), any floating type.
            targets: ``soft``, ``weights`` and ``valid`` are used.
        """
        difference = logits.float().softmax(1) - targets.soft.detach()
        pixel_loss = difference.square().sum(1)
        if self.reduce == 'mean':
            pixel_loss = pixel_loss / logits.shape[1]
        weights = targets.weights * targets.valid
        total = counted_pixels(self.normalizer, targets).sum().clamp(min=1)
        return self.loss_weight * (pixel_loss * weights).sum() / total

    def extra_repr(self) -> str:
        return (
            f'reduce={self.reduce!r}, normalizer={self.normalizer!r}, '
            f'loss_weight={self.loss_weight}'
        )
