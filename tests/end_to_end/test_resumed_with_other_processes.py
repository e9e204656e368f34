"""A run goes on with another number of processes than it began with."""

import os
from collections import defaultdict
from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope

from mmsemi.apis.launcher import setup_launcher
from mmsemi.apis.work_dir import changed_keys
from mmsemi.engine.checkpoints import newest_whole
from mmsemi.engine.machine import divide
from mmsemi.engine.runner import build_runner
from mmsemi.io.checkpoints import read_checkpoint
from tests.processes import in_two
from tests.tiny import Killed, make_tiny_set, tiny_config

STOP = 2  # iterations of the first start


def run_config(root, folder, processes):
    """DST-CBC: four iterations, then two on pseudo-labels.

    Groups are normalized and every mask has as many known pixels, so that
    four iterations are the same however they are shared out.
    """
    cfg = tiny_config(Path(root), Path(folder))
    student = cfg.model.student
    student.backbone.norm_cfg = dict(type='GN', num_groups=2)
    student.decode_head.norm_cfg = dict(type='GN', num_groups=2)
    cfg.train_cfg.update(portions=(0.5,), iters_per_round=2, val_interval=None)
    divide(cfg, processes)
    return cfg


def go(cfg, resume: bool, stop: bool) -> None:
    cfg.resume = resume
    cfg.default_hooks.checkpoint.max_keep_ckpts = -1
    if stop:
        cfg.custom_hooks.append(dict(type='KillHook', iteration=STOP))
        with pytest.raises(Killed):
            build_runner(cfg).train()
    else:
        build_runner(cfg).train()


def two(rank: int, folder: str, root: str, resume: bool, stop: bool) -> None:
    """One of two processes."""
    init_default_scope('mmsemi')
    os.environ.update(MASTER_ADDR='localhost', MASTER_PORT='0')
    cfg = run_config(root, folder, 2)
    setup_launcher(cfg, 'pytorch')
    go(cfg, resume, stop)


def start(processes: int, folder, root, resume=False, stop=False) -> None:
    if processes == 1:
        go(run_config(root, folder, 1), resume, stop)
    else:
        folder.mkdir(exist_ok=True)
        in_two(two, folder, str(root), resume, stop)


def seen(folder) -> dict:
    """``{iteration: (round, rate, images of all processes)}``."""
    found = defaultdict(list)
    for line in (folder / 'record.txt').read_text().splitlines():
        iteration, number, rate, *images = line.split()
        found[int(iteration), number, rate] += images
    return {key: sorted(images) for key, images in found.items()}


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """The data, and a run of one process that nothing stops."""
    folder = tmp_path_factory.mktemp('whole')
    root = make_tiny_set(folder / 'data')
    start(1, folder / 'run', root)
    return root, folder / 'run'


@pytest.mark.slow
@pytest.mark.parametrize(('first', 'then'), [(2, 1), (1, 2)])
def test_it_ends_as_if_nothing_had_changed(
    whole, tmp_path, first, then
) -> None:
    root, expected = whole
    folder = tmp_path / 'run'
    start(first, folder, root, stop=True)
    assert newest_whole(folder).name == f'iter_{STOP}.pth'
    (folder / f'store_of_{two.__name__}').unlink(missing_ok=True)
    # The command takes it for the same run.
    before, now = (run_config(root, folder, n) for n in (first, then))
    assert not changed_keys(before, now)
    start(then, folder, root, resume=True)
    assert newest_whole(folder).name == 'iter_6.pth'
    # Images and rates of all iterations, of rounds as well.
    assert seen(folder) == seen(expected) and len(seen(folder)) == 6
    states = [
        read_checkpoint(place / 'iter_4.pth') for place in (folder, expected)
    ]
    torch.testing.assert_close(
        *(state['state_dict'] for state in states), rtol=1e-4, atol=1e-6
    )
    momenta = [
        {
            key: value['momentum_buffer']
            for key, value in state['optimizer']['state'].items()
        }
        for state in states
    ]
    assert len(momenta[0]) > 5
    assert all(buffer.any() for buffer in momenta[0].values())
    torch.testing.assert_close(*momenta, rtol=1e-3, atol=1e-6)
