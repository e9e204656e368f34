"""The one contract of losses that learn from :class:`Targets`."""

from torch import Tensor, nn

from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS


class TargetLoss(nn.Module):
    """Loss of a batch of targets, online and in rounds alike.

    Attributes:
        needs_soft: whether it wants ``targets.soft``.
        refuses_soft: whether it fails where targets have them.
        needs_confidence: whether pseudo-labels from a store must come with
            their confidence.
        needs_labeled: whether online it wants to :meth:`observe` what the
            student says of labeled images.
    """

    needs_soft = False
    refuses_soft = False
    needs_confidence = False
    needs_labeled = False

    def forward(
        self, logits: Tensor, targets: Targets
    ) -> Tensor | dict[str, Tensor]:
        """Loss of a batch.

        Args:
            logits: (N, C, H, W), any floating type, in the size of the
                targets.
            targets: what to learn.

        Returns:
            A 0-d loss, or 0-d tensors by name: those whose name holds
            ``loss`` are summed, the others are logged.
        """
        raise NotImplementedError

    def observe(self, logits: Tensor, labels: Tensor) -> None:
        """Learn from labeled images, before the loss of a training step.

        Args:
            logits: (N, C, H, W) float32 of the student, without gradient.
            labels: annotated ones, int64 (N, H, W), 255 where there is none.
        """


def build_target_loss(config: dict, place: str) -> TargetLoss:
    """Build a loss, and refuse one of another contract.

    Args:
        config: of the loss.
        place: what it is called in the config of the model.

    Raises:
        TypeError: if it is no :class:`TargetLoss`.
    """
    loss = MODELS.build(config)
    if not isinstance(loss, TargetLoss):
        raise TypeError(
            f'{place} must learn from pseudo-labels, a TargetLoss such as '
            f'PseudoLabelCrossEntropyLoss; got {type(loss).__name__}'
        )
    return loss
