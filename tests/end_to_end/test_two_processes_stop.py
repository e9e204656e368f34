"""What stops one of two processes stops both, with a sentence, at once."""

import copy
import errno
import json
import os
import time
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope

from mmsemi.apis.launcher import setup_launcher
from mmsemi.engine import checkpoint_files
from mmsemi.engine.checkpoints import newest_whole
from mmsemi.engine.runner import build_runner
from mmsemi.registry import HOOKS
from mmsemi.utils.errors import UsageError
from tests.end_to_end.test_crash_points import method_config
from tests.end_to_end.test_nothing_lost import SpoilHook
from tests.processes import in_two
from tests.tiny import make_tiny_set

TROUBLES = ('disk', 'weights', 'image')


@HOOKS.register_module(force=True)
class TroubleHook(Hook):
    """Trouble of one process alone, before iteration 3."""

    priority = 'HIGHEST'

    def __init__(self, what: str, rank: int) -> None:
        self.what, self.rank = what, rank
        self.spoil = SpoilHook(2, what)

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        if runner.iter != 2 or runner.rank != self.rank:
            return
        if self.what == 'disk':

            def full(*_, **__):
                raise OSError(errno.ENOSPC, 'No space left on device')

            checkpoint_files.publish = full
        elif self.what == 'weights':
            runner.model.module.student.decode_head.conv_seg.bias.data.fill_(
                float('nan')
            )
        else:
            self.spoil.before_train_iter(runner, batch_idx, data_batch)


def worker(rank: int, folder: str, root: str) -> None:
    init_default_scope('mmsemi')
    torch.set_num_threads(1)
    publish = checkpoint_files.publish
    for what in TROUBLES:
        cfg = method_config('mean_teacher', Path(root), Path(folder) / what)
        cfg.default_hooks.divergence = dict(type='DivergenceHook', interval=1)
        trouble = dict(
            type='TroubleHook', what=what, rank=0 if what == 'disk' else 1
        )
        cfg.custom_hooks.append(trouble)
        os.environ.update(MASTER_ADDR='localhost', MASTER_PORT='0')
        setup_launcher(cfg, 'pytorch')
        begun = time.time()
        try:
            build_runner(copy.deepcopy(cfg)).train()
            said = ['finished']
        except UsageError as error:
            said = [str(error), time.time() - begun]
        Path(folder, f'{what}_{rank}.json').write_text(json.dumps(said))
        checkpoint_files.publish = publish
    os._exit(0)  # as a process does that has said its sentence


@pytest.fixture(scope='module')
def said(tmp_path_factory):
    """``{(trouble, rank): sentence}``, and the folder."""
    folder = tmp_path_factory.mktemp('stop')
    root = make_tiny_set(folder / 'data')
    in_two(worker, folder, str(root))
    found = {
        (what, rank): json.loads((folder / f'{what}_{rank}.json').read_text())
        for what in TROUBLES
        for rank in (0, 1)
    }
    assert all(len(words) == 2 and words[1] < 120 for words in found.values())
    return {key: words[0] for key, words in found.items()}, folder


@pytest.mark.parametrize(
    ('what', 'words'),
    [
        ('disk', 'iter_3.pth could not be written: the disk is full. Free'),
        ('weights', 'training has diverged: loss'),
    ],
)
def test_both_say_why(said, what, words) -> None:
    sentences, folder = said
    for rank in (0, 1):
        assert words in sentences[what, rank]
    assert newest_whole(folder / what).name == 'iter_2.pth'
    assert not list((folder / what).glob('*.partial'))


def test_what_one_alone_can_know_ends_the_other(said) -> None:
    sentences, folder = said
    assert '.png: the image holds NaN' in sentences['image', 1]
    assert 'another process of the run has ended' in sentences['image', 0]
    assert newest_whole(folder / 'image').name == 'iter_2.pth'
