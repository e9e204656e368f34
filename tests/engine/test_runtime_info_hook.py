"""What a step found is fetched from a GPU together."""

import pytest
import torch
from mmengine.hooks import RuntimeInfoHook as Mmengines
from mmengine.logging import MessageHub

from mmsemi.engine.hooks import RuntimeInfoHook
from mmsemi.registry import HOOKS


class OnGpu(torch.Tensor):
    """A tensor that says it lies on a GPU, and counts who fetches it."""

    is_cuda = True
    fetched = 0

    def item(self):
        OnGpu.fetched += 1
        return super().item()

    def tolist(self):
        OnGpu.fetched += 1
        return super().tolist()


class Runner:
    def __init__(self, name: str) -> None:
        self.message_hub = MessageHub.get_instance(name)


@pytest.mark.parametrize('kind', [torch.Tensor, OnGpu])
def test_figures_are_noted(kind, request) -> None:
    values = [torch.tensor(1.5), torch.tensor([0.25]), torch.tensor(3)]
    outputs = {f'loss_{k}': v.as_subclass(kind) for k, v in enumerate(values)}
    outputs['share'] = 0.5
    found = []
    for hook in (Mmengines(), HOOKS.build(dict(type='RuntimeInfoHook'))):
        OnGpu.fetched = 0
        runner = Runner(f'{request.node.name} {type(hook)}')
        hook.after_train_iter(runner, 0, None, outputs)
        hub = runner.message_hub
        found.append({k: v.current() for k, v in hub.log_scalars.items()})
    assert isinstance(hook, RuntimeInfoHook)
    assert found[0] == found[1] and found[1]['train/loss_2'] == 3
    assert OnGpu.fetched == (kind is OnGpu)
    # What other hooks are given stays as it is.
    assert isinstance(outputs['loss_0'], kind)


def test_a_step_may_find_nothing() -> None:
    runner = Runner('nothing')
    hook = HOOKS.build(dict(type='RuntimeInfoHook'))
    for outputs in (None, {}):
        hook.after_train_iter(runner, 0, None, outputs)
    assert not runner.message_hub.log_scalars
