"""Two gloo processes against one with both batches."""

import torch
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope

from tests.models.tiny import batch, tiny_student
from tests.processes import in_two


def build():
    from mmsemi.registry import MODELS

    init_default_scope('mmsemi')
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='SelfTrainingSegmentor',
            student=tiny_student(auxiliary=True),
            objective=dict(type='DynamicSelfTrainingLoss', gamma=1),
        )
    )
    torch.nn.init.normal_(model.decode_head.conv_seg.weight, std=1.0)
    # Frozen normalization: statistics of a batch differ by its size.
    return model.eval()


def part(rank: int) -> dict:
    """Batch of one rank; both have equally many valid pixels."""
    return batch(dict(sup=1, pseudo=2), seed=rank)


def both() -> dict:
    """Batches of both ranks as one."""
    one, two = part(0), part(1)
    return {
        key: {b: one[key][b] + two[key][b] for b in one[key]} for key in one
    }


def steps(model, data: list) -> dict:
    """Weights after one step per batch."""
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    for item in data:
        model.train_step(item, optim)
    return {
        k.removeprefix('module.'): v.detach().clone()
        for k, v in model.named_parameters()
    }


def worker(rank: int, folder: str) -> None:
    model = MMDistributedDataParallel(
        build(), device_ids=None, broadcast_buffers=False
    )
    model.eval()
    first = steps(model, [part(rank)])
    # One rank without a single valid pixel must neither hang nor spoil it.
    empty = part(rank)
    if rank:
        for samples in empty['data_samples'].values():
            for sample in samples:
                sample.gt_sem_seg.data.fill_(255)
    second = steps(model, [empty])
    torch.save((first, second), f'{folder}/rank{rank}.pth')


def test_two_processes_take_the_step_of_one(tmp_path) -> None:
    in_two(worker, tmp_path)
    ranks = [torch.load(tmp_path / f'rank{k}.pth') for k in range(2)]
    model = build()
    before = {k: v.clone() for k, v in model.named_parameters()}
    want = steps(model, [both()])
    assert all((want[k] != before[k]).any() for k in want)
    for first, second in ranks:
        for key, value in want.items():
            torch.testing.assert_close(
                first[key], value, rtol=1e-4, atol=1e-6, msg=key
            )
            assert torch.isfinite(second[key]).all()
            torch.testing.assert_close(
                second[key], ranks[0][1][key], rtol=0, atol=0
            )
