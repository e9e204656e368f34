"""The losses by which one network learns from unlabeled images."""

from typing import Any, NamedTuple

from torch import nn

from mmsemi.models.losses import TargetLoss, build_target_loss


class UnsupLosses(NamedTuple):
    """A loss and those that are added to it.

    Attributes:
        unsup: the loss of the method.
        further: more of them by name.
    """

    unsup: TargetLoss
    further: nn.ModuleDict

    @classmethod
    def build(cls, unsup: dict, further: dict | None) -> 'UnsupLosses':
        """Build them of their configs.

        Raises:
            TypeError: if one is no :class:`TargetLoss`.
            ValueError: if a name may be that of a loss of the method.
        """
        first = build_target_loss(unsup, 'unsup_loss')
        others = nn.ModuleDict()
        for name, loss in (further or {}).items():
            if name.startswith(('sup', 'unsup', 'contra')):
                raise ValueError(
                    f'further_losses: loss_{name} may be a loss '
                    'of the method; choose another name'
                )
            place = f'further_losses.{name}'
            others[name] = build_target_loss(loss, place)
        return cls(first, others)

    @property
    def all(self) -> list[TargetLoss]:
        """In the order in which they are computed."""
        others: list[Any] = list(self.further.values())
        return [self.unsup, *others]
