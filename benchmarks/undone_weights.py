"""What undoing class weights does to labels of which none is dropped.

    python benchmarks/undone_weights.py CHECKPOINT --every 8

labels unlabeled images of CamVid 1/16, whose masks are known, with a network
of ``configs/supervised/camvid_1-16.py`` in four views: as it predicts, and
with the class weights of its training undone.
"""

import argparse

import cv2
import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader, Subset

from mmsemi.apis.config import load_config
from mmsemi.engine.hooks.class_frequency_hook import count_classes
from mmsemi.io.checkpoints import read_checkpoint
from mmsemi.registry import DATASETS, MODELS
from mmsemi.self_training.batch_predictor import BatchPredictor

TRUTH = 'data/camvid/annotations/train'


def confusions(model, dataset, every: int) -> dict[str, np.ndarray]:
    """(C, C) pixels of each class by truth and label, of both rules."""
    weights = model.objective.criterion.class_weight
    rules = {'as it predicts': weights * 0 + 1, 'weights undone': weights}
    predictor = BatchPredictor(model, flip=True, scales=(1.0, 1.5))
    found = {name: np.zeros((len(weights),) * 2, int) for name in rules}
    indices = list(range(0, len(dataset), every))
    loader = DataLoader(
        Subset(dataset, indices), batch_size=8, collate_fn=pseudo_collate
    )
    done = 0
    for batch in loader:
        for places, part in predictor.equal_sizes(batch):
            prediction = predictor(part)
            for k, place in enumerate(places):
                stem = dataset.get_stem(indices[done + place])
                truth = cv2.imread(f'{TRUTH}/{stem}.png', -1)
                for name, rule in rules.items():
                    each = prediction.probabilities / rule.view(1, -1, 1, 1)
                    labels = each.argmax(1)[prediction.crop(k)].numpy()
                    count(found[name], truth, labels)
        done += len(batch['data_samples'])
    return found


def count(table: np.ndarray, truth: np.ndarray, labels: np.ndarray) -> None:
    """Add an image to a table of :func:`confusions`."""
    size = labels.shape[::-1]
    truth = cv2.resize(truth, size, interpolation=cv2.INTER_NEAREST)
    known = truth < len(table)
    np.add.at(table, (truth[known], labels[known]), 1)


def main(argv=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoint')
    parser.add_argument('--every', type=int, default=1)
    args = parser.parse_args(argv)
    init_default_scope('mmsemi')
    cfg = load_config('configs/dst_cbc/camvid_1-16.py')
    model = MODELS.build(cfg.model).eval()
    model.student.load_state_dict(
        read_checkpoint(args.checkpoint)['state_dict']
    )
    labeled = DATASETS.build(cfg.train_dataloader.dataset)
    model.objective.criterion.set_class_frequency(count_classes(labeled))
    dataset = DATASETS.build(cfg.label_dataloader.dataset)
    with torch.no_grad():
        found = confusions(model, dataset, args.every)
    for name, table in found.items():
        hit = table.diagonal()
        iou = hit / (table.sum(0) + table.sum(1) - hit)
        print(f'{name}: {hit.sum() / table.sum():.1%} right, ', end='')
        print(f'mIoU {100 * iou.mean():.1f}, share found of each class:')
        for label, share in zip(
            labeled.metainfo['classes'], hit / table.sum(1)
        ):
            print(f'  {label} {share:.1%}')


if __name__ == '__main__':
    main()
