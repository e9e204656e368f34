"""Runs that start from a file have all of it, or do not start."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from mmsemi.engine.runner import build_runner
from mmsemi.models.export import export_segmentor
from mmsemi.registry import HOOKS, MODELS
from mmsemi.utils.errors import UsageError
from tests.tiny import make_tiny_set, tiny_config

FIRST: list[dict] = []


@HOOKS.register_module(force=True)
class FirstWeightsHook(Hook):
    """Keep the weights a run starts with."""

    def before_train(self, runner) -> None:
        state = runner.model.state_dict()
        FIRST.append({key: value.clone() for key, value in state.items()})


@pytest.fixture
def cfg(tmp_path) -> Config:
    """A run of two iterations, whose light head export rewrites."""
    cfg = tiny_config(make_tiny_set(tmp_path / 'set'), tmp_path / 'work')
    cfg.model.student.backbone.out_indices = (0, 1)
    head = cfg.model.student.decode_head
    head.update(type='LateralSumHead', in_channels=[8, 16], in_index=[0, 1])
    del head['num_convs']
    cfg.train_cfg.update(
        supervised_iters=1, portions=(1.0,), iters_per_round=1
    )
    cfg.custom_hooks.append(dict(type='FirstWeightsHook'))
    return cfg


def run(cfg: Config) -> dict:
    """Train; the weights it started with."""
    build_runner(copy.deepcopy(cfg)).train()
    return FIRST.pop()


def test_a_run_starts_from_what_another_exported(cfg, tmp_path) -> None:
    model = MODELS.build(copy.deepcopy(cfg.model))
    result = export_segmentor(cfg, model, tmp_path / 'segmentor.pth')
    cfg.load_from = str(result.checkpoint)
    start = run(cfg)
    for key, value in model.state_dict().items():
        assert torch.equal(start[key], value), key


def test_a_file_of_other_classes_does_not_start_a_run(cfg, tmp_path) -> None:
    other = copy.deepcopy(cfg.model.student)
    other.decode_head.num_classes = 5
    model = MODELS.build(other)
    path = tmp_path / 'other.pth'
    torch.save(model.state_dict(), path)
    cfg.load_from = str(path)
    with pytest.raises(
        UsageError, match='other.pth .*load_except="\\[decode_head.conv_seg'
    ):
        run(cfg)
    cfg.load_except = ['decode_head.conv_seg']
    start = run(cfg)
    assert torch.equal(
        start['student.decode_head.laterals.0.weight'],
        model.state_dict()['decode_head.laterals.0.weight'],
    )
    # Going on takes everything the run itself saved.
    cfg.resume = True
    cfg.load_from = None
    again = run(cfg)
    assert set(again) == set(start)
    assert not torch.equal(
        again['student.decode_head.conv_seg.weight'],
        start['student.decode_head.conv_seg.weight'],
    )


def test_two_runs_of_a_process_write_to_their_own_files(cfg, tmp_path) -> None:
    """Whatever the names they were given, in one second or not."""
    cfg.log_level = 'INFO'
    cfg.visualizer = dict(
        type='SegLocalVisualizer',
        name='visualizer',
        vis_backends=[dict(type='LocalVisBackend')],
    )
    runners = []
    for name in ('first', 'second'):
        again = copy.deepcopy(cfg)
        again.work_dir = str(tmp_path / name)
        runners.append(build_runner(again))
        runners[-1].visualizer.add_scalar('a', 1.0, step=0)
        runners[-1].logger.info(f'this is {name}')
    for name in ('first', 'second'):
        (scalars,) = (tmp_path / name).rglob('scalars.json')
        assert scalars.read_text().count('"a"') == 1
        (log,) = (tmp_path / name).rglob('*.log')
        assert f'this is {name}' in log.read_text()
