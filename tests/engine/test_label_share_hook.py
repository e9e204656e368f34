"""Somebody is told when no label of an unlabeled image counts."""

import logging
from types import SimpleNamespace

import pytest
import torch

from mmsemi.engine.hooks import label_share_hook
from mmsemi.engine.hooks.label_share_hook import LabelShareHook
from tests.engine.test_online_training import online_config
from tests.tiny import make_tiny_set, train


@pytest.fixture
def warned(monkeypatch):
    """What is said as a warning, whatever the level of the run's logger."""
    said, handle = [], logging.Logger.warning
    monkeypatch.setattr(
        logging.Logger,
        'warning',
        lambda self, text, *a, **k: (
            said.append(str(text)),
            handle(self, text, *a, **k),
        ),
    )
    return said


def test_a_threshold_that_no_pixel_passes(
    tmp_path, warned, monkeypatch
) -> None:
    monkeypatch.setattr(label_share_hook, 'FEWEST', 7)
    root = make_tiny_set(tmp_path / 'data')
    told = {}
    for threshold in (0.35, 1.0):
        warned.clear()
        cfg = online_config(root, tmp_path / str(threshold))
        cfg.model.pseudo_labeler.threshold = threshold
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        cfg.train_cfg.pop('val_interval')
        train(cfg)
        told[threshold] = [t for t in warned if 'no pixel of an' in t]
    assert not told[0.35]
    (text,) = told[1.0]  # the first of 8 iterations is warm-up
    assert 'in 7 iterations (up to 8): the mean confidence was 0.' in text
    assert 'the threshold is 1. Only labeled images' in text


def test_it_is_said_once_and_after_a_whole_stretch(warned) -> None:
    hook = LabelShareHook(stretch=3)
    model = torch.nn.Module()
    runner = SimpleNamespace(
        iter=0, model=model, logger=logging.getLogger('share')
    )
    shares = [0.0, 0.0, 0.1, 0, 0, 0, 0, 0, 0, 0]
    for share in shares:
        outputs = dict(
            confident_ratio=torch.tensor(share),
            mean_confidence=torch.tensor(0.5),
        )
        hook.after_train_iter(runner, runner.iter, outputs=outputs)
        runner.iter += 1
        hook.after_train_iter(runner, 0, outputs=dict(loss=torch.ones(())))
        assert bool(warned) == (runner.iter >= 6)
    hook.after_train(runner)
    assert len(warned) == 1 and '(up to 6)' in warned[0]
