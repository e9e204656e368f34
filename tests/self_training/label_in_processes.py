"""Label the tiny set with one checkpoint."""

import copy
from pathlib import Path

import torch
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, load_checkpoint
from torch.utils.data import Subset

from mmsemi.datasets.unlabeled import only
from mmsemi.pseudo_labels.store import PseudoLabelStore
from mmsemi.registry import DATASETS, MODELS
from mmsemi.self_training.batch_predictor import BatchPredictor
from mmsemi.self_training.labeling import LabelingPass
from mmsemi.self_training.stability import stability
from mmsemi.self_training.taking_over import TakingOverPass
from tests.tiny import CLASSES, tiny_config


def label(rank: int, out: str, root: str, checkpoint: str, rule: str) -> None:
    """Label, and store below ``out``; alone or as one of two processes."""
    init_default_scope('mmsemi')
    cfg = tiny_config(Path(root), Path(out))
    model = MODELS.build(cfg.model)
    load_checkpoint(model, checkpoint, 'cpu', strict=True)
    kind = dict(type='ClassBalancedPseudoLabeler', rule=rule, stride=2)
    if rule == 'soft':
        kind = dict(type='LRENTPseudoLabeler', ds_rate=2)
    labeler = MODELS.build(dict(kind, num_classes=len(CLASSES)))
    LabelingPass(
        BatchPredictor(model.eval()),
        Runner.build_dataloader(cfg.label_dataloader, seed=0),
        labeler,
        PseudoLabelStore(out),
        keep_confidence=True,
    ).run(1, 0.5)
    if rule == 'argmax':  # the stages of ST++ as well
        torch.manual_seed(0)
        other = copy.deepcopy(model)
        for value in other.parameters():
            value.data += 0.1 * torch.randn_like(value)
        data = cfg.label_dataloader.dataset
        loader = Runner.build_dataloader(cfg.label_dataloader, seed=0)
        found = stability(
            [BatchPredictor(other)], BatchPredictor(model), loader
        )
        order = (-found).argsort(kind='stable').tolist()
        both = DATASETS.build(only(data, order[4:] + order[:4]))
        cfg.label_dataloader.dataset = Subset(both, range(5))
        TakingOverPass(
            BatchPredictor(other),
            Runner.build_dataloader(cfg.label_dataloader, seed=0),
            MODELS.build(dict(kind, num_classes=len(CLASSES))),
            PseudoLabelStore(out),
            former=PseudoLabelStore(out).folder(1),
            keep_confidence=True,
        ).run(2, 1.0, order=order, stability=found.tolist())
