"""Fused optimizers: the same steps as others, whatever they meet."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from torch import nn

from mmsemi.engine import fused
from mmsemi.engine.fused import guard, is_fused, with_fused
from mmsemi.engine.hooks.training_progress_hook import step_in_words
from mmsemi.engine.runner import build_runner
from tests.tiny import make_tiny_set, tiny_config

KINDS = [
    dict(type='SGD', momentum=0.9),
    dict(type='SGD', momentum=0.9, nesterov=True),
    dict(type='SGD'),
    dict(type='Adam'),
    dict(type='AdamW', amsgrad=True),
]
LAYOUTS = [torch.contiguous_format, torch.channels_last]
GROUPS = dict(custom_keys={'1': dict(lr_mult=10, decay_mult=0)})


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(4, 6, 3), nn.Conv2d(6, 5, 1))


def optimizer(model: nn.Module, kind: dict, fused: bool, **other):
    """The optimizer of a config, as a run builds it."""
    settings = dict(optimizer=dict(kind, lr=0.01, weight_decay=0.1), **other)
    if not fused:
        settings['optimizer']['fused'] = False
    wrapper = build_optim_wrapper(model, with_fused(settings, model))
    guard(wrapper)
    assert is_fused(wrapper.optimizer) == fused
    return wrapper.optimizer


def step(
    model: nn.Module, optim, number: int, layout=torch.contiguous_format
) -> None:
    """Random gradients; the last layer has its first in the second step."""
    generator = torch.Generator().manual_seed(number)
    for name, weight in model.named_parameters():
        grad = torch.randn(weight.shape, generator=generator)
        if weight.dim() == 4:
            grad = grad.to(memory_format=layout)
        weight.grad = None if name[0] == '1' and not number else grad
    optim.step()


def assert_close(one: nn.Module, other: nn.Module) -> None:
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('kind', KINDS, ids=str)
def test_equal_groups_take_a_step_together(kind, monkeypatch) -> None:
    """With what a group of its own for each weight gives, bit for bit."""
    found = []
    for together in (True, False):
        model = network()
        settings = dict(
            optimizer=dict(kind, lr=0.01, weight_decay=0.1, fused=True),
            # A setting that differs, for the bias of one layer.
            paramwise_cfg=dict(custom_keys={'1.bias': dict(lr_mult=10.0)}),
        )
        wrapper = build_optim_wrapper(model, settings)
        optim = wrapper.optimizer
        assert len(optim.param_groups) == 4
        if not together:
            monkeypatch.setattr(
                fused.OneGroupForEqualSettings, 'begin', lambda *_: None
            )
        guard(wrapper)
        seen: list[int] = []

        def look(optim, *_, seen=seen) -> None:
            seen.append(len(optim.param_groups))

        optim.register_step_pre_hook(look)
        for number in range(4):
            step(model, optim, number)
            for group in optim.param_groups:  # as a schedule does
                group['lr'] *= 0.9
        assert seen == [2 if together else 4] * 4
        assert len(optim.param_groups) == 4
        found.append([model.state_dict(), optim.state_dict()])
    (one, ours), (other, plain) = found
    for name in one:
        assert torch.equal(one[name], other[name])
    assert ours['param_groups'] == plain['param_groups']


def test_groups_are_there_after_a_step_that_failed(monkeypatch) -> None:
    model = network()
    wrapper = build_optim_wrapper(
        model,
        dict(
            optimizer=dict(type='SGD', lr=0.1, fused=True),
            paramwise_cfg=dict(custom_keys={'1.bias': dict(lr_mult=2.0)}),
        ),
    )
    guard(wrapper)
    optim = wrapper.optimizer
    groups = optim.param_groups

    def fails(*_):
        raise torch.OutOfMemoryError('no memory')

    with pytest.raises(torch.OutOfMemoryError):
        handle = optim.register_step_pre_hook(fails)
        step(model, optim, 1)
    handle.remove()
    # A checkpoint, what is loaded from one, and the next step.
    state = optim.state_dict()
    assert len(state['param_groups']) == 4 and optim.param_groups is groups
    optim.register_step_pre_hook(fails).remove()
    optim.load_state_dict(state)
    step(model, optim, 1)
    assert len(optim.param_groups) == 4


def test_a_weight_may_get_its_first_gradient_late_with_dampening() -> None:
    """PyTorch's first step differs then: groups stay as they are."""
    model = network()
    wrapper = build_optim_wrapper(
        model,
        dict(
            optimizer=dict(
                type='SGD', lr=0.1, momentum=0.9, dampening=0.1, fused=True
            ),
            paramwise_cfg=dict(custom_keys={'1.bias': dict(lr_mult=2.0)}),
        ),
    )
    guard(wrapper)
    for number in range(3):
        step(model, wrapper.optimizer, number)
    assert all(weight.isfinite().all() for weight in model.parameters())


