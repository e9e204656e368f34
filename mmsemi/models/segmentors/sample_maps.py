"""Maps of a whole batch out of its data samples."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmsemi.utils.labels import IGNORE


def true_labels(samples: list) -> Tensor:
    """Annotated labels (N, H, W), int64."""
    return torch.stack([s.gt_sem_seg.data[0] for s in samples]).long()


def valid_pixels(samples: list) -> Tensor:
    """Bool (N, H, W), False where an unlabeled image is padded.

    Raises:
        ValueError: when the samples do not say.
    """
    if any('gt_sem_seg' not in sample for sample in samples):
        raise ValueError(
            'unlabeled samples do not say what is padding: put '
            "dict(type='InitValidMap') behind LoadImageFromFile in their "
            'pipeline'
        )
    return torch.stack([s.gt_sem_seg.data[0] for s in samples]) != IGNORE


def audit_maps(samples: list, like: Tensor) -> Tensor:
    """Ground truth (N, H, W) for reports, padded as the labels are."""
    height, width = like.shape[-2:]
    maps = [s.gt_audit.data[0].to(like) for s in samples]
    return torch.stack(
        [
            F.pad(
                m,
                (0, width - m.shape[1], 0, height - m.shape[0]),
                value=IGNORE,
            )
            for m in maps
        ]
    )
