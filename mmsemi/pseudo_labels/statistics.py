"""Per-class statistics of confidences over a whole unlabeled set.

Both classes answer one question, for every class at once: which confidence
has exactly k predictions of this class at or above it? Every threshold rule
is a choice of k. ``ConfidenceHistogram`` streams (constant memory, one pass,
mergeable across processes, exact to the width of a bin); ``ConfidencePool``
keeps every value (parity tests and small sets).
"""

import torch
from mmengine.dist import all_gather_object, all_reduce
from torch import Tensor

from mmsemi.pseudo_labels.codes import (
    MANTISSA_BITS,
    NUM_CODES,
    decode_confidence,
    encode_confidence,
)

# Below one half a float32 without its lowest bits is a code of constant
# relative width, for so many powers of two.
_SHIFT = 23 - MANTISSA_BITS
_CODES_BELOW_HALF = 1 << MANTISSA_BITS  # those of `confidence_codes`
_KEY_OF_HALF = 126 << MANTISSA_BITS
_SMALL_CODES = 30 << MANTISSA_BITS


class ConfidenceHistogram:
    """Streaming per-class histogram of confidences.

    Bins are the 16-bit codes of :mod:`mmsemi.pseudo_labels.codes`, which
    are finest where confidences crowd, next to one. Memory is
    ``num_classes * NUM_CODES`` int64, whatever the number of images: 8 MB
    for 21 classes.

    Args:
        num_classes: number of classes C.
        device: where the counts live; that of the predictions is best.
        small: resolve small values as finely as large ones, down to 2^-31,
            with about twice the memory. The highest of C probabilities needs
            none of it, products with a spatial prior do.
    """

    def __init__(
        self, num_classes: int, device='cpu', small: bool = False
    ) -> None:
        self.num_classes = num_classes
        self.extra = _SMALL_CODES - _CODES_BELOW_HALF if small else 0
        self.num_codes = NUM_CODES + self.extra
        self.bins = torch.zeros(
            num_classes, self.num_codes, dtype=torch.int64, device=device
        )

    def _encode(self, confidence: Tensor) -> Tensor:
        codes = encode_confidence(confidence) + self.extra
        if not self.extra:
            return codes
        key = confidence.float().contiguous().view(torch.int32) >> _SHIFT
        key = (key - _KEY_OF_HALF + _SMALL_CODES).clamp_(min=0)
        return torch.where(confidence < 0.5, key, codes)

    def _decode(self, codes: Tensor) -> Tensor:
        edges = decode_confidence((codes - self.extra).clamp(min=0))
        if not self.extra:
            return edges
        key = (codes - _SMALL_CODES + _KEY_OF_HALF).int() << _SHIFT
        small = key.view(torch.float32).masked_fill(codes == 0, 0.0)
        return torch.where(codes < _SMALL_CODES, small, edges)

    def update(
        self, confidence: Tensor, labels: Tensor, valid: Tensor | None = None
    ) -> None:
        """Count predictions.

        Args:
            confidence: float32 of any shape, in [0, 1].
            labels: int64 of the same shape, in 0..C-1.
            valid: bool of the same shape, which of them count; all by
                default.
        """
        index = labels.reshape(-1) * self.num_codes
        index += self._encode(confidence).reshape(-1)
        one = torch.ones((), dtype=torch.int64, device=index.device)
        counted = one if valid is None else valid.reshape(-1).long()
        self.bins.view(-1).scatter_add_(0, index, counted.expand_as(index))

    def reduce(self) -> None:
        """Add up the counts of all processes; every rank gets the sum."""
        all_reduce(self.bins)

    def counts(self, per_class: bool = True) -> Tensor:
        """Number of predictions n, (C,) int64 or (1,) over all classes."""
        counts = self.bins.sum(1)
        return counts if per_class else counts.sum(0, keepdim=True)

    def kth_highest(self, k: Tensor) -> Tensor:
        """Largest bin edge that at least k predictions reach.

        Args:
            k: (C,) int64 for each class, or (1,) for all classes in one.
                Values are clamped to 1..n.

        Returns:
            (C,) or (1,) float32; +inf where there is no prediction at all.
        """
        bins = (
            self.bins
            if len(k) == self.num_classes
            else self.bins.sum(0, keepdim=True)
        )
        reached = bins.flip(1).cumsum(1)
        k = k.to(reached).clamp(min=1).minimum(reached[:, -1])
        # First position from the top at which k predictions are reached.
        from_top = torch.searchsorted(reached, k[:, None])[:, 0]
        codes = self.num_codes - 1 - from_top
        edges = self._decode(codes.clamp(min=0))
        return edges.masked_fill(k == 0, float('inf'))


class ConfidencePool:
    """All confidences per class, as the published implementations keep them.

    Same methods as :class:`ConfidenceHistogram`, with exact answers and
    memory that grows with the number of pixels.
    """

    def __init__(self, num_classes: int, device='cpu') -> None:
        self.num_classes = num_classes
        self._confidence: list[Tensor] = []
        self._labels: list[Tensor] = []

    def update(
        self, confidence: Tensor, labels: Tensor, valid: Tensor | None = None
    ) -> None:
        if valid is not None:
            confidence, labels = confidence[valid], labels[valid]
        self._confidence.append(confidence.reshape(-1).float().cpu())
        self._labels.append(labels.reshape(-1).cpu())

    def reduce(self) -> None:
        gathered = all_gather_object(self._values())
        self._confidence = [confidence for confidence, _ in gathered]
        self._labels = [labels for _, labels in gathered]

    def _values(self):
        if not self._confidence:
            return torch.empty(0), torch.empty(0, dtype=torch.int64)
        return torch.cat(self._confidence), torch.cat(self._labels)

    def counts(self, per_class: bool = True) -> Tensor:
        labels = self._values()[1]
        if not per_class:
            return torch.tensor([labels.numel()])
        return torch.bincount(labels, minlength=self.num_classes)

    def kth_highest(self, k: Tensor) -> Tensor:
        confidence, labels = self._values()
        if len(k) != self.num_classes:
            labels = torch.zeros_like(labels)
        result = torch.full((len(k),), float('inf'))
        for index, rank in enumerate(k.tolist()):
            pool = confidence[labels == index].sort(descending=True).values
            if len(pool):
                result[index] = pool[min(max(rank, 1), len(pool)) - 1]
        return result