def test_a_resumed_run_prepares_steps_once() -> None:
    """mmengine builds the wrapper of a resumed run twice, from itself."""
    wrapper = build_optim_wrapper(
        network(), dict(optimizer=dict(type='SGD', lr=0.1, fused=True))
    )
    guard(wrapper)
    guard(wrapper)
    assert len(wrapper.optimizer._optimizer_step_pre_hooks) == 2


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('other', [{}, dict(paramwise_cfg=GROUPS)])
@pytest.mark.parametrize('kind', KINDS)
def test_fused_steps_are_those_of_others(kind, other, layout) -> None:
    models = network(), network().to(memory_format=layout)
    optims = [
        optimizer(model, kind, fused, **other)
        for fused, model in enumerate(models)
    ]
    for number in range(4):
        for model, optim in zip(models, optims, strict=True):
            # Gradients of another layout must not be read as they lie.
            step(model, optim, number)
    assert_close(*models)


@pytest.mark.parametrize('fused', [False, True])
@pytest.mark.parametrize('kind', KINDS)
def test_states_are_exchanged(kind, fused) -> None:
    first, second = network(), network()
    optim = optimizer(first, kind, not fused)
    for number in range(2):
        step(first, optim, number)
    second.load_state_dict(first.state_dict())
    # Now in another layout, as with a hook that was added.
    second.to(memory_format=torch.channels_last)
    other = optimizer(second, kind, fused)
    other.load_state_dict(copy.deepcopy(optim.state_dict()))
    assert is_fused(other) == fused
    for number in range(2, 4):
        step(first, optim, number)
        step(second, other, number, torch.channels_last)
    assert_close(first, second)


@pytest.mark.parametrize('kind', KINDS)
def test_a_first_step_that_overflows_leaves_nothing(kind) -> None:
    models = network(), network()
    # Memory as it is would be filled with NaN.
    torch.use_deterministic_algorithms(True)
    try:
        for fused, model in enumerate(models):
            optim = optimizer(model, kind, fused)
            scaler = torch.amp.GradScaler('cpu')
            for factor in (float('inf'), 1.0, 1.0):
                optim.zero_grad()
                loss = model(torch.ones(1, 4, 3, 3)).sum() * factor
                scaler.scale(loss).backward()
                scaler.step(optim)
                scaler.update()
    finally:
        torch.use_deterministic_algorithms(False)
    assert_close(*models)


@pytest.mark.parametrize(
    'settings',
    [
        dict(type='SGD', fused=False),
        dict(type='SGD', foreach=True),
        dict(type='Adam', differentiable=True),
        dict(type='SGD', momentum=0.9, dampening=0.5),
        dict(type='RMSprop'),
        dict(type='Adagrad'),
        dict(type='nobody'),
    ],
)
def test_others_stay_as_they_are(settings) -> None:
    settings = dict(optimizer=dict(settings, lr=0.1))
    assert with_fused(settings, network()) is settings


def test_only_where_there_are_kernels() -> None:
    settings = dict(optimizer=dict(type='AdamW', lr=0.1))
    assert with_fused(settings, network().to('meta')) is settings
    waves = nn.ParameterList([torch.zeros(2, dtype=torch.cfloat)])
    assert with_fused(settings, waves) is settings
    words = nn.Embedding(3, 2, sparse=True)
    assert with_fused(settings, words) is settings
    model = network()
    assert with_fused(settings, model)['optimizer']['fused']
    assert 'fused' not in settings['optimizer']


@pytest.fixture
def cfg(tmp_path) -> Config:
    cfg = tiny_config(make_tiny_set(tmp_path / 'set'), tmp_path / 'work')
    cfg.train_cfg.update(
        supervised_iters=2, portions=(1.0,), iters_per_round=2
    )
    return cfg


def test_runs_are_fused_and_say_so(cfg) -> None:
    runs = []
    for name in ('plain', 'fused'):
        one = copy.deepcopy(cfg)
        one.work_dir += name
        if name == 'plain':
            one.optim_wrapper.optimizer.fused = False
        runs.append(build_runner(one))
        runs[-1].train()
        assert step_in_words(runs[-1]).endswith('SGD, fused') == (
            name == 'fused'
        )
    assert_close(runs[0].model, runs[1].model)


def test_settings_of_groups_are_looked_up_in_plain_dicts(cfg) -> None:
    cfg.optim_wrapper.paramwise_cfg = dict(norm_decay_mult=0.0)
    cfg.optim_wrapper.optimizer.weight_decay = 0.1
    runner = build_runner(cfg)
    wrapper = runner.build_optim_wrapper(cfg.optim_wrapper)
    groups = wrapper.optimizer.param_groups
    assert {type(group) for group in groups} == {dict}
    assert {group['weight_decay'] for group in groups} == {0.0, 0.1}
