"""Pseudo-labels where several views of an image agree."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS

from .base import PseudoLabeler


@MODELS.register_module()
class ViewAgreementPseudoLabeler(PseudoLabeler):
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
            raise ValueError(f'min_views must be at least 1, got {min_views}')
        self.label_offset = label_offset
        self.min_views = min_views
        self.from_logits = from_logits
        self.ignore_index = ignore_index

    @torch.no_grad()
    def forward(
        self,
        probabilities: Tensor | Sequence[Tensor],
        valid: Tensor | None = None,
        progress: float = 0.0,
    ) -> Targets:
        """Label a batch; the confidence is that of the first view.

        Args:
            probabilities: of all views (V, N, C, H, W), or a sequence of V
                maps (N, C, H, W), mapped back to one frame and size; or of
                one view (N, C, H, W). Logits where ``from_logits`` is set.
            valid: (N, H, W) bool, False on padding; all valid by default.
            progress: has no effect.
        """
        views = probabilities
        if isinstance(views, Tensor) and views.ndim == 4:
            views = views[None]
        votes = votes_of(views)
        needed = len(votes) if self.min_views is None else self.min_views
        if needed > len(votes):
            raise ValueError(
                f'min_views={needed}, but there are only {len(votes)} views'
            )
        kept = agreeing_votes(votes) >= needed
        if valid is not None:
            kept = kept & valid
        labels = (votes[0] + self.label_offset).masked_fill(
            ~kept, self.ignore_index
        )
        first = views[0].float()
        confidence = first.amax(1)
        if self.from_logits:
            confidence = (confidence - first.logsumexp(1)).exp()
        return Targets(labels, confidence, kept.float(), valid)

    def extra_repr(self) -> str:
        return (
            f'label_offset={self.label_offset}, '
            f'min_views={self.min_views or "all"}'
        )


def votes_of(views: Tensor | Sequence[Tensor]) -> Tensor:
    """Class of every pixel in every view, int64 (V, N, H, W)."""
    if isinstance(views, Tensor):
        return views.argmax(2)
    return torch.stack([view.argmax(1) for view in views])


def agreeing_votes(votes: Tensor) -> Tensor:
    """How many views predict what the first does, itself included."""
    return (votes == votes[0]).sum(0)
