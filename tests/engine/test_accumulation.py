"""A step in parts is the whole step, and one iteration."""

import copy

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from torch import nn

from mmsemi.engine.accumulation import part_of, step_in_parts
from mmsemi.engine.machine import divide
from mmsemi.engine.runner import CalmRunner
from mmsemi.utils.errors import UsageError
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
