"""Cross entropy with class weights and ignored pixels, normalized exactly.

mmseg's ``CrossEntropyLoss(class_weight=...)`` indexes the weights with the
ignore label and fails; its ``avg_non_ignore`` counts pixels on the host.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmsemi.io.json_data import load_json
from mmsemi.registry import MODELS

MODES = ('inverse', 'sqrt_inverse', 'effective_number')


def class_weights_from_frequency(
    frequency: Sequence[float], mode: str, beta: float = 0.9999
) -> Tensor:
    """Weights of classes from how often they occur, with mean 1.

    ``inverse``: 1 / f; ``sqrt_inverse``: 1 / sqrt(f); ``effective_number``:
    (1 - beta) / (1 - beta ** n), Cui et al., CVPR 2019, equation 2. A class
    that never occurs gets the weight of the rarest one that does.

    Args:
        frequency: pixel counts or shares (C,); the effective number needs
            counts (of pixels, or of images holding the class).
        mode: one of :data:`MODES`.
        beta: of the effective number, in [0, 1).

    Returns:
        Weights, float32 (C,).
    """
    check_beta(beta)
    counts = torch.as_tensor(frequency, dtype=torch.float64)
    if (
        counts.ndim != 1
        or not len(counts)
        or (counts < 0).any()
        or not counts.sum() > 0
    ):
        raise ValueError(
            'class_frequency needs one non-negative number per '
            f'class and a positive sum, got {frequency}'
        )
    counts = counts.clamp(min=counts[counts > 0].min())
    if mode == 'inverse':
        weights = 1 / counts
    elif mode == 'sqrt_inverse':
        weights = counts.rsqrt()
    elif mode == 'effective_number':
        if counts.max() <= 1:
            raise ValueError(
                "mode='effective_number' needs counts, and "
                f'these look like shares: {frequency}'
            )
        weights = (1 - beta) / (1 - beta**counts)
    else:
        raise ValueError(f'mode must be one of {MODES}, got {mode!r}')
    return (weights / weights.mean()).float()


def check_beta(beta: float) -> None:
    """Stop at a beta without weights, such as 1, where they are 0 / 0."""
    if not 0 <= beta < 1:
        raise ValueError(
            f'beta must be at least 0 and below 1, got {beta}. The nearer to '
            "1, the nearer are the weights to those of mode='inverse'"
        )


def read_class_frequency(
    frequency: str | Path | Sequence[float],
) -> Sequence[float]:
    """Frequencies given as numbers, or as the path of a json file.

    The file holds a list, or a dict with the list under ``pixels``,
    ``counts`` or ``frequency``.
    """
    if not isinstance(frequency, (str, Path)):
        return frequency
    path = Path(frequency)
    if not path.is_file():
        raise FileNotFoundError(
            f'no class frequency file {path}; write it with '
            'tools/dataset_converters/class_frequency.py'
        )
    content = load_json(path)
    if isinstance(content, dict):
        keys = [k for k in ('pixels', 'counts', 'frequency') if k in content]
        content = content[keys[0]] if keys else None
    if not isinstance(content, list):
        raise ValueError(
            f'{path} holds no list, under pixels, counts or frequency or alone'
        )
    return content


@MODELS.register_module()
class ClassBalancedCrossEntropyLoss(nn.Module):
    """Cross entropy, optionally with class weights, averaged exactly.

    With pixel weights w, class weights b and labels y

        L = sum_i w_i b_{y_i} CE_i / sum_i b_{y_i}

    over the pixels that are not ignored. Neither the pixel weights nor the
    batch split enter the normalizer. It stays a tensor on the device, and a
    batch with every pixel ignored gives 0 with zero gradient. Everything is
    computed in float32. The normalizer is that of this process.

    Args:
        class_weight: weight of each class; scaled to mean 1.
        mode: how to make weights from ``class_frequency`` instead:
            ``'inverse'``, ``'sqrt_inverse'`` or ``'effective_number'``.
        class_frequency: number of pixels (or share) of each class, or the
            json file of ``tools/dataset_converters/class_frequency.py``, or
            ``'labeled'``: counted by ``ClassFrequencyHook`` in the masks of
            the labeled training images when the run starts.
        beta: of the effective number.
        loss_weight: factor of the whole loss.
        loss_name: key of the loss in a head's output.
    """

    class_weight: Tensor | None

    def __init__(
        self,
        class_weight: Sequence[float] | None = None,
        mode: str | None = None,
        class_frequency: None | str | Sequence[float] = None,
        beta: float = 0.9999,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ce',
    ) -> None:
        super().__init__()
        if class_weight is not None and mode is not None:
            raise ValueError('give class_weight or mode, not both')
        if (mode is None) != (class_frequency is None):
            raise ValueError('mode and class_frequency belong together')
        check_beta(beta)
        weights = None
        self.mode, self.beta = mode, beta
        self.awaits_frequency = class_frequency == 'labeled'
        if mode is not None and not self.awaits_frequency:
            weights = class_weights_from_frequency(
                read_class_frequency(class_frequency), mode, beta
            )
        elif class_weight is not None:
            weights = torch.as_tensor(class_weight, dtype=torch.float32)
            if (weights < 0).any() or not weights.sum() > 0:
                raise ValueError(
                    'class_weight must be non-negative and not '
                    f'all zero, got {class_weight}'
                )
            weights = weights / weights.mean()
        # Not in the state dict: checkpoints stay those of plain mmseg.
        self.register_buffer('class_weight', weights, persistent=False)
        self.loss_weight = loss_weight
        self._loss_name = loss_name

    @property
    def loss_name(self) -> str:
        """Key of the loss in a head's output."""
        return self._loss_name

    @property
    def weighted(self) -> bool:
        """Whether classes have weights, or get them when a run starts."""
        return self.awaits_frequency or self.class_weight is not None

    def set_class_frequency(self, frequency: Sequence[float]) -> None:
        """Make the weights now, for ``class_frequency='labeled'``."""
        weights = class_weights_from_frequency(frequency, self.mode, self.beta)
        if self.class_weight is not None:
            weights = weights.to(self.class_weight.device)
        self.class_weight = weights
        self.awaits_frequency = False

    def pixel_loss(
        self, pred: Tensor, label: Tensor, ignore_index: int = 255
    ) -> Tensor:
        """Cross entropy of each pixel without any weight.

        Args:
            pred: logits (N, C, H, W), any floating type.
            label: int64 (N, H, W).

        Returns:
            Float32 (N, H, W), 0 where the label is ignored.
        """
        if self.awaits_frequency:
            raise RuntimeError(
                "class_frequency='labeled' needs "
                'ClassFrequencyHook in custom_hooks'
            )
        if pred.shape[1] == 1:
            raise ValueError(
                'one-channel (binary) logits are not supported; '
                'use out_channels=2'
            )
        if (
            self.class_weight is not None
            and len(self.class_weight) != pred.shape[1]
        ):
            raise ValueError(
                f'{len(self.class_weight)} class weights for '
                f'{pred.shape[1]} classes'
            )
        return F.cross_entropy(
            pred.float(), label, reduction='none', ignore_index=ignore_index
        )

    def label_weight(self, label: Tensor, ignore_index: int = 255) -> Tensor:
        """Class weight of each pixel, 0 where ignored; float32 (N, H, W)."""
        valid = label != ignore_index
        if self.class_weight is None:
            return valid.float()
        return self.class_weight[label.where(valid, 0)] * valid

    def reduce(
        self,
        pixel_loss: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        avg_factor: None | float | Tensor = None,
        ignore_index: int = 255,
    ) -> Tensor:
        """Weighted average of a pixel loss, a scalar.

        Args:
            pixel_loss: result of :meth:`pixel_loss`.
            label: int64 (N, H, W), as given to :meth:`pixel_loss`.
            weight: pixel weights (N, H, W).
            avg_factor: normalizer instead of the sum of class weights.
        """
        if self.class_weight is None:
            total = (label != ignore_index).sum()
        else:
            balance = self.label_weight(label, ignore_index)
            weight = balance if weight is None else weight * balance
            total = balance.sum()
        if avg_factor is None:
            # A lone pixel of a class with a tiny weight still counts fully,
            # and 0 / tiny is 0 where nothing is valid.
            avg_factor = total.clamp(min=torch.finfo(torch.float32).tiny)
        if weight is not None:
            pixel_loss = pixel_loss * weight
        return self.loss_weight * pixel_loss.sum() / avg_factor

    def forward(
        self,
        pred: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        avg_factor: None | float | Tensor = None,
        reduction_override: str | None = None,
        ignore_index: int = 255,
        **kwargs,
    ) -> Tensor:
        """Loss in the signature of mmseg's losses; see the class."""
        pixel_loss = self.pixel_loss(pred, label, ignore_index)
        if reduction_override == 'none':
            balance = self.label_weight(label, ignore_index)
            if weight is not None:
                balance = balance * weight
            return self.loss_weight * pixel_loss * balance
        if reduction_override not in (None, 'mean'):
            raise ValueError(
                "reduction_override must be 'none' or 'mean', "
                f'got {reduction_override!r}'
            )
        return self.reduce(pixel_loss, label, weight, avg_factor, ignore_index)


def build_criterion(
    criterion: dict | None = None,
) -> ClassBalancedCrossEntropyLoss:
    """The cross-entropy of a loss that knows class weights and counts.

    Args:
        criterion: its config; a plain one by default.

    Raises:
        TypeError: if it is another loss.
    """
    built = MODELS.build(
        criterion or dict(type='ClassBalancedCrossEntropyLoss')
    )
    if not isinstance(built, ClassBalancedCrossEntropyLoss):
        raise TypeError(
            'criterion must be a ClassBalancedCrossEntropyLoss, got '
            f'{type(built).__name__}'
        )
    return built
