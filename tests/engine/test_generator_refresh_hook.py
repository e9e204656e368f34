"""Rounds of STRICT, and a run that dies in the second one."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mmsemi.registry import HOOKS
from tests.tiny import (
    CLASSES,
    Killed,
    make_tiny_set,
    record,
    tiny_config,
    tiny_model,
    train,
)

VECTORS = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.6, 0.8]]


def strict_config(root, work_dir, hooks=(), **changes):
    """Round 0 and two rounds of three iterations; `bar` has no label."""
    cfg = tiny_config(root, work_dir)
    student = tiny_model()['student']
    inner = student.pop('decode_head')
    del inner['num_classes']
    student['decode_head'] = dict(
        type='SemanticEmbeddingHead',
        head=inner,
        num_seen=2,
        embeddings=VECTORS,
    )
    cfg.model = dict(type='ZeroLabelSegmentor', student=student)
    mapping = dict(
        type='MapZeroLabels', file_classes=CLASSES, classes=CLASSES, num_seen=2
    )
    loader = cfg.train_dataloader
    loader.dataset.pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations'),
        mapping,
        dict(type='PackSemiInputs'),
    ]
    loader.batch_size = 2
    cfg.semi_dataloader = loader
    cfg.train_cfg = dict(
        type='SelfTrainingLoop',
        supervised_iters=2,
        portions=(1.0, 1.0),
        iters_per_round=3,
    )
    cfg.custom_hooks = [
        dict(type='RecordHook'),
        dict(type='GeneratorRefreshHook', **changes),
    ] + list(hooks)
    return cfg


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('set'))


@pytest.fixture(scope='module')
def whole(root, tmp_path_factory):
    """A run nothing interrupts, with the checkpoints of all iterations."""
    cfg = strict_config(root, tmp_path_factory.mktemp('whole'))
    cfg.default_hooks.checkpoint.max_keep_ckpts = -1
    return cfg, train(cfg)


def weights(cfg, iteration, part):
    state = torch.load(
        Path(cfg.work_dir) / f'iter_{iteration}.pth', weights_only=False
    )['state_dict']
    return {
        k.removeprefix(part): v for k, v in state.items() if k.startswith(part)
    }


def equal(one, other):
    return one.keys() == other.keys() and all(
        torch.equal(one[k], other[k]) for k in one
    )


def test_generator_is_the_student_of_the_round_before(whole):
    cfg, runner = whole
    begins = [2, 2, 2, 5, 5, 5]
    for iteration, begin in zip(range(3, 9), begins):
        assert equal(
            weights(cfg, iteration, 'generator.'),
            weights(cfg, begin, 'student.'),
        ), iteration
    assert not equal(weights(cfg, 5, 'student.'), weights(cfg, 8, 'student.'))
    scalars = runner.message_hub.log_scalars
    assert len(scalars['train/decode.loss_ce'].data[0]) == 8
    assert len(scalars['train/pseudo_share'].data[0]) == 6
    assert len(scalars['train/scale_max.loss_ce'].data[0]) == 2


@pytest.mark.parametrize('iteration', [5, 6])
def test_killed_in_the_second_round(root, whole, tmp_path, iteration):
    """At its start and in its middle."""
    kill = dict(type='KillHook', iteration=iteration)
    with pytest.raises(Killed):
        train(strict_config(root, tmp_path, [kill]))
    cfg = strict_config(root, tmp_path)
    train(cfg, resume=True)
    expected, _ = whole
    assert record(cfg) == record(expected)
    for part in ('student.', 'generator.'):
        assert equal(weights(cfg, 8, part), weights(expected, 8, part))


class Model:
    """Counts what a hook does to a segmentor."""

    def __init__(self):
        self.refreshed, self.self_training = 0, False

    def refresh_generator(self):
        self.refreshed += 1
        self.self_training = True


def run(hook, loop, iterations, first=0):
    """Model after iterations first..iterations-1 of a loop."""
    runner = SimpleNamespace(
        model=Model(), train_loop=loop, iter=first, _load_from='spnet.pth'
    )
    hook.before_train(runner)
    for runner.iter in range(first, iterations):
        if runner.iter == getattr(loop, 'round_begin', -1):
            hook.before_round(runner)
        hook.after_train_iter(runner, runner.iter)
    return runner.model


def test_one_round_without_rounds_and_intervals():
    build = HOOKS.build
    loop = SimpleNamespace()
    assert (
        run(build(dict(type='GeneratorRefreshHook')), loop, 7).refreshed == 1
    )
    resumed = run(build(dict(type='GeneratorRefreshHook')), loop, 7, first=3)
    assert resumed.refreshed == 0 and resumed.self_training
    every = build(dict(type='GeneratorRefreshHook', interval=3))
    assert run(every, loop, 7).refreshed == 3
    # Round 0 has no generator; iterations count from the round's start.
    rounds = SimpleNamespace(round_begin=4)
    assert run(every, rounds, 4).refreshed == 0
    assert run(every, rounds, 6).refreshed == 1
    assert run(every, rounds, 7).refreshed == 2


def test_other_models_are_refused():
    hook = HOOKS.build(dict(type='GeneratorRefreshHook'))
    runner = SimpleNamespace(
        model=torch.nn.Linear(1, 1),
        train_loop=SimpleNamespace(),
        iter=0,
        _load_from='spnet.pth',
    )
    with pytest.raises(TypeError, match='ZeroLabelSegmentor, got Linear'):
        hook.before_train(runner)


def test_an_untrained_network_does_not_label():
    hook = HOOKS.build(dict(type='GeneratorRefreshHook'))
    runner = SimpleNamespace(
        model=Model(), train_loop=SimpleNamespace(), iter=0, _load_from=None
    )
    with pytest.raises(ValueError, match='load_from'):
        hook.before_train(runner)
