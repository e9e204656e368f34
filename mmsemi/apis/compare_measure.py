"""Measure a finished cell apart from its training.

The evaluation record (IoU and boundary IoU of classes, calibration error)
and the quality of pseudo-labels, which needs the masks of unlabeled images
that a training must not open.
"""

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose

from mmsemi.apis.plain_errors import plain_errors
from mmsemi.datasets.unlabeled import UnlabeledDataset
from mmsemi.doctor.images import loading_step
from mmsemi.engine.checkpoints import newest_whole
from mmsemi.engine.runner import build_runner
from mmsemi.evaluation import PseudoLabelQuality
from mmsemi.io.config_data import read_dumped_config
from mmsemi.io.files import read_json, write_json
from mmsemi.io.image_files import read_pixels
from mmsemi.models.segmentors.batch import Batch
from mmsemi.models.segmentors.online import OnlineSegmentor
from mmsemi.pseudo_labels.store import LABELS, PseudoLabelStore, read_png
from mmsemi.registry import TRANSFORMS, is_type
from mmsemi.report.comparison import CELL, MEASURED, RUN
from mmsemi.report.tables import SUMMARY
from mmsemi.report.validation import network_values
from mmsemi.utils.console import restore_console
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE

MEASURES = [
    dict(type='BoundaryIoUMetric'),
    dict(type='CalibrationErrorMetric'),
]


def main(folder: str) -> None:
    """Measure the cell in a folder; mistakes end in one sentence."""
    try:
        with plain_errors():
            measure(Path(folder))
    except UsageError as error:
        sys.exit(f'error: {error}')


def measure(folder: Path) -> dict[str, Any]:
    """Write ``measured.json`` of a trained cell.

    Args:
        folder: of the cell.

    Returns:
        Its content; ``pseudo_labels`` is None where a method makes none or
        their truth is not there.
    """
    name = read_json(folder / CELL).get('config') or ''
    cfg = Config(read_dumped_config(folder / RUN / name))
    last = newest_whole(folder / RUN)
    if last is None:
        raise UsageError(f'{folder / RUN} holds no checkpoint to measure')
    cfg.work_dir = str(folder / 'measure')
    cfg.load_from, cfg.resume = str(last), False
    cfg.test_dataloader = cfg.val_dataloader
    usual = cfg.val_evaluator
    usual = list(usual) if isinstance(usual, (list, tuple)) else [usual]
    cfg.test_evaluator = usual + MEASURES
    cfg.test_cfg = dict(type='TestLoop')
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper'):
        cfg[f'its_{key}'] = cfg.pop(key, None)
    for key in ('param_scheduler', 'val_dataloader', 'val_evaluator'):
        cfg.pop(key, None)
    cfg.val_cfg, cfg.custom_hooks = None, []
    cfg.default_hooks = {}
    runner = build_runner(cfg)
    restore_console(runner.logger)
    figures = runner.test()
    found: dict[str, Any] = dict(
        checkpoint=last.name,
        miou=next(iter(network_values(figures, 'mIoU').values()), None),
        boundary_miou=figures['boundary_mIoU'],
        calibration_error=figures['ECE'],
    )
    for metric in runner.test_evaluator.metrics:
        for kind in ('class_scores', 'class_boundaries'):
            if getattr(metric, kind, None):
                found[kind] = getattr(metric, kind).iou
    trained = read_json(folder / RUN / SUMMARY).get('last_miou')
    found['same_as_in_training'] = (
        None
        if None in (trained, found['miou'])
        else abs(trained - found['miou']) < 0.02
    )
    found['pseudo_labels'] = audit(cfg, runner.model, folder / RUN)
    write_json(folder, MEASURED, found)
    return found


