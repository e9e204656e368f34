"""A model may be trained by several optimizers."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn

from mmsemi.engine.good_state import GoodState
from mmsemi.engine.hooks.mean_teacher_hook import MeanTeacherHook
from mmsemi.engine.loops.round_start import scale_learning_rate
from mmsemi.engine.optimizers import idle_keys
from mmsemi.engine.training_state import checkpoint_bytes
from mmsemi.models.segmentors.frozen_copy import frozen_copy


@pytest.fixture(params=['one', 'two'])
def runner(request):
    torch.manual_seed(0)
    model = nn.Module()
    model.student = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    model.teacher = frozen_copy(model.student)

    def wrapper(part: nn.Module) -> OptimWrapper:
        return OptimWrapper(torch.optim.SGD(part.parameters(), 0.4, 0.9))

    first, second = model.student
    optim = (
        wrapper(model.student)
        if request.param == 'one'
        else OptimWrapperDict(a=wrapper(first), b=wrapper(second))
    )
    made = SimpleNamespace(
        model=model, optim_wrapper=optim, iter=0, param_schedulers=None
    )
    made.singles = [optim] if request.param == 'one' else list(optim.values())
    return made


def step(runner) -> None:
    loss = runner.model.student(torch.ones(1, 3)).sum()
    loss.backward()
    for wrapper in runner.singles:
        wrapper.step()
        wrapper.zero_grad()


def test_a_good_state_comes_back(runner) -> None:
    good = GoodState()
    good.keep(runner.model, 3, {})
    before = runner.model.student[0].weight.detach().clone()
    step(runner)
    assert good.bring_back(runner, runner.model, 0.5) == 3
    assert torch.equal(runner.model.student[0].weight, before)
    for wrapper in runner.singles:
        assert not wrapper.optimizer.state
        assert [g['lr'] for g in wrapper.param_groups] == [0.2]


def test_rounds_scale_the_rates_of_all(runner) -> None:
    scale_learning_rate(runner, 0.25)
    for wrapper in runner.singles:
        assert [g['lr'] for g in wrapper.param_groups] == [0.1]


def test_a_teacher_follows_and_checkpoints_have_a_size(runner) -> None:
    step(runner)
    MeanTeacherHook(momentum=1.0).after_train_iter(runner, 0)
    for mine, theirs in zip(
        runner.model.teacher.buffers(), runner.model.student.parameters()
    ):
        assert torch.equal(mine, theirs)
    # Weights, their copy, and a momentum of each: 4 bytes.
    assert checkpoint_bytes(runner) == 4 * 3 * (8 + 3)


def test_keys_of_no_weight_are_told(runner) -> None:
    keys = {name: dict(lr_mult=10) for name in ('student.0', '.bias', 't.1')}
    settings = dict(paramwise_cfg=dict(custom_keys=keys))
    assert not idle_keys(settings, runner.model)
    keys['studemt'] = keys['head'] = dict(lr_mult=10)
    first, second = idle_keys(settings, runner.model)
    assert first.endswith('changes nothing. Did you mean student?')
    assert "'head' in its name" in second and 'mean' not in second
    # Another constructor may read them in another way.
    assert not idle_keys(dict(settings, constructor='Own'), runner.model)
