"""Pseudo-labels where several views of an image agree."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmsemi.registry import MODELS


class ViewPseudoLabels(NamedTuple):
    """Labels of a batch; the first three fields are those of PseudoLabels.

    Attributes:
        labels: (N, H, W) int64, 255 where too few views agree.
        confidence: (N, H, W) float32, highest probability in the first view.
        weights: (N, H, W) float32, 1 where a label is given, else 0.
        agreeing: (N, H, W) int64, number of views with the prediction of
            the first one, which counts itself.
    """

    labels: Tensor
    confidence: Tensor
    weights: Tensor
    agreeing: Tensor


@MODELS.register_module()
class ViewAgreementPseudoLabeler(nn.Module):
    """Label a pixel where all views predict the same class.

    Pastore et al., "A Closer Look at Self-training for Zero-Label Semantic
    Segmentation" (STRICT), CVPR-W 2021: neither confidences nor portions
    play a part. One view alone is plain self-training with hard labels.

    Args:
        label_offset: added to the index of a channel: the first unseen
            class where views score the unseen classes only.
        min_views: how many views must predict what the first one does (it
            counts itself); all by default.
        from_logits: whether views are logits; only the confidence depends
            on it.
        ignore_index: label where too few views agree.
    """

    def __init__(
        self,
        label_offset: int = 0,
        min_views: int | None = None,
        from_logits: bool = True,
        ignore_index: int = 255,
    ) -> None:
        super().__init__()
        if min_views is not None and min_views < 1:
            raise ValueError(f'min_views is at least 1, got {min_views}')
        self.label_offset = label_offset
        self.min_views = min_views
        self.from_logits = from_logits
        self.ignore_index = ignore_index

    @torch.no_grad()
    def forward(self, views: Tensor | Sequence[Tensor]) -> ViewPseudoLabels:
        """Label a batch.

        Args:
            views: logits or probabilities (V, N, C, H, W), or a sequence of
                V maps (N, C, H, W), mapped back to one frame and size.
        """
        if isinstance(views, Tensor):
            first, votes = views[0], views.argmax(2)
        else:
            first = views[0]
            votes = torch.stack([view.argmax(1) for view in views])
        needed = len(votes) if self.min_views is None else self.min_views
        if needed > len(votes):
            raise ValueError(
                f'min_views={needed}, but there are only {len(votes)} views'
            )
        agreeing = (votes == votes[0]).sum(0)
        kept = agreeing >= needed
        labels = (votes[0] + self.label_offset).masked_fill(
            ~kept, self.ignore_index
        )
        first = first.float()
        confidence = first.amax(1)
        if self.from_logits:
            confidence = (confidence - first.logsumexp(1)).exp()
        return ViewPseudoLabels(labels, confidence, kept.float(), agreeing)

    def extra_repr(self) -> str:
        return (
            f'label_offset={self.label_offset}, '
            f'min_views={self.min_views or "all"}'
        )
