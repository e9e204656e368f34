"""A step in parts is the whole step, and one iteration."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from torch import nn

from mmsemi.engine.accumulation import part_of, step_in_parts
from mmsemi.engine.machine import divide
from mmsemi.engine.runner import CalmRunner
from mmsemi.models.pseudo_labelers import DynamicThresholdPseudoLabeler
from mmsemi.models.segmentors import CPS, AugSeg, UniMatch, UniMatchV2
from mmsemi.utils.errors import UsageError
from tests.models.segmentors.peers import BRANCHES, build
from tests.models.segmentors.test_mean_teacher import data_of
from tests.tiny import make_tiny_set, tiny_config


class Model(BaseModel):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Linear(3, 1)

    def forward(self, inputs, data_samples=None, mode='loss'):
        sup = self.net(torch.stack(list(inputs['sup']))).square().mean()
        unsup = self.net(torch.stack(list(inputs['unsup']))).abs().mean()
        return dict(loss_sup=sup, loss_unsup=unsup, figure=sup.detach() * 2)


@pytest.mark.parametrize('parts', [2, 4])
def test_steps_in_parts_are_whole_steps(parts) -> None:
    whole = Model()
    other = copy.deepcopy(whole)
    step_in_parts(other, parts)
    logged = []
    for model in (whole, other):
        optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        wrapper = OptimWrapper(optimizer)
        generator = torch.Generator().manual_seed(1)
        for _ in range(5):
            branches = dict(sup=4, unsup=8)
            data = dict(
                inputs={
                    name: list(torch.randn(n, 3, generator=generator))
                    for name, n in branches.items()
                },
                data_samples={k: [None] * n for k, n in branches.items()},
            )
            figures = model.train_step(data, wrapper)
        logged.append({k: v.item() for k, v in figures.items()})
    assert logged[1] == pytest.approx(logged[0], abs=1e-6)
    for a, b in zip(whole.parameters(), other.parameters()):
        assert torch.allclose(a, b, atol=1e-6)


def test_a_branch_that_does_not_divide_is_an_error() -> None:
    data = dict(inputs=dict(sup=[1, 2, 3, 4], unsup=[1, 2, 3]))
    with pytest.raises(UsageError, match='batch of 3 samples'):
        part_of(data, 0, 2)


def test_one_way_to_accumulate() -> None:
    """Steps in parts do not wait for the optimizer's own count."""
    cfg = Config(dict(optim_wrapper=dict(accumulative_counts=2)))
    divide(cfg, 2, 1)
    with pytest.raises(UsageError, match='Leave one of the two out'):
        divide(cfg, 1, 2)


def test_a_run_keeps_its_iterations(tmp_path) -> None:
    """Rounds included: each iteration is a step of the optimizer."""
    cfg = tiny_config(make_tiny_set(tmp_path / 'data'), tmp_path / 'work')
    batch = cfg.train_dataloader.batch_size
    divide(cfg, 1, 2)
    assert cfg.train_dataloader.batch_size == batch
    runner = CalmRunner.from_cfg(cfg)
    steps = []
    runner.optim_wrapper = runner.build_optim_wrapper(cfg.optim_wrapper)
    runner.optim_wrapper.optimizer.register_step_post_hook(
        lambda *_: steps.append(runner.iter)
    )
    runner.train()
    assert steps == list(range(12)) and runner.iter == 12


BALANCED = dict(
    type='OnlineClassBalancedPseudoLabeler',
    labeler=dict(type='ClassBalancedPseudoLabeler'),
    num_classes=4,
)
SURE_CLASSES = dict(type='AdaptiveCutMix', num_classes=4)


@pytest.mark.parametrize(
    'kind, changes, average',
    [
        (UniMatch, dict(pseudo_labeler=BALANCED), 'pseudo_labeler.average'),
        (CPS, dict(pseudo_labeler=BALANCED), 'pseudo_labeler.average'),
        (UniMatchV2, dict(mixing=SURE_CLASSES), 'mixing.confidence'),
    ],
)
def test_methods_that_label_or_mix_twice_in_a_step(
    kind, changes, average
) -> None:
    """Each call is joined with the same call of the other part."""
    model = build(kind, **changes)
    step_in_parts(model, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    wrapper, seen = OptimWrapper(optimizer), []
    for k in range(2):
        data = data_of({name: 4 for name in BRANCHES[kind]}, seed=k)
        model.train_step(data, wrapper)
        seen.append(dict(model.named_buffers())[average].clone())
    assert seen[0].sum() > 0 and not torch.equal(*seen)


def test_a_threshold_moves_once_in_a_step() -> None:
    """By the highest confidences of all its parts."""
    torch.manual_seed(0)
    probabilities = torch.randn(4, 3, 8, 8).mul(3).softmax(1)
    whole, other = (
        DynamicThresholdPseudoLabeler(start=0.2, momentum=0.5)
        for _ in range(2)
    )
    for _ in range(2):
        whole(probabilities)
        for k, part in enumerate(probabilities.split(2)):
            other.set_part(k, 2)
            other(part)
        torch.testing.assert_close(other.threshold, whole.threshold)
    assert other.threshold > 0.5


def test_records_are_those_of_all_parts() -> None:
    model = build(AugSeg)
    step_in_parts(model, 2)
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), 0.01))
    data = data_of({k: 4 for k in BRANCHES[AugSeg]})
    model.recording = True
    model.train_step(data, wrapper)
    assert [len(r.targets) for r in model.records['learned']] == [2, 2]
    model.train_step(data, wrapper)
    assert model.records is None
