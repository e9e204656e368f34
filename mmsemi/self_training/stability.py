"""How far the predictions of earlier checkpoints agree with the last one's."""

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.dist import all_reduce
from torch import Tensor
from torch.utils.data import DataLoader

from mmsemi.ops.maps import max_over_classes
from mmsemi.utils.progress import track

from .batch_predictor import BatchPredictor


def agreement(first: Tensor, second: Tensor, num_classes: int) -> Tensor:
    """Mean IoU of two predictions of one image, float64, 0-d.

    Args:
        first: classes int64 (H, W).
        second: the same of another network.
        num_classes: number of classes C. The mean is that of the classes
            that occur in either.
    """
    pairs = (first * num_classes + second).flatten()
    counts = pairs.bincount(minlength=num_classes**2)
    counts = counts.view(num_classes, num_classes)
    union = counts.sum(0) + counts.sum(1) - counts.diagonal()
    present = union > 0
    iou = counts.diagonal()[present].double() / union[present]
    return iou.mean()


@torch.no_grad()
def stability(
    earlier: Sequence[BatchPredictor],
    last: BatchPredictor,
    dataloader: DataLoader,
) -> np.ndarray:
    """Reliability of every image (ST++, section 3.3).

    Yang et al., "ST++: Make Self-training Work Better for Semi-supervised
    Semantic Segmentation", CVPR 2022, equation 4: the mean over the earlier
    checkpoints of the mean IoU of what they and the last one predict. An
    image whose prediction was settled early is more likely right.

    Args:
        earlier: networks as they were, in eval mode.
        last: the network that is to label.
        dataloader: batches of the unlabeled set, sampled by a
            ``BatchShardSampler``, so that figures do not depend on the
            number of processes.

    Returns:
        Float64 (N,) in [0, 1], on every process.
    """
    sampler, done = dataloader.sampler, 0
    indices = np.fromiter(sampler, np.int64, len(sampler))
    device = next(last.model.parameters()).device
    found = torch.zeros(len(dataloader.dataset), dtype=torch.float64)
    for batch in track(dataloader, description='stability of predictions'):
        for places, part in last.equal_sizes(batch):
            prediction = last(part)
            classes = prediction.probabilities.shape[1]
            labels = max_over_classes(prediction.probabilities)[1]
            others = [
                max_over_classes(network(part).probabilities)[1]
                for network in earlier
            ]
            for k, place in enumerate(places):
                crop = prediction.crop(k)
                each = [
                    agreement(other[crop], labels[crop], classes)
                    for other in others
                ]
                row = indices[done + place]
                found[row] = torch.stack(each).mean().cpu()
        done += len(batch['data_samples'])
    found = found.to(device)
    all_reduce(found)
    return found.cpu().numpy()
