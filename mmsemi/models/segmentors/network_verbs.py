"""Verbs of an online method that run a network."""

from collections.abc import Callable
from typing import Any

import torch
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmsemi.models.class_weights import own_class_weights, undo_class_weights

from .batch import Batch
from .modes import in_mode
from .semi_base import heads, logits_of

Outputs = dict[str, Tensor]


class NetworkVerbs:
    """What a step asks networks, each verb bound to the one it is given."""

    student: nn.Module
    semi_train_cfg: dict[str, Any]

    def decode(
        self,
        network: nn.Module,
        images: Tensor,
        auxiliary: bool = True,
        perturb: Callable[[tuple], tuple] | None = None,
    ) -> Outputs:
        """Outputs of a network's heads at their own resolution.

        Args:
            network: one of the sub-models.
            images: (N, 3, H, W).
            auxiliary: whether auxiliary heads run as well.
            perturb: changes the features between backbone and heads; it may
                return more images than it got.

        Returns:
            Logits (N, C, h, w) of ``'decode'`` and of ``'aux'`` (or
            ``'aux_0'``, ``'aux_1'``, ... where there are several); a
            subclass may add more.
        """
        feats = network.extract_feat(images)
        if perturb is not None:
            feats = perturb(feats)
        return self.run_heads(network, feats, auxiliary)

    def run_heads(
        self, network: nn.Module, feats: tuple, auxiliary: bool
    ) -> Outputs:
        """Outputs of the heads for given features, see :meth:`decode`."""
        outputs = {}
        for name, head in heads(network):
            if name != 'decode' and not auxiliary:
                continue
            outputs[name] = logits_of(head, feats)
        return outputs

    @torch.no_grad()
    def look(
        self, network: nn.Module, images: Tensor, training: bool = False
    ) -> Tensor:
        """Logits (N, C, h, w) of a network in eval mode, without gradient.

        Args:
            network: one of the sub-models.
            images: (N, 3, H, W).
            training: use (and move) the statistics of the batch instead.
        """
        with in_mode(network, training):
            # Auxiliary heads and representations are not asked for.
            logits = logits_of(
                network.decode_head, network.extract_feat(images)
            )
        if any(weight.requires_grad for weight in network.parameters()):
            # PyTorch 2.6 keeps weights that were cast here, which have no
            # gradient, for the rest of the step.
            torch.clear_autocast_cache()
        return logits

    def decode_joint(
        self, network: nn.Module, batch: Batch, images: Tensor
    ) -> tuple[Outputs, Outputs]:
        """:meth:`decode` of the labeled and of other images.

        At once, so that they share their batch statistics, unless
        ``joint_forward`` is off.
        """
        if self.semi_train_cfg['joint_forward']:
            return batch.split(self.decode(network, batch.join(images)))
        return (
            self.decode(network, batch.sup),
            self.decode(network, images, auxiliary=False),
        )

    def probabilities(
        self, logits: Tensor, size: tuple[int, int] | None = None
    ) -> Tensor:
        """Class probabilities (N, C, H, W) to label by, float32.

        Args:
            logits: (N, C, h, w) of a decode head.
            size: (H, W) of the images; (h, w) by default.
        """
        logits = self.upsample(logits, size or logits.shape[-2:])
        if self.semi_train_cfg['undo_class_weights']:
            logits = undo_class_weights(logits, self.class_weights())
        return logits.softmax(1)

    def class_weights(self, counted: bool = True) -> Any:
        """Class weights (C,) in the student's own loss, to be undone.

        Args:
            counted: False before training, where those that wait for the
                labels will do: ``'labeled'``.

        Raises:
            ValueError: if there are none.
        """
        weights = own_class_weights(self.student.decode_head)
        waiting = not counted and isinstance(weights, str)
        if not isinstance(weights, Tensor) and not waiting:
            raise ValueError(
                'undo_class_weights needs class weights in loss_decode '
                "of the student's decode head: a "
                'ClassBalancedCrossEntropyLoss'
            )
        return weights

    def upsample(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """Logits as float32 (N, C, H, W) in the size of the images."""
        logits = logits.float()
        if logits.shape[-2:] == tuple(size):
            return logits
        return resize(
            logits,
            size=tuple(size),
            mode='bilinear',
            align_corners=self.student.decode_head.align_corners,
        )
