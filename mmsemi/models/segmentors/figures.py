"""What a training step returns and records."""

from typing import NamedTuple

import torch
from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.utils.labels import IGNORE


class Record(NamedTuple):
    """What a step saw in one place, see :meth:`OnlineSegmentor.record`."""

    images: Tensor | None
    targets: Targets
    samples: list


@torch.no_grad()
def label_figures(targets: Targets) -> dict[str, Tensor]:
    """What to log about the labels that are learned from.

    Returns:
        0-d tensors: the mean weight of the valid pixels, which is the
        share of labels that count (``confident_ratio``), their mean
        confidence (``mean_confidence``) and, with ``audit``, the share
        of labels with a weight that are right
        (``pseudo_label_accuracy``).
    """
    valid, chosen = targets.valid, targets.weights > 0
    number = valid.sum().clamp(min=1)
    figures = dict(
        confident_ratio=(targets.weights * valid).sum() / number,
        mean_confidence=(targets.confidence * valid).sum() / number,
    )
    if targets.truth is not None:
        known = chosen & (targets.truth != IGNORE)
        right = known & (targets.truth == targets.labels)
        total = known.sum().clamp(min=1)
        figures['pseudo_label_accuracy'] = right.sum() / total
    return figures


def named_losses(
    result: Tensor | dict[str, Tensor], name: str, weight: float
) -> dict[str, Tensor]:
    """The result of a :class:`TargetLoss` under a name, weighted.

    Args:
        result: a loss, or losses and figures by name.
        name: key of the loss; of several the others get their own behind it.
        weight: factor of losses; figures keep their values and names.
    """
    if isinstance(result, Tensor):
        return {name: weight * result}
    named = {}
    for key, value in result.items():
        if 'loss' in key:
            named[f'{name}_{key.removeprefix("loss_")}'] = weight * value
        else:
            named[key] = value
    return named
