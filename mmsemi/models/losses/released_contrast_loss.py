"""The contrastive objective as U2PL's released code has it.

For comparisons only. What difference its defects make is told in
configs/u2pl.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mmsemi.registry import MODELS
from mmsemi.utils.labels import label_onehot

from .unreliable_contrast_loss import UnreliablePixelContrastLoss


class Form(NamedTuple):
    """Which of the defects a form is free of."""

    one_hot: bool  # each image has its own labels
    free_negatives: bool  # negatives of a class need not be labeled so
    by_class: bool  # anchors and negatives are those of the same class


FORMS = dict(
    paper=Form(True, True, False),
    aligned=Form(True, False, True),
    official=Form(True, False, False),
    as_released=Form(False, False, False),
)


def mixed_up_onehot(
    labels: Tensor, num_classes: int, ignore_index: int = 255
) -> Tensor:
    """Labels as one map for each class, by U2PL's code.

    The first image gets the labels of all, where ignored ones of the others
    count as class 0, and the rest get none. Right for N = 1 only. See
    :func:`label_onehot` for the arguments.
    """
    zeroed = labels.where(labels != ignore_index, 0)
    maps = label_onehot(zeroed, num_classes, ignore_index)
    first = maps.any(0) & (labels[0] != ignore_index)
    return torch.cat([first[None], torch.zeros_like(maps[1:])])


@MODELS.register_module()
class ReleasedPixelContrastLoss(UnreliablePixelContrastLoss):
    """:class:`UnreliablePixelContrastLoss` with defects of the released code.

    ============= ======== ========== =========
    form          one-hot  negatives  indexing
    ============= ======== ========== =========
    paper         right    free       by place
    aligned       right    restricted by class
    official      right    restricted by place
    as_released   mixed up restricted by place
    ============= ======== ========== =========

    *Mixed up*: see :func:`mixed_up_onehot`. *Restricted*: a negative of
    class c must carry the label c. *By place*: the i-th class present takes
    the anchors of class i, and the moving average of positives is as
    released (see :class:`ClassPrototypes`).

    Args:
        form: see above.
        *args, **kwargs: see the base class.
    """

    def __init__(self, *args, form: str = 'official', **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if form not in FORMS:
            raise ValueError(
                f'form must be one of {list(FORMS)}, got {form!r}; without '
                'any defect it is UnreliablePixelContrastLoss'
            )
        self.form = FORMS[form]
        if self.prototypes is not None:
            self.prototypes.as_released = not self.form.by_class

    def members(self, labels: Tensor, num_labeled: int) -> Tensor:
        """See the base class; labeled and other images apart."""
        if self.form.one_hot:
            return super().members(labels, num_labeled)
        return torch.cat(
            [
                mixed_up_onehot(part, self.num_classes, self.ignore_index)
                for part in labels.tensor_split([num_labeled])
            ]
        )

    def negatives(
        self, prob: Tensor, members: Tensor, high: Tensor, num_labeled: int
    ) -> Tensor:
        """See the base class."""
        chosen = super().negatives(prob, members, high, num_labeled)
        return chosen if self.form.free_negatives else chosen & members

    def pairs(
        self, num_positive: Tensor, num_anchor: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See the base class."""
        if self.form.by_class:
            return super().pairs(num_positive, num_anchor)
        valid = num_positive > 0
        source = valid.logical_not().long().argsort(stable=True)
        turn = torch.arange(len(valid), device=valid.device) < valid.sum()
        used = turn & (num_anchor > 0) & (self.bank.counts[source] > 0)
        return source, used & (valid.sum() > 1), valid
