"""The one contract of losses that learn from :class:`Targets`."""

from torch import Tensor, nn

from mmsemi.models.targets import Targets


class TargetLoss(nn.Module):
    """Loss of a batch of targets, online and in rounds alike.

    Attributes:
        needs_soft: whether it wants ``targets.soft``.
        needs_confidence: whether pseudo-labels from a store must come with
            their confidence.
    """

    needs_soft = False
    needs_confidence = False

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
