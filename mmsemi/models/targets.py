"""What a model says about the pixels of a batch, and what a loss learns."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from mmsemi.utils.labels import IGNORE


@dataclass(frozen=True)
class Targets:
    """Maps of a batch, in the size of its images.

    The one form in which labels go from a pseudo-labeler through mixing into
    a loss, online and in rounds. It does not change: every step makes a new
    one.

    Attributes:
        labels: int64 (N, H, W), 255 where there is none.
        confidence: float32 (N, H, W), highest class probability; 1 by
            default.
        weights: float32 (N, H, W), what each pixel counts in a loss; 1 by
            default.
        valid: bool (N, H, W), False on padding; all True by default.
        soft: float32 (N, C, H, W) probabilities of the classes, where a loss
            wants them (``needs_soft``).
        truth: int64 (N, H, W) ground truth for reports, which nothing
            learns from.
        known: bool (N, H, W), what is annotated of unlabeled images; None
            where nothing is.
        pseudo: bool (N,), which samples have pseudo-labels, where a batch
            holds annotated ones, too; all by default.
        beside: what another network says of the same images; it is cut and
            pasted with these.
    """

    labels: Tensor
    confidence: Tensor = None  # type: ignore[assignment]
    weights: Tensor = None  # type: ignore[assignment]
    valid: Tensor = None  # type: ignore[assignment]
    soft: Tensor | None = None
    truth: Tensor | None = None
    known: Tensor | None = None
    pseudo: Tensor = None  # type: ignore[assignment]
    beside: 'Targets | None' = None

    def __post_init__(self) -> None:
        labels = self.labels
        defaults = dict(
            confidence=lambda: torch.ones_like(labels, dtype=torch.float32),
            weights=lambda: torch.ones_like(labels, dtype=torch.float32),
            valid=lambda: torch.ones_like(labels, dtype=torch.bool),
            pseudo=lambda: labels.new_ones(len(labels), dtype=torch.bool),
        )
        for name, make in defaults.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, make())

    def __len__(self) -> int:
        """Number of images."""
        return len(self.labels)

    @property
    def counted(self) -> Tensor:
        """Labels (N, H, W), 255 also where their weight is 0."""
        return self.labels.masked_fill(self.weights == 0, IGNORE)

    def change(self, **maps: Any) -> 'Targets':
        """The same with some maps replaced."""
        return replace(self, **maps)

    def each(self, function: Callable[[Tensor], Tensor]) -> 'Targets':
        """The result of a function of every map there is.

        Args:
            function: gets (N, H, W) or (N, C, H, W) and returns as many
                images.
        """
        beside = self.beside
        return replace(
            self,
            beside=None if beside is None else beside.each(function),
            **{name: function(value) for name, value in self._maps()},
        )

    def paste(self, other: 'Targets', mask: Tensor) -> 'Targets':
        """Take the maps of ``other`` where a mask (N, H, W) is set."""
        beside = self.beside
        if beside is not None and other.beside is not None:
            beside = beside.paste(other.beside, mask)
        return replace(
            self,
            beside=beside,
            **{
                name: torch.where(
                    mask[:, None] if value.ndim == 4 else mask,
                    getattr(other, name),
                    value,
                )
                for name, value in self._maps()
                if getattr(other, name) is not None
            },
        )

    def with_known(self, known: Tensor | None) -> 'Targets':
        """The same with what is annotated in place of pseudo-labels.

        Annotated pixels count fully and have a confidence of 1; reports on
        pseudo-labels leave them out.

        Args:
            known: int64 (N, H, W), 255 where unknown; None changes nothing.
        """
        if known is None:
            return self
        sure = known != IGNORE
        soft, truth = self.soft, self.truth
        if soft is not None:
            classes = torch.arange(soft.shape[1], device=soft.device)
            exact = (known[:, None] == classes.view(-1, 1, 1)).to(soft.dtype)
            soft = torch.where(sure[:, None], exact, soft)
        if truth is not None:
            truth = truth.masked_fill(sure, IGNORE)
        return replace(
            self,
            labels=torch.where(sure, known, self.labels),
            confidence=self.confidence.masked_fill(sure, 1.0),
            weights=self.weights.masked_fill(sure, 1.0),
            soft=soft,
            truth=truth,
            known=sure,
        )

    def keep(self, index: Any) -> 'Targets':
        """Some of the images: a slice or an index tensor."""
        beside = self.beside
        return replace(
            self,
            pseudo=self.pseudo[index],
            beside=None if beside is None else beside.keep(index),
            **dict((name, value[index]) for name, value in self._maps()),
        )

    def _maps(self) -> list[tuple[str, Tensor]]:
        return [
            (field.name, getattr(self, field.name))
            for field in fields(self)
            if field.name not in ('pseudo', 'beside')
            and getattr(self, field.name) is not None
        ]
