import numpy as np
import torch
from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.ops.boxes import BOX_RULES
from mmsemi.registry import MODELS

from .base import BatchMixing
from .boxes import box_mask


@MODELS.register_module()
class CutMix(BatchMixing):
    """Paste boxes of other images of the batch.

    Yun et al., ICCV 2019; for segmentation French et al., BMVC 2020.

    Args:
        box: rule of the boxes:

            - ``'u2pl'``: half the area, wider than half the image.
            - ``'unimatch'``: 2 to 40 % of the area; published with
              ``per_image=True`` and ``partner='flip'`` (UniMatch V2).
            - ``'cutmix_seg'``: half the area of any aspect; with
              ``box_cfg=dict(count=3, share=(0.25, 0.5))`` that of CPS.
            - ``'augseg'``: of the image's aspect, the area by a Beta.
        box_cfg: options of the rule.
        prob: probability of mixing.
        per_image: one coin for every image, not one for the whole batch.
        partner: ``'roll'``, ``'flip'`` or ``'same'``, see
            :class:`BatchMixing`.
    """

    def __init__(
        self,
        box: str = 'u2pl',
        box_cfg: dict = None,
        prob: float = 0.5,
        per_image: bool = False,
        partner: str = 'roll',
    ) -> None:
        super().__init__(prob, per_image, partner)
        if box not in BOX_RULES:
            raise ValueError(
                f'box must be one of {sorted(BOX_RULES)}, got {box!r}'
            )
        self.box = box
        self.box_cfg = dict(box_cfg or {})

    def draw_mask(self, targets: Targets) -> Tensor:
        """Pixels inside the boxes."""
        labels = targets.labels
        boxes = BOX_RULES[self.box](*labels.shape, np.random, **self.box_cfg)
        boxes = torch.from_numpy(boxes).to(labels.device, non_blocking=True)
        return box_mask(boxes, *labels.shape[-2:])

    def extra_repr(self) -> str:
        return f'box={self.box!r}, {super().extra_repr()}'
