"""A resumed run differs from an unbroken one in augmentation draws alone.

Where these depend on image and iteration only, the two end with equal
weights: nothing else of a run is lost, validations and best checkpoints
included.
"""

import copy
import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook

from mmsemi.datasets import SemiDataset
from mmsemi.registry import HOOKS
from tests.engine.test_online_training import lines, online_config
from tests.tiny import Killed, make_tiny_set, tiny_config, train


def seed_all(number: int) -> None:
    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(number)


@HOOKS.register_module(force=True)
class SeededStepHook(Hook):
    """What a step draws (boxes, dropout) depends on its number."""

    priority = 'LOW'

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        seed_all(1000 + runner.iter)


def config(root, work_dir):
    cfg = online_config(root, work_dir)
    augment = [
        dict(type='RandomResize', scale=(48, 32), ratio_range=(0.6, 1.6)),
        dict(type='RandomCrop', crop_size=(24, 24)),
        dict(type='PadSegFields', size=(24, 24)),
        dict(type='RandomFlip', prob=0.5),
    ]
    for part in ('labeled', 'unlabeled'):
        dataset = cfg.train_dataloader.dataset[part]
        pipeline = dataset.get('dataset', dataset).pipeline
        pipeline[-1:-1] = augment
    pipeline[-1].unsup_student = [
        dict(type='ColorJitter'),
        pipeline[-1].pop('unsup_student'),
    ]
    cfg.model.student.data_preprocessor.size = (24, 24)
    cfg.model.student.decode_head.dropout_ratio = 0.2
    cfg.model.mixing = dict(type='CutMix', box='cutmix_seg', prob=0.8)
    plain = tiny_config(root, work_dir)
    for key in ('val_dataloader', 'val_evaluator'):
        cfg[key] = plain[key]
    cfg.val_cfg = dict(type='AllNetworksValLoop')
    cfg.train_cfg.val_interval = 4
    cfg.default_hooks = dict(
        checkpoint=dict(
            type='SafeCheckpointHook', interval=2, save_best='teacher/mIoU'
        ),
        summary=dict(type='RunSummaryHook'),
    )
    cfg.custom_hooks.append(dict(type='SeededStepHook'))
    return cfg


@pytest.mark.parametrize('killed_at', [5])
def test_nothing_but_draws_is_lost(tmp_path, monkeypatch, killed_at) -> None:
    getitem = SemiDataset.__getitem__

    def seeded(self, idx):
        seed_all(idx)
        return getitem(self, idx)

    monkeypatch.setattr(SemiDataset, '__getitem__', seeded)
    root = make_tiny_set(tmp_path / 'data')
    cfg = config(root, tmp_path / 'whole')
    expected = train(cfg)
    again = config(root, tmp_path / 'again')
    killed = copy.deepcopy(again)
    killed.custom_hooks.append(dict(type='KillHook', iteration=killed_at))
    with pytest.raises(Killed):
        train(killed)
    resumed = train(again, resume=True)
    # Images, losses and shares of labels of every iteration.
    assert lines(again) == lines(cfg)
    for key, value in expected.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[key], value), key
    states = [
        runner.optim_wrapper.state_dict()['state']
        for runner in (expected, resumed)
    ]
    for key, state in states[0].items():
        for name, value in state.items():
            assert torch.equal(states[1][key][name], value)
    rates = [r.optim_wrapper.get_lr() for r in (expected, resumed)]
    assert rates[0] == rates[1]
    found = [
        json.loads((Path(c.work_dir) / 'summary.json').read_text())
        for c in (cfg, again)
    ]
    for key in ('last_miou', 'best_miou', 'iterations'):
        assert found[0][key] == found[1][key]
    first, second = (run['rounds'][0]['validations'] for run in found)
    assert first == second and len(first) == 2
