"""Labels spread over regions whose pixels are alike."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmsemi.models.targets import Targets


@torch.no_grad()
def regions_of(rows: Tensor, size: tuple[int, int]) -> Tensor:
    """Where rows of a correlation are more than half of their range.

    Args:
        rows: (N, R, h, w), how much every pixel has to do with each of R.
        size: (H, W) of the image.

    Returns:
        Bool (N, R, H, W). A row that is the same everywhere has no region.
    """
    maps = F.interpolate(
        rows.float(), size, mode='bilinear', align_corners=True
    )
    low = maps.amin((2, 3), keepdim=True)
    return 2 * (maps - low) > maps.amax((2, 3), keepdim=True) - low


@torch.no_grad()
def spread_over_regions(
    targets: Targets,
    rows: Tensor,
    inside: Tensor,
    threshold: Tensor,
    num_classes: int,
) -> Targets:
    """Give whole regions the class that most of their sure pixels have.

    Region propagation of CorrMatch (Sun et al., CVPR 2024). A region gets
    the commonest class of its pixels with a weight, and a weight everywhere,
    if at least a share of ``threshold`` of its pixels has one, and more than
    that share of these is of the class. Where regions overlap the later
    counts. Counts of all regions and classes are one product of matrices for
    each image.

    Args:
        targets: what is known so far.
        rows: (N, R, h, w), see :func:`regions_of`.
        inside: bool (N, H, W), pixels that may take part.
        threshold: 0-d, in [0, 1].
        num_classes: number of classes C.
    """
    labels, weights = [], []
    for k in range(len(targets)):  # one at a time: R maps of an image's size
        label, weight = targets.labels[k], targets.weights[k]
        regions = regions_of(rows[k, None], label.shape)[0] & inside[k]
        votes = F.one_hot(label.clamp(max=num_classes), num_classes + 1)
        votes = votes[..., :num_classes] * (weight > 0)[..., None]
        # Half precision cannot count that far.
        with torch.autocast(rows.device.type, enabled=False):
            flat = regions.flatten(1).float()
            counts = flat @ votes.flatten(0, 1).float()
        number, (most, chosen) = counts.sum(1), counts.max(1)
        good = most > threshold * number
        good &= number >= threshold * flat.sum(1)
        place = torch.arange(1, len(good) + 1, device=good.device) * good
        last = (regions * place.short()[:, None, None]).amax(0).long()
        labels.append(
            torch.where(last > 0, F.pad(chosen, (1, 0))[last], label)
        )
        weights.append(torch.where(last > 0, 1.0, weight))
    return targets.change(
        labels=torch.stack(labels), weights=torch.stack(weights)
    )
