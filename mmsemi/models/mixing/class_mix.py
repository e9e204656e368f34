import torch
from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS

from .base import BatchMixing

NUM_IDS = 256  # labels are 8-bit ids, 255 = none


@MODELS.register_module()
class ClassMix(BatchMixing):
    """Paste half of an image's classes onto another image.

    Olsson et al., WACV 2021. Of the n classes an image is labeled with,
    floor(n / 2) at random stay where they are; all other pixels, those
    without a label too, come from the partner.

    Args:
        prob: probability of mixing.
        per_image: one coin for every image, not one for the whole batch.
        partner: ``'roll'`` or ``'flip'``, see :class:`BatchMixing`.
    """

    def draw_mask(
        self, targets: Targets, scores: Tensor | None = None
    ) -> Tensor:
        """Pixels of the classes that do not stay.

        Args:
            targets: holds ``labels``, int64 (N, H, W).
            scores: (N, 256), not negative; of the classes present those with
                the highest scores stay. Drawn when None.
        """
        labels = targets.labels.flatten(1)
        present = torch.zeros(
            len(labels), NUM_IDS, dtype=torch.bool, device=labels.device
        )
        present.scatter_(1, labels, True)
        present[:, -1] = False
        if scores is None:
            scores = torch.rand(present.shape, device=labels.device)
        # Twice argsort gives ranks.
        order = scores.masked_fill(~present, -1).argsort(1, descending=True)
        stays = order.argsort(1) < present.sum(1, keepdim=True) // 2
        return ~stays.gather(1, labels).view_as(targets.labels)
