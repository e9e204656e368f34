"""Class weights from the labels a run actually has."""

import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from mmengine.dataset import Compose
from mmengine.hooks import Hook
from mmseg.datasets.transforms import LoadAnnotations

from mmsemi.datasets.transforms import MapLabels
from mmsemi.models.losses import ClassBalancedCrossEntropyLoss
from mmsemi.registry import HOOKS
from mmsemi.report.validation import WIDTH
from mmsemi.utils.compat import trains


@HOOKS.register_module()
class ClassFrequencyHook(Hook):
    """Count the classes in the labeled masks before training starts.

    Gives the counts to every :class:`ClassBalancedCrossEntropyLoss` with
    ``class_frequency='labeled'``. The masks are those of
    ``train_dataloader`` (of its labeled part and, where there is one, the
    labeled part of the target domain), read as stored, without augmentation.

    Args:
        threads: how many masks are read at once.
    """

    def __init__(self, threads: int = 4) -> None:
        self.threads = threads

    # Before mmengine's EMAHook copies the model, which pairs the buffers of
    # both by their place.
    priority = 'VERY_HIGH'

    def before_run(self, runner) -> None:
        """Count and set the weights, unless the run is a test."""
        if not trains(runner):
            return
        model = runner.model
        losses = [
            module
            for module in model.modules()
            if isinstance(module, ClassBalancedCrossEntropyLoss)
            and module.awaits_frequency
        ]
        if not losses:
            return
        dataset = runner.train_dataloader.dataset
        # Online methods train on both parts from the start.
        parts = getattr(dataset, 'with_labels', [dataset])
        counts = sum(count_classes(part, self.threads) for part in parts)
        device = next(model.parameters()).device
        for loss in losses:
            loss.set_class_frequency(counts)
            loss.to(device)
        share = counts / counts.sum()
        weights = losses[0].class_weight.tolist()
        text = 'class weights from the labeled masks: ' + ', '.join(
            f'{name} {weight:.2f} ({part:.2%})'
            for name, weight, part in zip(
                dataset.metainfo['classes'], weights, share
            )
        )
        lines = textwrap.wrap(text, WIDTH, subsequent_indent='  ')
        runner.logger.info('\n'.join(lines))


def count_classes(dataset, threads: int = 4) -> np.ndarray:
    """Pixels of each class in the masks of a dataset, (C,) int64.

    Args:
        dataset: a labeled ``BaseSegDataset``, or such sets joined or
            repeated; their pipelines are not run.
        threads: how many masks are read at once.
    """
    num_classes = len(dataset.metainfo['classes'])
    with ThreadPoolExecutor(threads) as pool:
        return sum(
            times * sum(pool.map(counter(leaf, num_classes), range(len(leaf))))
            for leaf, times in leaves(dataset)
        )


def leaves(dataset, times: int = 1) -> Iterator[tuple]:
    """``(dataset, how often it is repeated)`` of all sets in one."""
    if hasattr(dataset, 'datasets'):
        for part in dataset.datasets:
            yield from leaves(part, times)
    elif hasattr(dataset, 'dataset'):
        times *= getattr(dataset, 'times', 1)
        yield from leaves(dataset.dataset, times)
    else:
        yield dataset, times


def counter(dataset, num_classes: int) -> Callable[[int], np.ndarray]:
    """Function that counts the classes in the mask of an item."""
    # As training reads them, id tables included.
    load = Compose(
        [
            step
            for step in dataset.pipeline.transforms
            if isinstance(step, (LoadAnnotations, MapLabels))
        ]
    )

    def count(index: int) -> np.ndarray:
        mask = load(dataset.get_data_info(index))['gt_seg_map']
        return np.bincount(mask.ravel(), minlength=256)[:num_classes]

    return count
