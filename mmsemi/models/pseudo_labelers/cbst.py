"""Pseudo-labels of CBST (class-balanced self-training), ST and CBST-SP."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.ops.maps import max_of_quotients, max_over_classes
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE

from .class_balanced import ClassBalancedPseudoLabeler
from .spatial_prior import load_prior


@MODELS.register_module()
class CBSTPseudoLabeler(ClassBalancedPseudoLabeler):
    """Labels of ST, CBST and CBST-SP (Zou et al., ECCV 2018).

    With M_c sampled predictions of class c and portion r, the threshold
    lambda_c is the floor(M_c r)-th highest confidence among them, or 1 where
    that rank or confidence is 0, so that so rare a class is practically
    never labeled. A pixel gets the label argmax_c p_c / lambda_c where that
    quotient reaches one; ties go to the lowest class.

    ST is the same with one threshold for all classes, CBST-SP the same on
    probabilities multiplied by a spatial prior (which no published or
    released configuration combines with ST).

    Args:
        num_classes: number of classes C.
        per_class: one threshold for each class (CBST); False is ST.
        ds_rate: of the predictions of a class in an image, every how many
            enter the statistics, in raster order and from the first.
        prior: .npz of ``tools/dataset_converters/spatial_prior.py``, whose
            ``prior`` (C, h, w) multiplies the probabilities.
        leading_zero: the published MXNet code starts every class' list of
            confidences with a spurious 0.0, which counts in the rank (and
            one more in the list of all). For comparisons only.
    """

    def __init__(
        self,
        num_classes: int,
        per_class: bool = True,
        ds_rate: int = 4,
        prior: str | None = None,
        leading_zero: bool = False,
    ) -> None:
        super().__init__(
            num_classes, rule='scaled', per_class=per_class, stride=ds_rate
        )
        self.leading_zero = leading_zero
        self.prior_file, self.prior_classes = prior, None
        weight = None
        if prior is not None:
            weight, self.prior_classes = load_prior(prior, num_classes)
        self.register_buffer('prior', weight, persistent=False)
        # The prior at the size of the latest maps.
        self.resized: Tensor | None = None
        # Histograms resolve [0, 1]. A power of two for each class brings the
        # products to its upper end and rounds nothing.
        scale = torch.ones(num_classes)
        if weight is not None:
            peak = weight.flatten(1).amax(1)
            scale = torch.exp2(-peak.log2().ceil()).where(peak > 0, scale)
            if not per_class:  # one list of confidences, one scale
                scale = scale.min().expand(num_classes).clone()
        self.register_buffer('scale', scale, persistent=False)

    @property
    def one_pass(self) -> bool:
        """With one threshold for all classes the label is the argmax."""
        return not self.per_class and self.prior is None

    def check_classes(self, classes: Sequence[str]) -> None:
        """See the base class."""
        ours = self.prior_classes
        for k, name in enumerate(classes if ours else ()):
            if name != ours[k]:
                raise UsageError(
                    f'{self.prior_file}: class {k} is {ours[k]!r}, that of '
                    f'the images to label is {name!r}; make the prior with a '
                    'config of the same classes'
                )

    def weigh(self, probabilities: Tensor) -> Tensor:
        """Probabilities (N, C, H, W) times the spatial prior, if any."""
        if self.prior is None:
            return probabilities
        size, prior = probabilities.shape[2:], self.prior
        if prior.shape[1:] != size:
            # From the original each time: labels must not depend on the sizes
            # that came before.
            if (
                self.resized is None
                or self.resized.shape[1:] != size
                or self.resized.device != prior.device
            ):
                self.resized = F.interpolate(
                    prior[None], size, mode='bilinear', align_corners=False
                )[0]
            prior = self.resized
        return probabilities * prior

    def collect(
        self, statistics, probabilities: Tensor, valid: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """See the base class.

        Raises:
            UsageError: if images are padded and there is a prior, which
                would be stretched over the padding.
        """
        if self.prior is not None and valid is not None:
            raise UsageError(
                f'{self.prior_file}: a spatial prior cannot be laid over '
                'padded images. Resize instead of padding in the pipeline of '
                'label_dataloader'
            )
        confidence, labels = max_over_classes(self.weigh(probabilities))
        self.count(statistics, confidence, labels, valid)
        return confidence, labels

    def count(
        self,
        statistics,
        confidence: Tensor,
        labels: Tensor,
        valid: Tensor | None = None,
    ) -> None:
        """Sample predictions and add them to the statistics.

        Args:
            statistics: see :meth:`collect`.
            confidence: (N, H, W) float32, weighed.
            labels: (N, H, W) int64, class of the highest weighed score.
            valid: (N, H, W) bool, False on padding.
        """
        # One group for every image and class.
        group, num_groups = labels, len(labels) * self.num_classes
        if len(labels) > 1:
            group = labels + self.num_classes * torch.arange(
                len(labels), device=labels.device
            ).view(-1, 1, 1)
        group, confidence, labels = [
            x.flatten() if valid is None else x[valid]
            for x in (group, confidence, labels)
        ]
        if self.stride > 1:
            chosen = every_nth_of_group(group, num_groups, self.stride)
            confidence, labels = confidence[chosen], labels[chosen]
        if self.prior is not None:
            confidence = confidence * self.scale[labels]
        statistics.update(confidence, labels)

    def fit(self, statistics, portion: float) -> Tensor:
        """See the base class and :meth:`thresholds_from`."""
        if not 0 < portion <= 1:
            raise ValueError(f'portion must lie in (0, 1], got {portion}')
        counts = statistics.counts(self.per_class)
        zeros = 0
        if self.leading_zero:
            zeros = 1 if self.per_class else self.num_classes + 1
        # In float64 as in Python, so that floor(M r) is the published one.
        rank = ((counts + zeros).double() * portion).floor().long()
        thresholds = statistics.kth_highest(rank)
        # Without the zeros a rank never passes the count; with them it
        # reaches a zero, which the published code replaces by one, too.
        # So does one where the prior is: every pixel would reach it.
        found = (rank > 0) & (rank <= counts) & (thresholds > 0)
        thresholds = thresholds.to(self.scale) / self.scale
        self.thresholds = thresholds.where(found.to(self.scale.device), 1.0)
        return self.thresholds

    @torch.no_grad()
    def forward(
        self,
        probabilities: Tensor,
        valid: Tensor | None = None,
        progress: float = 0.0,
    ) -> Targets:
        """See the base class; weights are 1 where a label is given."""
        score, labels, confidence = max_of_quotients(
            self.weigh(probabilities), self.thresholds
        )
        if self.prior is not None:
            confidence = probabilities.amax(1)
        kept = score >= 1
        return Targets(
            labels.masked_fill(~kept, IGNORE), confidence, kept.float(), valid
        )

    def extra_repr(self) -> str:
        return (
            f'num_classes={self.num_classes}, per_class={self.per_class}, '
            f'ds_rate={self.stride}, prior={self.prior is not None}'
        )


def every_nth_of_group(group: Tensor, num_groups: int, n: int) -> Tensor:
    """Indices of every n-th element of every group, from the first.

    Args:
        group: int64 (M,), the group of each element, in 0..num_groups-1.
        num_groups: number of groups.
        n: see above.
    """
    # Sorting is stable, so order within a group stays; small integers are
    # sorted several times faster.
    dtype = (
        torch.uint8
        if num_groups <= 2**8
        else torch.int16
        if num_groups <= 2**15
        else torch.int64
    )
    order = group.to(dtype).sort(stable=True).indices
    counts = torch.bincount(group, minlength=num_groups)
    starts = counts.cumsum(0) - counts
    chosen = (counts + n - 1) // n
    # Rank of every chosen element within its group, then its place.
    first = (chosen.cumsum(0) - chosen).repeat_interleave(chosen)
    rank = torch.arange(len(first), device=group.device) - first
    return order[starts.repeat_interleave(chosen) + n * rank]


def rare_classes(counts, share: float = 1e-3, fallback: int = 3):
    """Classes whose patches are worth looking for.

    Args:
        counts: (C,) predictions of each class over the target set.
        share: classes with a smaller share of all predictions are rare.
        fallback: number of rarest classes to name besides.

    Returns:
        Rare classes and the ``fallback`` rarest ones, each by ascending
        share, equal shares by class index.
    """
    counts = np.asarray(counts, dtype=np.float64)
    shares = counts / max(counts.sum(), 1)
    order = np.argsort(shares, kind='stable')
    return (
        [int(c) for c in order if shares[c] < share],
        [int(c) for c in order[:fallback]],
    )
