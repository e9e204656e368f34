"""The memory of CutMix partners in two gloo processes against one."""

from types import SimpleNamespace

import numpy as np
import torch

from mmsemi.datasets.samplers.cutmix_partner import Partners
from mmsemi.engine.hooks import CutMixPartnerHook
from tests.processes import in_two


def seen(rank: int, step: int):
    """Images of a batch and what the teacher saw in them."""
    rng = np.random.default_rng(10 * step + rank)
    return rng.integers(9, size=4), rng.random((3, 4)) < 0.5


def remember(hook: CutMixPartnerHook, images, presence) -> None:
    hook.batch = Partners(0, images, np.zeros(2, int))
    hook.mixing = SimpleNamespace(presence=presence, classes=None)
    hook.after_train_iter(None, 0)


def run(rank: int, folder: str) -> None:
    hook = CutMixPartnerHook()
    hook.presence = np.zeros((3, 9), bool)
    for step in range(5):
        remember(hook, *seen(rank, step))
    checkpoint: dict = {}
    hook.before_save_checkpoint(None, checkpoint)
    torch.save(checkpoint, f'{folder}/{rank}.pth')


def test_two_processes_remember_alike(tmp_path) -> None:
    in_two(run, tmp_path)
    one, two = (
        torch.load(tmp_path / f'{r}.pth')['cutmix_partners'] for r in (0, 1)
    )
    assert torch.equal(one, two)
    single = CutMixPartnerHook()
    single.presence = np.zeros((3, 9), bool)
    for step in range(5):
        for rank in (0, 1):
            remember(single, *seen(rank, step))
    assert np.array_equal(single.presence, one.numpy())
    assert single.presence.any() and not single.presence.all()
