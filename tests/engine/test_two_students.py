"""A whole run of a method with two students and no teacher."""

import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import load_checkpoint

from mmsemi.engine.runner import build_runner
from mmsemi.registry import MODELS
from tests.engine.test_online_training import online_config
from tests.tiny import Killed, make_tiny_set, train


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('set'))


def cps_config(root: Path, work_dir: Path) -> Config:
    """Eight iterations that validate and give away the second student."""
    cfg = online_config(root, work_dir)
    cfg.model.type = 'CPS'
    cfg.model.semi_test_cfg.predict_on = 'student_2'
    cfg.train_dataloader.dataset.unlabeled.dataset.pipeline[-1].pop(
        'unsup_student'
    )
    cfg.custom_hooks.pop()  # there is no teacher to move
    cfg.val_cfg = dict(type='AllNetworksValLoop')
    cfg.default_hooks.update(export=dict(type='ExportHook'))
    return cfg


def test_trains_resumes_validates_and_is_exported(root, tmp_path, caplog):
    cfg = cps_config(root, tmp_path / 'whole')
    expected = train(cfg).model.state_dict()
    killed = cps_config(root, tmp_path / 'killed')
    killed.custom_hooks.append(dict(type='KillHook', iteration=5))
    with pytest.raises(Killed):
        train(killed)
    killed.custom_hooks.pop()
    state = train(killed, resume=True).model.state_dict()
    assert set(state) == set(expected)
    for key, value in expected.items():
        assert torch.equal(state[key], value), key
    # Both learned, each by itself.
    head = 'decode_head.conv_seg.weight'
    assert not torch.equal(
        state[f'student.{head}'], state[f'student_2.{head}']
    )
    exported = Config.fromfile(tmp_path / 'whole/segmentor.py')
    plain = MODELS.build(exported.model)
    weights = str(tmp_path / 'whole/segmentor.pth')
    load_checkpoint(plain, weights, strict=True)
    for key, value in plain.state_dict().items():
        assert torch.equal(value, expected[f'student_2.{key}']), key
    # What it was given starts the first student alone.
    again = copy.deepcopy(cfg)
    again.update(load_from=weights, work_dir=str(tmp_path / 'again'))
    again.experiment_name += '_again'
    runner = build_runner(again)
    runner.load_or_resume()
    assert torch.equal(
        runner.model.state_dict()[f'student.{head}'],
        expected[f'student_2.{head}'],
    )
    assert not torch.equal(
        runner.model.state_dict()[f'student_2.{head}'],
        expected[f'student_2.{head}'],
    )
