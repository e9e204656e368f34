"""Maps of class scores, faster on a CPU than by PyTorch's plain calls."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

# Pieces that fit the caches of a CPU: rows of all classes, pixels of one.
ROWS = 16
PIXELS = 2**15


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
    return _in_place(scores, torch.log_, np.log)


def exp_(scores: Tensor) -> Tensor:
    """Exponential in place, see :func:`log_`."""
    return _in_place(scores, torch.exp_, np.exp)


def _in_place(
    scores: Tensor, plain: Callable[[Tensor], Tensor], fast: np.ufunc
) -> Tensor:
    if scores.device.type != 'cpu' or scores.dtype != torch.float32:
        return plain(scores)
    with np.errstate(all='ignore'):
        fast(values := scores.detach().numpy(), out=values)
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
    if not _class_by_class(scores):
        return scores.max(1)
    return _search(scores.detach())[:2]


def max_of_quotients(
    scores: Tensor, divisors: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """:func:`max_over_classes` of quotients, and the highest score itself.

    Args:
        scores: (N, C, H, W) floating, without NaN.
        divisors: (C,), what the scores of each class are divided by.

    Returns:
        Highest quotient (N, H, W) of the same type, its class, int64
        (N, H, W), and the highest score (N, H, W).
    """
    if not _class_by_class(scores):
        quotient, labels = (scores / divisors[:, None, None]).max(1)
        return quotient, labels, scores.amax(1)
    return _search(scores.detach(), divisors)


def _class_by_class(scores: Tensor) -> bool:
    """Whether :func:`_search` is the faster way."""
    return (
        scores.device.type == 'cpu'  # NumPy sees no other memory
        and scores.dtype == torch.float32
        and scores.shape[1] <= 255
        # In channels-last layout the classes of a pixel lie side by side.
        and scores.stride(3) == 1
    )


def _search(
    scores: Tensor, divisors: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """See :func:`max_of_quotients`; without divisors scores are quotients."""
    size, flat = scores.shape[2:], scores.flatten(2)
    quotient = flat.new_empty(len(flat), flat.shape[2])
    labels = torch.zeros_like(quotient, dtype=torch.uint8)
    top = quotient if divisors is None else torch.empty_like(quotient)
    numbers = None if divisors is None else divisors.numpy()
    found = quotient, labels, top
    for image in zip(flat.numpy(), *(maps.numpy() for maps in found)):
        for start in range(0, flat.shape[2], PIXELS):
            values, *highest = (m[..., start : start + PIXELS] for m in image)
            _running_maximum(values, highest, numbers)
    quotient, labels, top = (maps.unflatten(1, size) for maps in found)
    return quotient, labels.long(), top


def _running_maximum(
    scores: np.ndarray,
    highest: Sequence[np.ndarray],
    divisors: np.ndarray | None,
) -> None:
    """Class by class, so that all but the scores stays in a cache.

    Args:
        scores: (C, P) float32.
        highest: to write to: (P,) float32 for the highest quotient, (P,)
            uint8 zeros for its class, (P,) float32 for the highest score.
        divisors: (C,) float32.
    """
    quotient, label, top = highest
    higher = np.empty(len(quotient), bool)
    number = higher.view(np.uint8)
    buffer = np.empty_like(quotient)
    for k, values in enumerate(scores):
        if divisors is not None:
            np.maximum(top if k else values, values, out=top)
            values = np.divide(values, divisors[k], out=buffer)
        if k == 0:
            quotient[:] = values
            continue
        np.greater(values, quotient, out=higher)
        np.maximum(quotient, values, out=quotient)
        # A later class is the larger number.
        np.multiply(number, np.uint8(k), out=number)
        np.maximum(label, number, out=label)


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
