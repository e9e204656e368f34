import torch
from torch import Tensor, nn

from mmsemi.ops.step import InParts
from mmsemi.registry import MODELS


@MODELS.register_module()
class ClassConfidenceBank(InParts, nn.Module):
    """How sure the student is of each class on labeled pixels (AEL).

    Moving average of the mean probability of the true class over the pixels
    of that class (Hu et al., NeurIPS 2021, arXiv 2110.05474). Low numbers
    mark classes that need more training. Part of the checkpoint. It moves
    once in a step of the optimizer, with the last part of a step in parts.

    Args:
        num_classes: number of classes C.
        momentum: weight of the present batch.
        skip_absent: leave classes alone that the batch lacks. The published
            code counts them as 0, so that rare classes sink: the default.
        sync: average over all processes. In the published code each has its
            own bank.
        ignore_index: label of pixels that are not counted.
    """

    def __init__(
        self,
        num_classes: int,
        momentum: float = 0.001,
        skip_absent: bool = False,
        sync: bool = True,
        ignore_index: int = 255,
    ) -> None:
        super().__init__()
        self.momentum = momentum
        self.skip_absent = skip_absent
        self.sync = sync
        self.ignore_index = ignore_index
        # The published code starts at random numbers; processes that share
        # a bank need a common start.
        self.register_buffer('confidence', torch.full((num_classes,), 0.5))

    @torch.no_grad()
    def update(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Take a batch into the average.

        Args:
            logits: (N, C, H, W) of the student on labeled images.
            labels: (N, H, W) int64.

        Returns:
            (C, ) float32, confidences of this batch, 0 where absent; of the
            whole step in its last part.
        """
        valid = labels != self.ignore_index
        true = labels.where(valid, 0)
        prob = logits.float().softmax(1).gather(1, true[:, None])[:, 0]
        sums = self.confidence.new_zeros(2, len(self.confidence))
        index, valid = true.flatten(), valid.flatten().float()
        sums[0].index_add_(0, index, prob.flatten() * valid)
        sums[1].index_add_(0, index, valid)
        whole = self.over_step(sums, sync=self.sync)
        if whole is None:
            return sums[0] / sums[1].clamp(min=1)
        sums = whole
        present = sums[1] > 0
        batch = sums[0] / sums[1].clamp(min=1)
        moved = self.confidence.lerp(batch, self.momentum)
        # One bad batch must not spoil the average for good.
        known = batch.isfinite()
        if self.skip_absent:
            known &= present
        moved = moved.where(known, self.confidence)
        self.confidence.copy_(moved)
        return batch


def keep_rates(confidence: Tensor, gamma: float = 1.0) -> Tensor:
    """Share of the pixels predicted as a class that are trained on, (C, ).

    1 for the class of the lowest confidence; 1 for all where they are all
    perfect.
    """
    need = (1 - confidence).clamp(min=0)
    rates = need / need.max().clamp(min=torch.finfo(need.dtype).tiny)
    return torch.where(need.max() > 0, rates, 1.0).pow(gamma)
