"""Pixel contrast against what a pixel is surely not (U2PL).

arXiv 2203.03884, section 3.3.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmsemi.registry import MODELS
from mmsemi.utils.labels import label_onehot

from .class_prototypes import ClassPrototypes, mean
from .memory_bank import ClassMemoryBank
from .sampled_info_nce import SampledInfoNCE


@MODELS.register_module()
class UnreliablePixelContrastLoss(nn.Module):
    """InfoNCE of sure pixels against remembered unsure ones, by class.

    For each class c with a sure pixel in the batch

        anchors    student features of sure pixels of c with p(c) > delta_p
        positive   mean teacher feature of all sure pixels of c
        negatives  drawn from the bank of c, which collects teacher features
                   of labeled pixels of another class that still rank c
                   among their first ``low_rank``, and of unreliable
                   unlabeled pixels that rank c from ``low_rank`` to
                   ``high_rank``, both with p(c) < delta_n

        L = mean over c of the mean over anchors of
            -log(e^s+ / (e^s+ + sum over negatives of e^s-)),
        s = cos(anchor, .) / temperature

    The bank takes this step's negatives first. Gradients reach the anchors
    only. Classes without anchors or remembered negatives add nothing but
    still count in the mean; with less than two classes the loss is 0.

    The released code differs by three defects, which
    :class:`ReleasedPixelContrastLoss` has.

    All classes are handled at once. The figures are those of this process
    (of a part, where a step is taken in parts); the bank is that of all.

    Args:
        num_classes: number of classes C.
        channels: length D of a feature.
        positive_threshold: delta_p.
        negative_threshold: delta_n; 1 has no effect.
        low_rank: see above. For two classes take 1: where ``low_rank`` is
            not below C unlabeled pixels are never negatives.
        high_rank: see above.
        temperature: divides the cosines.
        num_anchors: anchors drawn for each class, with replacement.
        num_negatives: negatives drawn for each anchor, with replacement.
        capacity: see :class:`ClassMemoryBank`; published are 50,000 for
            class 0 and 30,000 for the others.
        save_bank: whether checkpoints hold the bank, 666 MB as published.
            Without, a resumed run starts with an empty one, as the
            published code does, and is not the run it would have been.
        prototype_momentum: None, or the highest weight that a remembered
            positive keeps (see :class:`ClassPrototypes`), 0.999 in the
            released code.
        loss_weight: factor of the loss. The released code divides by the
            number of processes once more than it says, so 1 in its files
            acted as 0.25 and less; the paper has 0.1.
        ignore_index: label of pixels without one.
    """

    def __init__(
        self,
        num_classes: int,
        channels: int = 256,
        positive_threshold: float = 0.3,
        negative_threshold: float = 1.0,
        low_rank: int = 3,
        high_rank: int = 20,
        temperature: float = 0.5,
        num_anchors: int = 256,
        num_negatives: int = 50,
        capacity: None | int | Sequence[int] = None,
        save_bank: bool = True,
        prototype_momentum: float | None = None,
        loss_weight: float = 0.1,
        ignore_index: int = 255,
    ) -> None:
        super().__init__()
        if not 0 < low_rank < high_rank:
            raise ValueError(
                'ranks must rise from above 0, got '
                f'low_rank={low_rank}, high_rank={high_rank}'
            )
        self.num_classes = num_classes
        self.positive_threshold = positive_threshold
        self.negative_threshold = negative_threshold
        self.low_rank, self.high_rank = low_rank, high_rank
        self.temperature = temperature
        self.num_anchors = num_anchors
        self.num_negatives = num_negatives
        self.loss_weight = loss_weight
        self.ignore_index = ignore_index
        if capacity is None:
            capacity = [50000] + [30000] * (num_classes - 1)
        self.bank = ClassMemoryBank(
            num_classes, channels, capacity, persistent=save_bank
        )
        self.prototypes: ClassPrototypes | None = None
        if prototype_momentum is not None:
            self.prototypes = ClassPrototypes(
                num_classes, channels, prototype_momentum
            )

    def forward(
        self,
        rep: Tensor,
        rep_teacher: Tensor,
        prob_teacher: Tensor,
        labels: Tensor,
        low: Tensor,
        high: Tensor,
        num_labeled: int,
        draws: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Add negatives to the bank and compute the loss, a scalar.

        Args:
            rep: features of the student (N, D, H, W).
            rep_teacher: features of the teacher, same shape.
            prob_teacher: class probabilities of the teacher (N, C, H, W).
            labels: (N, H, W) int64, true ones of the labeled images and
                pseudo-labels of the others, before any was dropped.
            low: sure pixels, (N, H, W) bool; all with a label, where true.
            high: unsure pixels, (N, H, W) bool; on labeled images all
                with a label.
            num_labeled: how many images are labeled; they come first.
            draws: instead of random draws, for each class its anchors
                (C, num_anchors), counted along the candidates, and its
                negatives (C, num_anchors * num_negatives), counted along
                the queue; rows of classes that are left out are not read.
        """
        with torch.autocast(rep.device.type, enabled=False):
            return self._loss(
                rep,
                rep_teacher.detach(),
                prob_teacher.detach().float(),
                labels,
                low.bool(),
                high.bool(),
                num_labeled,
                draws,
            )

    def _loss(
        self,
        rep: Tensor,
        rep_teacher: Tensor,
        prob: Tensor,
        labels: Tensor,
        low: Tensor,
        high: Tensor,
        num_labeled: int,
        draws: tuple[Tensor, Tensor] | None,
    ) -> Tensor:
        with torch.no_grad():
            members = self.members(labels, num_labeled)
            features = rep_teacher.permute(0, 2, 3, 1).flatten(0, 2)
            # Half precision can overflow in a pixel, which would spoil the
            # means of this step and stay in the bank.
            finite = features.sum(1, dtype=torch.float32).isfinite()
            features = features.where(finite[:, None], 0)
            finite = finite.view_as(labels)[:, None]
            negative = finite & self.negatives(
                prob, members, high, num_labeled
            )
            positive = finite & members & low[:, None]
            anchor = by_class(positive & (prob > self.positive_threshold))
            positive = by_class(positive)
            self.bank.append(features, by_class(negative))

            num_positive = positive.sum(1)
            ranking = anchor.cumsum(1)
            num_anchor = ranking[:, -1]
            source, used, valid = self.pairs(num_positive, num_anchor)
            # Anchors and positive of which class, negatives of which.
            (own,) = used.nonzero(as_tuple=True)
            other = source[own]
            sums = (positive.float() @ features.float())[own]
            counts = num_positive[own]
            if self.prototypes is None:
                positives = mean(sums, counts)
            else:
                positives = self.prototypes.update(
                    sums, counts, other, valid.sum() > 1
                )

            if draws is None:
                shape = (len(own), self.num_anchors)
                picked = draw(shape, num_anchor[own])
                shape = (len(own), self.num_anchors * self.num_negatives)
                negatives = draw(shape, self.bank.counts[other])
            else:
                picked, negatives = (d[own] for d in draws)
            pixels = torch.searchsorted(ranking[own], picked + 1)
            rows = self.bank.locate(other, negatives)

        size = rep.shape[2] * rep.shape[3]
        anchors = rep.flatten(2)[pixels // size, :, pixels % size]
        losses = self.info_nce(anchors.float(), positives, rows)
        return self.loss_weight * losses.sum() / valid.sum().clamp(min=1)

    def members(self, labels: Tensor, num_labeled: int) -> Tensor:
        """Which pixel has which label, bool (N, C, H, W)."""
        return label_onehot(labels, self.num_classes, self.ignore_index)

    def negatives(
        self, prob: Tensor, members: Tensor, high: Tensor, num_labeled: int
    ) -> Tensor:
        """Which pixel becomes a negative of which class, (N, C, H, W)."""
        n, classes = num_labeled, prob.shape[1]
        # The first and the last are found faster than all are put in order.
        first = prob.topk(min(self.low_rank, classes), 1).indices
        rank_between = torch.zeros_like(members)
        rank_between[:n].scatter_(1, first[:n], True)
        rank_between[n:] = True
        rank_between[n:].scatter_(1, first[n:], False)
        if self.high_rank < classes:
            last = prob[n:].topk(classes - self.high_rank, 1, largest=False)
            rank_between[n:].scatter_(1, last.indices, False)
        chosen = rank_between & (prob < self.negative_threshold)
        chosen &= high[:, None]
        chosen[:n] &= ~members[:n]
        return chosen

    def pairs(
        self, num_positive: Tensor, num_anchor: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Which classes are compared with whose negatives.

        Returns:
            (C, ) each: class of the negatives int64, whether the class is
            compared, and whether it counts in the mean, bool.
        """
        valid = num_positive > 0
        source = torch.arange(len(valid), device=valid.device)
        used = valid & (num_anchor > 0) & (self.bank.counts > 0)
        return source, used & (valid.sum() > 1), valid

    def info_nce(
        self, anchors: Tensor, positives: Tensor, rows: Tensor
    ) -> Tensor:
        """Loss of each class, (R, ).

        Args:
            anchors: (R, Q, D) float32.
            positives: (R, D) float32.
            rows: places of the negatives in the bank, (R, Q * N) int64.
        """
        anchors = F.normalize(anchors, dim=2, eps=1e-8)
        positives = F.normalize(positives, dim=1, eps=1e-8)
        losses = SampledInfoNCE.apply(
            anchors.flatten(0, 1),
            positives.repeat_interleave(self.num_anchors, 0),
            rows.view(-1, self.num_negatives),
            self.bank.rows,
            self.bank.scales,
            self.temperature,
        )
        return losses.view(anchors.shape[:2]).mean(1)


def by_class(maps: Tensor) -> Tensor:
    """(N, C, H, W) to (C, N * H * W)."""
    return maps.transpose(0, 1).flatten(1)


def draw(shape: tuple[int, int], counts: Tensor) -> Tensor:
    """Uniform indices below ``counts`` (R, ), drawn on its device."""
    uniform = torch.rand(shape, device=counts.device, dtype=torch.float64)
    return (uniform * counts[:, None]).long()
