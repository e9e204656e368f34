"""Class-balanced pseudo-labels: the most confident share of every class."""

import torch
from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.ops.maps import max_of_quotients, max_over_classes
from mmsemi.registry import MODELS
from mmsemi.utils.labels import IGNORE

from .base import RoundPseudoLabeler


@MODELS.register_module()
class ClassBalancedPseudoLabeler(RoundPseudoLabeler):
    """Keep the most confident portion of the predictions of every class.

    Two published rules turn thresholds k into labels:

    - ``argmax``: the label is the plain argmax and is dropped where its
      probability is below the threshold of its class (DMT and the fixed
      branch of DST-CBC). One network pass over the images is enough.
    - ``scaled``: probabilities are divided by the thresholds first; the
      label is the argmax of the quotients, dropped where the highest is
      below one (DST-CBC, arXiv 2004.08514 v1; see CBSTPseudoLabeler, too).
      Thresholds must be known before the labels, so it takes two passes.

    Thresholds come from statistics over the whole set. With n_c predictions
    of class c and portion r, k_c is the (floor(n_c r) + 1)-th highest
    confidence. At the ends the rules differ as their authors' code does:

    - r >= 1: ``scaled`` keeps every pixel (k = 1e-4); ``argmax`` takes the
      lowest confidence seen, so with a stride a few pixels still fall below.
    - n_c r < 1: ``argmax`` keeps all pixels of so rare a class (k = 1e-5).
    - n_c = 0: the published code stops with an error. Here ``scaled`` keeps
      nothing of that class (k = inf); for ``argmax`` the class is rare.

    Args:
        num_classes: number of classes C.
        rule: ``'argmax'`` or ``'scaled'``.
        per_class: one threshold for each class; False gives one threshold
            for all classes (DST-C).
        stride: every how many pixels enter the statistics. They are counted
            along the flattened image (``argmax``) or batch (``scaled``), as
            published.
    """

    def __init__(
        self,
        num_classes: int,
        rule: str = 'argmax',
        per_class: bool = True,
        stride: int = 1,
    ) -> None:
        super().__init__()
        if rule not in ('argmax', 'scaled'):
            raise ValueError(
                f"rule must be 'argmax' or 'scaled', got {rule!r}"
            )
        if stride < 1:
            raise ValueError(f'stride must be at least 1, got {stride}')
        self.num_classes = num_classes
        self.rule = rule
        self.per_class = per_class
        self.stride = stride
        self.register_buffer('thresholds', torch.zeros(num_classes))

    @property
    def one_pass(self) -> bool:
        """Whether labels can be had before the thresholds are known."""
        return self.rule == 'argmax'

    def collect(
        self, statistics, probabilities: Tensor, valid: Tensor | None = None
    ) -> tuple[Tensor, Tensor] | None:
        """Add the predictions of a batch to the statistics."""
        if self.rule == 'scaled' and self.stride > 1:
            sample = every_nth_pixel(probabilities, self.stride, valid)
            statistics.update(*max_over_classes(sample))
            return None
        confidence, labels = max_over_classes(probabilities)
        if self.stride == 1:  # nothing waits for the device
            statistics.update(confidence, labels, valid)
            return confidence, labels
        for k in range(len(labels)):
            c, a = confidence[k].flatten(), labels[k].flatten()
            if valid is not None:
                mask = valid[k].flatten()
                c, a = c[mask], a[mask]
            statistics.update(c[:: self.stride], a[:: self.stride])
        return confidence, labels

    def fit(self, statistics, portion: float) -> Tensor:
        """Set the thresholds from statistics over the whole set."""
        if not 0 < portion <= 1:
            raise ValueError(f'portion must lie in (0, 1], got {portion}')
        counts = statistics.counts(self.per_class)
        # In float64 as in Python, so that floor(n r) is the published one.
        kept = (counts.double() * portion).floor().long()
        thresholds = statistics.kth_highest(kept + 1)
        if self.rule == 'scaled':
            if portion >= 1:
                thresholds = torch.full_like(thresholds, 1e-4)
        else:
            thresholds = torch.where(
                counts.double() * portion < 1,
                torch.full_like(thresholds, 1e-5),
                thresholds,
            )
        self.thresholds = (
            thresholds.expand(self.num_classes)
            .clone()
            .to(self.thresholds.device)
        )
        return self.thresholds

    @torch.no_grad()
    def forward(
        self,
        probabilities: Tensor,
        valid: Tensor | None = None,
        progress: float = 0.0,
    ) -> Targets:
        """Label a batch with the current thresholds."""
        if self.rule == 'scaled':
            score, labels, confidence = max_of_quotients(
                probabilities, self.thresholds
            )
            kept = score >= 1
        else:
            confidence, labels = max_over_classes(probabilities)
            kept = confidence >= self.thresholds[labels]
        return Targets(
            labels.masked_fill(~kept, IGNORE), confidence, kept.float(), valid
        )

    def extra_repr(self) -> str:
        return (
            f'num_classes={self.num_classes}, rule={self.rule!r}, '
            f'per_class={self.per_class}, stride={self.stride}'
        )


def every_nth_pixel(
    maps: Tensor, n: int, valid: Tensor | None = None
) -> Tensor:
    """Every n-th pixel of a batch, counted along the flattened batch.

    Args:
        maps: (N, C, H, W).
        n: see above; the first pixel is taken.
        valid: (N, H, W) bool, pixels that count.

    Returns:
        (1, C, 1, M).
    """
    flat = maps.flatten(2)
    size = flat.shape[2]
    if valid is None:
        parts = [image[:, -k * size % n :: n] for k, image in enumerate(flat)]
        return torch.cat(parts, 1)[None, :, None]
    chosen = valid.flatten().nonzero()[::n, 0]
    return flat[chosen // size, :, chosen % size].T[None, :, None]
