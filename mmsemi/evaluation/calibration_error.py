"""Whether a network is right as often as it says."""

from collections.abc import Sequence

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from mmsemi.ops.maps import max_over_classes
from mmsemi.registry import METRICS


def predicted(sample: dict) -> tuple[Tensor, Tensor]:
    """Confidence (H, W) and class, int64 (H, W), of a prediction.

    The confidence is the probability of the predicted class. Networks with
    one channel have their own threshold, 0.3 by default of mmseg: what they
    predict may be the less likely one of the two classes.

    Args:
        sample: ``seg_logits`` (C, H, W); of one channel mmseg gives the
            probability of the second class there, and ``pred_sem_seg``
            (1, H, W) says what is predicted.
    """
    scores = sample['seg_logits']['data'].float()
    if len(scores) > 1:
        found = max_over_classes(scores.softmax(0)[None])
        return found[0][0], found[1][0]
    likely = scores[0]
    label = sample['pred_sem_seg']['data'].reshape(likely.shape).long()
    return torch.where(label == 1, likely, 1 - likely), label


def confidence_bins(
    confidence: Tensor,
    label: Tensor,
    truth: Tensor,
    bins: int,
    ignore: int = 255,
) -> Tensor:
    """Pixels, right ones and confidence, by bins of equal width.

    Args:
        confidence: (H, W), in [0, 1].
        label: (H, W) predicted classes.
        truth: (H, W) classes.
        bins: B.
        ignore: pixels of this label do not count.

    Returns:
        (3, B) float64: number, number of right ones, sum of confidences.
    """
    known = truth != ignore
    confidence = confidence[known].double()
    right = (label == truth)[known].double()
    # (0, 1/B], (1/B, 2/B], ..., as published.
    place = ((confidence * bins).ceil().long() - 1).clamp(0, bins - 1)
    values = torch.stack([torch.ones_like(right), right, confidence])
    return torch.zeros(
        3, bins, dtype=torch.float64, device=place.device
    ).scatter_add_(1, place.expand(3, -1), values)


@METRICS.register_module()
class CalibrationErrorMetric(BaseMetric):
    """Expected calibration error of pixels (Guo et al., ICML 2017, eq. 3).

    Mean over bins of confidence of |share that is right - confidence|,
    weighted by their pixels. Gives ``ECE`` in percent.

    Args:
        bins: of equal width; 15 as published.
        ignore_index: labels that count nowhere.
        **kwargs: see mmengine's ``BaseMetric``.
    """

    def __init__(
        self, bins: int = 15, ignore_index: int = 255, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        if bins < 1:
            raise ValueError(f'bins must be at least 1, got {bins}')
        self.bins, self.ignore_index = bins, ignore_index

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count a batch."""
        for sample in data_samples:
            confidence, label = predicted(sample)
            truth = sample['gt_sem_seg']['data'].squeeze(0).to(label.device)
            counted = confidence_bins(
                confidence, label, truth, self.bins, self.ignore_index
            )
            self.results.append(counted.cpu())

    def compute_metrics(self, results: list) -> dict[str, float]:
        """The error in percent; NaN without a labeled pixel."""
        number, right, confidence = torch.stack(results).sum(0)
        gaps = (right - confidence).abs().sum() / number.sum()
        return dict(ECE=100 * float(gaps))
