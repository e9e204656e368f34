"""Checkpoints of loops that count epochs, as mmseg's own configs have them."""

import copy
import signal

import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.hooks import CheckpointHook, Hook
from mmengine.model import BaseModel
from torch import nn

from mmsemi.engine.checkpoint_files import CheckpointFiles
from mmsemi.engine.hooks import SafeCheckpointHook
from mmsemi.engine.hooks.run_summary_hook import best_of
from mmsemi.engine.interruption import Interrupted
from mmsemi.engine.runner import build_runner
from mmsemi.io.checkpoints import read_checkpoint
from mmsemi.registry import HOOKS, METRICS, MODELS
from tests.tiny import Killed

SCORES = (1.0, 3.0, 2.0, 4.0, 2.5, 3.5)


@MODELS.register_module(force=True)
class Line(BaseModel):
    """A model of two parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(1, 1)

    def forward(self, inputs, mode='loss'):
        if mode == 'predict':
            return [dict(value=1.0)] * len(inputs)
        return dict(loss=self.line(torch.stack(inputs)).square().mean())


@METRICS.register_module(force=True)
class EpochScore(BaseMetric):
    """A score for each epoch, whatever is predicted."""

    def process(self, data_batch, data_samples):
        self.results.extend(data_samples)

    def compute_metrics(self, results):
        score = SCORES[EpochScore.epoch - 1]
        return dict(mIoU=score, loss=score + 10)


@HOOKS.register_module(force=True)
class EpochHook(Hook):
    """Tell the score the epoch; die, or be told to stop, on the way."""

    def __init__(self, die=None, stop=None):
        self.die, self.stop, self.seen = die, stop, []

    def before_val(self, runner):
        EpochScore.epoch = runner.epoch
        self.seen.append(runner.epoch)
        if runner.epoch == self.die:
            raise Killed

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.stop:
            signal.raise_signal(signal.SIGTERM)


def epochs(tmp_path, resume=False, hook=(), number=3, **checkpoint):
    """Train epochs of two iterations, and the hook that was there."""
    items = [dict(inputs=torch.ones(1))] * 4
    loader = dict(
        dataset=items,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='pseudo_collate'),
        batch_size=2,
    )
    cfg = Config(
        dict(
            default_scope='mmsemi',
            model=dict(type='Line'),
            work_dir=str(tmp_path),
            train_dataloader=loader,
            train_cfg=dict(by_epoch=True, max_epochs=number),
            val_dataloader=copy.deepcopy(loader),
            val_cfg=dict(),
            val_evaluator=dict(type='EpochScore'),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
            default_hooks=dict(
                logger=None,
                checkpoint=dict(dict(type='CheckpointHook'), **checkpoint),
            ),
            custom_hooks=[dict(type='EpochHook', **dict(hook))],
            resume=resume,
            log_level='ERROR',
        )
    )
    runner = build_runner(cfg)
    runner.train()
    (told,) = [h for h in runner.hooks if isinstance(h, EpochHook)]
    return runner, told


def test_epochs_that_are_due_and_the_last_one(tmp_path):
    epochs(tmp_path, interval=2)
    names = sorted(path.name for path in tmp_path.glob('*.pth'))
    assert names == ['epoch_2.pth', 'epoch_3.pth']
    last = tmp_path / 'epoch_3.pth'
    assert (tmp_path / 'last_checkpoint').read_text() == str(last)
    meta = read_checkpoint(last)['meta']
    assert (meta['epoch'], meta['iter']) == (3, 6)


@pytest.mark.parametrize(
    'kind', ['CheckpointHook', 'mmengine.CheckpointHook', CheckpointHook]
)
def test_every_name_of_mmengines_hook_means_ours(tmp_path, kind):
    runner, _ = epochs(tmp_path, number=1, type=kind, interval=1)
    found = [h for h in runner.hooks if isinstance(h, CheckpointHook)]
    assert [type(hook) for hook in found] == [SafeCheckpointHook]
    assert found[0].by_epoch and (tmp_path / 'epoch_1.pth').is_file()


def test_space_is_that_of_epochs(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        CheckpointFiles, 'check_space', lambda self, *a: asked.append(a[1])
    )
    epochs(tmp_path, interval=1)
    assert asked == [3]


@pytest.mark.parametrize('epoch', [2, 3])
def test_a_validation_the_run_was_killed_in_is_repeated(tmp_path, epoch):
    """Of the last epoch, too, after which nothing is trained."""
    with pytest.raises(Killed):
        epochs(tmp_path, hook=dict(die=epoch), interval=1)
    runner, told = epochs(tmp_path, resume=True, interval=1)
    assert told.seen == list(range(epoch, 4))
    assert runner.message_hub.get_scalar('val/mIoU').current() == SCORES[2]


def test_of_a_validation_that_was_not_cut_short_none_is_repeated(tmp_path):
    epochs(tmp_path, interval=1, by_epoch=False)
    _, told = epochs(tmp_path, resume=True, interval=1, by_epoch=False)
    assert told.seen == []


def test_former_bests_go_whenever_the_next_checkpoint_comes(tmp_path):
    """Validations may be more frequent than checkpoints."""
    epochs(tmp_path, number=6, interval=6, save_best='mIoU', save_last=False)
    names = sorted(path.name for path in tmp_path.glob('best_*'))
    assert names == ['best_mIoU_epoch_4.pth']


def test_a_score_that_is_no_number_is_not_the_best(tmp_path, monkeypatch):
    """Whatever comes later would not be better than it."""
    scores = (float('nan'), 1.0, float('nan'))
    monkeypatch.setattr(f'{__name__}.SCORES', scores)
    runner, _ = epochs(tmp_path, interval=3, save_best='mIoU')
    names = sorted(path.name for path in tmp_path.glob('best_*'))
    assert names == ['best_mIoU_epoch_2.pth']
    assert runner.message_hub.get_info('best_score') == 1.0
    # Nor is it in the summary of a run.
    assert best_of([None, *scores]) == 1.0
    assert best_of([None, scores[0]]) is None


def test_another_metric_is_not_compared_with_the_first(tmp_path):
    settings = dict(interval=1, number=4)
    with pytest.raises(Killed):
        epochs(tmp_path, hook=dict(die=4), save_best='mIoU', **settings)
    # Scores to come are lower than the best so far, which was another's.
    runner, _ = epochs(
        tmp_path, resume=True, save_best='loss', rule='less', **settings
    )
    best = runner.message_hub.get_info('best_ckpt')
    assert best.endswith('best_loss_epoch_4.pth')


def test_what_resume_will_do_is_said_as_it_is(tmp_path):
    with pytest.raises(Interrupted) as error:
        epochs(tmp_path, hook=dict(stop=1), interval=1)
    assert 'starts anew' in error.value.advice
    with pytest.raises(Interrupted) as error:
        epochs(tmp_path, hook=dict(stop=5), interval=1)
    assert 'goes on from iteration 4, the last' in error.value.advice


def test_a_name_no_run_would_find_again():
    with pytest.raises(ValueError, match='leave filename_tmpl out'):
        SafeCheckpointHook(filename_tmpl='checkpoint_{}.pth')
