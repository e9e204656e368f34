"""The profile of a training step: what it counts, and that it is a step."""

import importlib.util
import time

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger

from mmsemi.engine.build import resolve
from mmsemi.utils.errors import UsageError
from tests.conftest import ROOT

PATH = ROOT / 'benchmarks/profile_step.py'
_spec = importlib.util.spec_from_file_location('profile_step', PATH)
tool = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tool)
CONFIG = str(ROOT / 'configs/{}/camvid_1-16.py')


@pytest.fixture(autouse=True)
def _log_level():
    logger = MMLogger.get_current_instance()
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture(scope='module')
def step():
    cfg = resolve(Config.fromfile(CONFIG.format('u2pl')))
    return tool.Step(cfg, [1, 1], [32, 48])


def test_passes_of_u2pl(step) -> None:
    student, teacher = step.model.student, step.model.teacher
    before = [p.clone() for p in teacher.buffers()]
    parts = tool.profile(step, 1)
    both = ['representation']  # along with the logits
    weak, live, moved = step.passes
    assert weak[0] is teacher and weak[2:] == (False, False, ['decode'])
    assert live[0] is student and live[2:] == (True, True, both)
    assert moved[0] is teacher and moved[2:] == (True, False, both)
    assert [len(one.images) for one in step.passes] == [1, 2, 2]
    assert set(parts) == {
        'preprocessing',
        'student forward',
        'teacher forward',
        'backward',
        'optimizer',
        'moving average',
        'other',
        'whole',
        'alone',
        'pseudo-labels',
        'mixing',
        'loss, labeled',
        'loss, unlabeled',
        'loss, contrast',
    }
    assert all(value > 0 for value in parts.values())
    assert any((a != b).any() for a, b in zip(before, teacher.buffers()))
    lines = tool.report(parts)
    assert sum(
        float(line.split()[-1].rstrip('%'))
        for line in lines
        if line.endswith('%')
    ) == pytest.approx(100, abs=1)
    assert f'= {parts["whole"] / parts["alone"]:.2f}' in lines[-1]


def test_passes_alone_train_nothing(step) -> None:
    if not step.passes:
        tool.profile(step, 1)
    grads = []
    step.model.student.backbone.conv1.conv.weight.register_hook(grads.append)
    before = [p.clone() for p in step.model.parameters()]
    step.passes_alone()
    assert len(grads) == 1 and grads[0].any()
    assert all(
        torch.equal(a, b) for a, b in zip(before, step.model.parameters())
    )
    assert all(p.grad is None for p in step.model.parameters())


@pytest.mark.parametrize('head', ['DeepLabV3PlusHead', 'as configured'])
def test_passes_alone_reach_all_weights(head) -> None:
    cfg = resolve(Config.fromfile(CONFIG.format('u2pl')))
    if head == 'DeepLabV3PlusHead':  # whose representation has layers apart
        given = cfg.model.student.decode_head
        cfg.model.student.decode_head = dict(
            type=head,
            in_channels=given.in_channels[-1],
            in_index=given.in_index[-1],
            c1_in_channels=given.in_channels[0],
            channels=16,
            num_classes=given.num_classes,
            norm_cfg=given.norm_cfg,
            representation_head=dict(type='RepresentationHead'),
        )
    step = tool.Step(cfg, [1, 1], [32, 48])
    tool.profile(step, 1)
    reached = set()
    for name, weight in step.model.student.named_parameters():
        weight.register_hook(lambda _, name=name: reached.add(name))
    step.passes_alone()
    assert reached == {n for n, _ in step.model.student.named_parameters()}


@pytest.mark.parametrize('method', ['mean_teacher', 'ael'])
def test_command(method, capsys) -> None:
    tool.main(
        [
            CONFIG.format(method),
            '--batch',
            '2',
            '1',
            '--size',
            '32',
            '48',
            '--repeats',
            '1',
            '--device',
            'cpu',
        ]
    )
    text = capsys.readouterr().out
    assert '2 labeled and 1 unlabeled images of 32x48, float32' in text
    assert 'forward and backward passes alone = ' in text


def test_batch_of_the_config() -> None:
    data = tool.random_batch((4, 4, 2), (32, 48), 3)
    assert {k: len(v) for k, v in data['inputs'].items()} == dict(
        sup=4, unsup_teacher=2, unsup_student=2
    )


def test_only_online_training() -> None:
    with pytest.raises(UsageError, match='sees no unlabeled images'):
        tool.main([CONFIG.format('supervised')])


def work(seconds: float) -> None:
    """Keep the processor busy: whoever waits is not timed."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_own_time_of_nested_parts() -> None:
    clock = tool.Stopwatch(torch.device('cpu'))
    inner = clock.wrap('inner', lambda: work(0.02))
    inner()  # not running
    clock.running = True
    with clock.part('outer'):
        inner()
        inner()
        work(0.01)
    seconds = clock.seconds()
    assert list(seconds) == ['inner', 'outer']
    assert seconds['inner'] >= 0.04 and seconds['outer'] >= 0.01
    assert clock.seconds() == {}
