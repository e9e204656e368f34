"""Maps of class scores, faster on a CPU than by PyTorch's plain calls."""

import numpy as np
import torch
from torch import Tensor

ROWS = 16


def row_parts(scores: Tensor) -> tuple[Tensor, ...]:
    """(N, C, h, W) pieces of maps; small enough for the caches of a CPU.

    Several operations on a piece then read main memory once.
    """
    return (scores,) if scores.is_cuda else scores.split(ROWS, 2)


def log_(scores: Tensor) -> Tensor:
    """Natural logarithm in place, for what needs no gradient.

    On a CPU with AVX2 or AVX-512 NumPy's vector form is the faster one; it
    differs from PyTorch's by rounding alone.
    """
    if scores.device.type != 'cpu' or scores.dtype != torch.float32:
        return scores.log_()
    with np.errstate(all='ignore'):
        np.log(values := scores.detach().numpy(), out=values)
    return scores


def max_over_classes(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Highest score and its class; the lowest class of equal ones.

    ``torch.max`` gives the same, but on a CPU its search for the index takes
    several times as long as the maximum.

    Args:
        scores: (N, C, H, W) floating, without NaN.

    Returns:
        (N, H, W) of the same type, and int64 (N, H, W).
    """
    classes = scores.shape[1]
    if scores.is_cuda or classes > 255 or scores.dtype != torch.float32:
        return scores.max(1)
    descending = np.arange(classes, 0, -1, dtype=np.uint8).reshape(1, -1, 1, 1)
    tops, labels = [], []
    for rows in row_parts(scores.detach()):
        top = rows.amax(1)
        # NumPy compares in a third of the time that PyTorch takes.
        equal = rows.numpy() == top[:, None].numpy()
        found = torch.from_numpy(equal.view(np.uint8) * descending)
        tops.append(top)
        # A pixel of NaN equals nothing.
        labels.append((classes - found.amax(1)).clamp(max=classes - 1))
    return torch.cat(tops, 1), torch.cat(labels, 1).long()


def accuracy(
    pred: Tensor,
    target: Tensor,
    topk: int | tuple[int, ...] = 1,
    thresh: float | None = None,
    ignore_index: int | None = None,
) -> Tensor | list[Tensor]:
    """What mmseg's function of this name gives, without its sort of classes.

    A head logs it in every step, where it took longer than the loss: a third
    of the time of UniMatch's losses on a CPU, and a wait for the device on a
    GPU.

    Args:
        pred: (N, C, H, W) logits.
        target: (N, H, W) labels.
        topk, thresh: mmseg's own function serves others than the defaults.
        ignore_index: label that does not count.

    Returns:
        (1,) float32, percent.
    """
    if topk != 1 or thresh is not None or pred.ndim != 4 or not len(pred):
        from mmseg.models.losses import accuracy as general

        return general(pred, target, topk, thresh, ignore_index)
    eps = torch.finfo(torch.float32).eps
    correct = max_over_classes(pred.detach())[1] == target
    total: Tensor | int = target.numel()
    if ignore_index is not None:
        known = target != ignore_index
        correct, total = correct & known, known.sum()
    return (correct.sum()[None].float() + eps) * (100.0 / (total + eps))
