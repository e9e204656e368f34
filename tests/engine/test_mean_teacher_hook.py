from unittest.mock import MagicMock

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmsemi.engine.hooks import MeanTeacherHook
from mmsemi.engine.hooks.mean_teacher_hook import equal_frozen, move_teacher
from mmsemi.models.segmentors.frozen_copy import frozen_copy
from mmsemi.registry import HOOKS


class Pair(nn.Module):
    """A student and a teacher with float and integer buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.student = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        self.teacher = frozen_copy(self.student)
        self.semi_train_cfg = dict(teacher_mode='eval')

    def sync_copy(self, name) -> None:
        self.teacher.load_state_dict(self.student.state_dict())


def run(hook, iters, accumulative_counts=1, model=None, start=0, max_iters=20):
    """States of the teacher after every iteration of a made-up run."""
    torch.manual_seed(start)
    model = model or Pair()
    runner = MagicMock(model=model, iter=start, max_iters=max_iters)
    runner.optim_wrapper = OptimWrapper(
        torch.optim.SGD(model.student.parameters(), lr=0.1),
        accumulative_counts=accumulative_counts,
    )
    runner.optim_wrapper.initialize_count_status(model, start, max_iters)
    hook.before_train(runner)
    states = []
    for k in range(start, start + iters):
        runner.iter = k
        torch.manual_seed(k)
        error = model.student(torch.randn(5, 3)) - torch.randn(5, 4)
        runner.optim_wrapper.update_params(error.square().sum())
        hook.after_train_iter(runner, k)
        states.append({k: v.clone() for k, v in model.state_dict().items()})
    return states


def weights(state, name):
    return state[f'{name}.0.weight']


def test_teacher_follows_the_formula() -> None:
    model = Pair()
    nn.init.normal_(model.student[0].weight)  # as after loading weights
    first = weights(model.state_dict(), 'student').clone()
    states = run(
        HOOKS.build(dict(type='MeanTeacherHook', momentum=0.1)), 3, model=model
    )
    expected = first
    for state in states:
        expected = 0.9 * expected + 0.1 * weights(state, 'student')
        torch.testing.assert_close(weights(state, 'teacher'), expected)
        assert not torch.equal(expected, weights(state, 'student'))
    assert all(p.grad is None for p in model.teacher.parameters())


def test_inverse_schedule_begins_with_a_copy() -> None:
    hook = MeanTeacherHook(0.2, 'inverse')
    found = [hook.momentum_at(k) for k in range(7)]
    assert found == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 0.2, 0.2, 0.2])
    state = run(hook, 1)[0]
    assert torch.equal(weights(state, 'teacher'), weights(state, 'student'))


def test_teacher_is_a_copy_through_the_first_phase() -> None:
    hook = MeanTeacherHook(0.01, 'inverse', start_iter=2, copy_until=5)
    equal = [
        torch.equal(weights(state, 'teacher'), weights(state, 'student'))
        for state in run(hook, 8)
    ]
    assert equal == [True] * 5 + [False] * 3
    # k counts from start_iter.
    assert hook.momentum_at(5) == pytest.approx(1 / 4)


@pytest.mark.parametrize('policy', ['copy', 'ema', 'own'])
def test_buffers(policy) -> None:
    hook = MeanTeacherHook(0.1, buffers=policy)
    model = Pair()
    model.semi_train_cfg['teacher_mode'] = 'train'
    state = run(hook, 1, model=model)[0]
    mean = state['student.1.running_mean']
    expected = dict(copy=mean, ema=0.1 * mean, own=0 * mean)[policy]
    torch.testing.assert_close(state['teacher.1.running_mean'], expected)
    # Integers are never averaged.
    assert state['teacher.1.num_batches_tracked'] == (policy != 'own')
    moved = torch.equal(state['teacher.0.weight'], state['student.0.weight'])
    assert not moved


def test_accumulated_gradients_move_the_teacher_once() -> None:
    states = run(
        MeanTeacherHook(0.1, 'inverse'), 8, accumulative_counts=3, max_iters=8
    )
    teacher = [weights(state, 'teacher') for state in states]
    changed = [not torch.equal(a, b) for a, b in zip(teacher, teacher[1:])]
    # Steps after iterations 2, 5 and, as mmengine does, the last.
    assert changed == [False, True, False, False, True, False, True]
    # The first step is k = 0: a copy.
    assert torch.equal(teacher[2], weights(states[2], 'student'))
    torch.testing.assert_close(
        teacher[5], (teacher[2] + weights(states[5], 'student')) / 2
    )


def test_resumed_run_goes_on() -> None:
    hook = MeanTeacherHook(0.05, 'inverse', buffers='ema')
    whole = run(hook, 6)[-1]
    model = Pair()
    model.load_state_dict(run(hook, 3)[-1])
    resumed = run(hook, 3, model=model, start=3)[-1]
    for key, value in whole.items():
        assert torch.equal(resumed[key], value), key


def test_half_precision_weights_move_by_float32() -> None:
    teacher, student = nn.Linear(1, 1), nn.Linear(1, 1)
    for network, value in ((teacher, 1.0), (student, 3.0)):
        network.bfloat16()
        nn.init.constant_(network.weight, value)
    teacher = frozen_copy(teacher)
    move_teacher(teacher, student, 0.25)
    assert teacher.weight.item() == 1.5
    assert teacher.weight.dtype == torch.bfloat16


def test_weights_that_modules_share(tmp_path) -> None:
    """By two names in one module, too, and apart on another device."""
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    first.again = first.bias
    student = nn.Sequential(first, second)
    for split in (False, True):
        teacher = frozen_copy(student)
        assert not list(teacher.parameters())
        assert teacher.state_dict().keys() == student.state_dict().keys()
        if split:  # as `to` does it
            teacher[1].weight = teacher[1].weight.clone()
        else:
            assert len(list(teacher.buffers())) == 3
        nn.init.constant_(first.weight, 1.0)
        for part in (*teacher.buffers(),):
            nn.init.constant_(part, 2.0)
        frozen = equal_frozen(teacher, student)
        move_teacher(teacher, student, 0.25, still=frozen)
        for part in teacher:
            assert torch.equal(part.weight, torch.full((3, 3), 1.75))
    student.requires_grad_(False)
    teacher = frozen_copy(student)
    assert {'0.weight', '0.bias'} <= set(equal_frozen(teacher, student))


def test_frozen_weights_are_passed_over_while_they_are_equal() -> None:
    model = Pair()
    frozen, own = model.student[0].requires_grad_(False), model.teacher[0]
    hook = MeanTeacherHook(0.1)
    before = run(hook, 1, model=model)[-1]
    version = own.weight._version
    after = run(hook, 2, model=model, start=1)[-1]
    assert own.weight._version == version  # nobody wrote to it
    assert torch.equal(own.weight, frozen.weight)
    assert not torch.equal(
        before['teacher.1.weight'], after['teacher.1.weight']
    )
    # Weights that are trained for a while move, and when frozen again, too.
    frozen.requires_grad_(True)
    runner = MagicMock(model=model, iter=3)
    runner.optim_wrapper._accumulative_counts = 1
    hook.after_train_iter(runner, 3)
    frozen.requires_grad_(False)
    nn.init.constant_(frozen.weight, 2.0)
    expected = 0.9 * own.weight + 0.2
    hook.after_train_iter(runner, 4)
    torch.testing.assert_close(own.weight, expected)
    # So does what a resumed run begins with, where it differs.
    expected = 0.9 * own.weight + 0.2
    run(hook, 1, model=model, start=5)
    torch.testing.assert_close(own.weight, expected)


def test_wrong_settings() -> None:
    for cfg in (
        dict(momentum=1.5),
        dict(schedule='cosine'),
        dict(buffers='swap'),
        dict(start_iter=5, copy_until=2),
    ):
        with pytest.raises(ValueError, match=list(cfg)[-1]):
            MeanTeacherHook(**cfg)
    with pytest.raises(TypeError, match='teacher'):
        MeanTeacherHook().before_train(MagicMock(model=nn.Linear(1, 1)))


def test_starts_behind_the_warm_up_of_the_model() -> None:
    model = Pair()
    model.semi_train_cfg = dict(warmup_iters=4)
    hook = MeanTeacherHook(0.01, 'inverse')
    hook.before_train(MagicMock(model=model, iter=0))
    assert [hook.momentum_at(k) for k in (3, 4, 5)] == [1.0, 1.0, 0.5]
    hook = MeanTeacherHook(0.01, 'inverse', start_iter=1)
    hook.before_train(MagicMock(model=model, iter=0))
    assert hook.momentum_at(4) == 0.25


def test_statistics_nobody_gathers_are_reported() -> None:
    runner = MagicMock(model=Pair(), iter=0)
    MeanTeacherHook(buffers='own').before_train(runner)
    assert "buffers='own'" in runner.logger.warning.call_args[0][0]


def test_frozen_weights_that_are_written_to_by_hand_move() -> None:
    model = Pair()
    frozen, own = model.student[0].requires_grad_(False), model.teacher[0]
    hook = MeanTeacherHook(0.5)
    run(hook, 1, model=model)
    assert set(hook.still) == {'0.weight', '0.bias'}
    before = own.weight.clone()
    with torch.no_grad():
        frozen.weight.add_(1)  # as prototypes are
    hook.after_train_iter(
        MagicMock(
            iter=1,
            model=model,
            optim_wrapper=MagicMock(_accumulative_counts=1),
        ),
        1,
    )
    assert set(hook.still) == {'0.bias'}
    torch.testing.assert_close(own.weight, before + 0.5)