def audit(cfg: Config, model, run: Path) -> dict[str, Any] | None:
    """Quality of the pseudo-labels on the whole unlabeled set.

    Of a method with rounds, the labels of its last round, as they lie on
    disk. Of a method that labels as it goes, what the finished model says of
    whole images, with the threshold at the end of the schedule: what it
    learned from on the way were crops and earlier networks.
    """
    stored = sorted((run / 'pseudo_labels').glob('round_*[0-9]'))
    if stored:
        loader = cfg.get('label_dataloader')
        dataset = loader and loader['dataset']
    elif isinstance(model, OnlineSegmentor):
        dataset = cfg.its_train_dataloader.dataset.get('unlabeled')
    else:
        return None
    if not dataset:
        return None
    dataset = UnlabeledDataset(
        dataset['dataset'], dataset.get('audit_pipeline')
    )
    quality = PseudoLabelQuality(len(dataset.metainfo['classes']))
    if stored:
        last = max(int(path.name.split('_')[1]) for path in stored)
        folder = PseudoLabelStore(run / 'pseudo_labels').folder(last)
    else:
        labeler = WholeImages(model, cfg)
    for index in range(len(dataset)):
        if dataset.audit_path(index) is None:
            return None
        if stored:
            name = f'{LABELS}/{dataset.get_stem(index)}.png'
            labels = read_png(folder / name)
        else:
            labels = labeler(dataset.get_data_info(index))
        quality.count_labels(labels)
        try:
            truth = truth_of(dataset, index, labels)
        except UsageError as error:  # no run needs such masks
            print(
                'warning: the quality of pseudo-labels is not measured: '
                f'{error}'
            )
            return None
        quality.compare(labels, truth)
    figures = quality.summary(dataset.metainfo['classes'])
    return dict(
        of=f'round {last}' if stored else 'the finished model',
        images=len(dataset),
        coverage=figures['kept'],
        precision=figures['accuracy'],
        per_class={
            name: values['accuracy']
            for name, values in figures['per_class'].items()
        },
    )


def truth_of(
    dataset: UnlabeledDataset, index: int, labels: np.ndarray
) -> np.ndarray:
    """Mask of an unlabeled image in the size of its labels.

    Args:
        dataset: of the image, which has a mask.
        index: of the image.
        labels: (H, W) uint8, 255 where there is none.

    Returns:
        (H, W) uint8 training ids, 255 where unknown.

    Raises:
        UsageError: naming the file, if it cannot be read, or what it holds is
            no mask of the classes where there are labels.
    """
    path = dataset.audit_path(index)
    try:
        truth = dataset.audit_map(index)
    except UsageError:
        raise
    except Exception:
        # Damaged bytes raise nearly anything, and so do mistakes of ours.
        read_pixels(path)
        raise
    if truth.ndim != 2:
        raise UsageError(
            f'{path}: {truth.shape[-1]} numbers for each pixel, where a mask '
            'has one. Replace it by a mask of class numbers'
        )
    if truth.shape != labels.shape:
        size = labels.shape[::-1]
        truth = cv2.resize(truth, size, interpolation=cv2.INTER_NEAREST)
    classes = len(dataset.metainfo['classes'])
    compared = (truth != IGNORE) & (labels != IGNORE)
    highest = truth[compared].max(initial=0)
    if highest >= classes:
        raise UsageError(
            f'{path}: value {highest}, and classes are 0 to {classes - 1}. '
            'Correct the mask, or set audit_pipeline of UnlabeledDataset if '
            'it needs a label map'
        )
    return truth


class WholeImages:
    """Pseudo-labels of an online method for whole images.

    Args:
        model: of the method, finished.
        cfg: of its run.
    """

    def __init__(self, model: OnlineSegmentor, cfg: Config) -> None:
        self.model = model.eval()
        length = cfg.its_train_cfg.max_iters
        model.set_progress(length - 1, length)
        self.network = getattr(model, 'teacher', model.student)
        # The weak view up to what crops or changes it.
        dataset = cfg.its_train_dataloader.dataset.unlabeled.dataset
        sizes = [
            step
            for step in dataset.pipeline
            if is_type(step, TRANSFORMS, 'Resize', 'TorchResize')
        ]
        self.pipeline = Compose(
            [loading_step(dataset), *sizes, dict(type='PackSemiInputs')]
        )

    @torch.no_grad()
    def __call__(self, info: dict) -> np.ndarray:
        """Labels (H, W) uint8 of an image, 255 where it gets none."""
        item = self.pipeline(info)
        height, width = item['inputs'].shape[-2:]
        data = self.model.data_preprocessor(
            dict(inputs=[item['inputs']], data_samples=[item['data_samples']]),
            False,
        )
        images, samples = data['inputs'], data['data_samples']
        valid = torch.zeros(
            1, *images.shape[-2:], dtype=torch.bool, device=images.device
        )
        valid[:, :height, :width] = True
        batch = Batch(images, [], images, valid=valid, samples=samples)
        logits = self.model.look(self.network, images)
        targets = self.model.label(logits, batch)
        labels = targets.labels.masked_fill(targets.weights <= 0, IGNORE)
        return labels[0, :height, :width].cpu().numpy().astype(np.uint8)
