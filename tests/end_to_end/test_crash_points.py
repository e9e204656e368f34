"""Runs that are killed at any change of their work dir, and resumed.

By default a few points of each method are tried; all of them with the
environment variable ``MMSEMI_ALL_CRASH_POINTS=1`` (minutes), every third with
``=3``. ``pytest -s`` shows them as they are tried.
"""

import copy
import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmsemi.apis import setup
from mmsemi.engine.runner import build_runner
from tests.crash_points import CrashPoints
from tests.end_to_end.test_u2pl_killed_and_resumed import u2pl_config
from tests.engine.test_cutmix_partners import ael_config
from tests.engine.test_online_training import online_config
from tests.tiny import Killed, make_tiny_set, tiny_config

METHODS = dict(
    mean_teacher=online_config,
    u2pl=u2pl_config,
    ael=ael_config,
    dst_cbc=tiny_config,
)
EVERY = int(os.environ.get('MMSEMI_ALL_CRASH_POINTS') or 0)
SAMPLE = 2


def method_config(method: str, root: Path, work_dir: Path) -> Config:
    """Four iterations (or a round of two after two), a checkpoint each."""
    cfg = METHODS[method](root, work_dir)
    plain = tiny_config(root, work_dir)
    for key in ('val_cfg', 'val_dataloader', 'val_evaluator'):
        cfg[key] = plain[key]
    if method == 'dst_cbc':
        cfg.train_cfg.update(
            supervised_iters=2,
            portions=(0.5,),
            iters_per_round=2,
            val_interval=1,
        )
        metric = 'mIoU'
    else:
        cfg.train_cfg.update(max_iters=4, val_interval=2)
        cfg.param_scheduler[0].end = 5
        cfg.val_cfg = dict(type='AllNetworksValLoop')
        metric = 'teacher/mIoU'
    cfg.default_hooks = dict(
        checkpoint=dict(
            type='SafeCheckpointHook', interval=1, save_best=metric
        ),
        summary=dict(type='RunSummaryHook'),
        export=dict(type='ExportHook'),
    )
    cfg.custom_hooks = [
        hook
        for hook in cfg.custom_hooks
        if hook.type not in ('OnlineRecordHook', 'RecordHook')
    ]
    cfg.vis_backends = []
    return cfg


def command(cfg: Config, resume: bool) -> dict:
    """What the command does, in this process; the final weights."""
    cfg = copy.deepcopy(cfg)
    with setup.prepared_run(cfg, 'method.py', resume=resume) as finished:
        if finished:
            return {}
        runner = build_runner(cfg)
        runner.train()
        setup.finish_run(cfg)
    return runner.model.state_dict()


def figures(work_dir: Path) -> dict:
    """What a summary says that does not depend on time."""
    summary = json.loads((work_dir / 'summary.json').read_text())
    return {
        key: summary[key]
        for key in ('iterations', 'finished', 'last_miou', 'best_miou')
    }


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('crash') / 'data')


@pytest.fixture(scope='module', params=METHODS)
def whole(request, root, tmp_path_factory):
    """A run that nothing interrupts: config, weights, crash points."""
    folder = tmp_path_factory.mktemp(request.param) / 'run'
    cfg = method_config(request.param, root, folder)
    cfg._filename = 'method.py'
    with CrashPoints(folder).watching() as points:
        state = command(cfg, resume=False)
    yield cfg, state, figures(folder), points.points
    shutil.rmtree(folder)


def test_any_crash_point_is_survived(whole, tmp_path) -> None:
    cfg, expected, wanted, points = whole
    assert len(points) > 50
    step = EVERY or max(len(points) // SAMPLE, 1)
    first = 0 if EVERY else len(cfg.model.type) % step
    tried = range(first, len(points), step)
    lost = {}
    for number in tried:
        again = copy.deepcopy(cfg)
        again.work_dir = str(tmp_path / str(number))
        again.experiment_name = f'crash_{tmp_path.name}_{number}'
        with CrashPoints(again.work_dir, number).watching():
            with pytest.raises(Killed):
                command(again, resume=False)
        try:
            # Before its folder is there, a run has not begun.
            begun = Path(again.work_dir).exists()
            state = command(again, resume=begun)
            if state:
                assert set(state) == set(expected)
                for key, value in expected.items():
                    assert torch.equal(state[key], value), key
            assert figures(Path(again.work_dir)) == wanted
            assert not list(Path(again.work_dir).glob('*.pth.partial'))
            print(f'{number}: {points[number]} survived', flush=True)
        except Exception as error:
            print(f'{number}: {points[number]} lost', flush=True)
            lost[f'{number}: {points[number]}'] = repr(error)[:300]
        shutil.rmtree(again.work_dir, ignore_errors=True)
    print(f'{len(points)} points, {len(tried)} tried, {len(lost)} lost')
    assert not lost, lost
