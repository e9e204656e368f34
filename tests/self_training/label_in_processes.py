"""Label the tiny set with one checkpoint; started once or by torchrun.

usage: label_in_processes.py SET CHECKPOINT OUT RULE
"""

import os
import sys
from pathlib import Path

import torch
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, load_checkpoint

from mmsemi.pseudo_labels.store import PseudoLabelStore
from mmsemi.registry import MODELS
from mmsemi.self_training.labeling import LabelingPass
from mmsemi.self_training.predictor import Predictor
from tests.tiny import CLASSES, tiny_config

if __name__ == '__main__':
    root, checkpoint, out, rule = sys.argv[1:]
    if 'RANK' in os.environ:
        torch.distributed.init_process_group('gloo')
    init_default_scope('mmsemi')
    cfg = tiny_config(Path(root), Path(out))
    model = MODELS.build(cfg.model)
    load_checkpoint(model, checkpoint, 'cpu', strict=True)
    kind = dict(type='ClassBalancedPseudoLabeler', rule=rule, stride=2)
    if rule == 'soft':
        kind = dict(type='LRENTPseudoLabeler', ds_rate=2)
    labeler = MODELS.build(dict(kind, num_classes=len(CLASSES)))
    LabelingPass(
        Predictor(model.eval()),
        Runner.build_dataloader(cfg.label_dataloader, seed=0),
        labeler,
        PseudoLabelStore(out),
        keep_confidence=True,
    ).run(1, 0.5)
    if 'RANK' in os.environ:  # gloo's threads must not outlive the process
        torch.distributed.destroy_process_group()
