"""STRICT in two gloo processes against one with both batches."""

import torch
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope

from tests.models.segmentors.test_zero_label import build, data
from tests.processes import in_two


def model_of_test():
    """Frozen normalization; a background, so that every pixel has a label.

    The loss is a mean over the pixels of one process: processes equal one
    where they have equally many.
    """
    init_default_scope('mmsemi')
    torch.set_num_threads(1)
    return build(semi_train_cfg=dict(background=0)).eval()


def both() -> dict:
    one, two = data(seed=0), data(seed=1)
    return {k: dict(sup=one[k]['sup'] + two[k]['sup']) for k in one}


def step(model, content):
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    logs = model.train_step(content, optim)
    state = {
        k.removeprefix('module.'): v.detach().clone()
        for k, v in model.state_dict().items()
    }
    return state, logs['view_agreement']


def worker(rank: int, folder: str) -> None:
    model = MMDistributedDataParallel(
        model_of_test(), device_ids=None, broadcast_buffers=False
    )
    model.eval()
    first, agreement = step(model, data(seed=rank))
    # One rank without a single valid pixel must neither hang nor spoil it.
    empty = data(seed=rank)
    if rank:
        for sample in empty['data_samples']['sup']:
            sample.gt_sem_seg.data.fill_(255)
    second, _ = step(model, empty)
    torch.save((first, second, agreement), f'{folder}/rank{rank}.pth')


def test_two_processes_take_the_step_of_one(tmp_path) -> None:
    in_two(worker, tmp_path)
    ranks = [torch.load(tmp_path / f'rank{k}.pth') for k in range(2)]
    model = model_of_test()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    want, agreement = step(model, both())
    assert 0 < agreement < 1
    moved = [k for k in want if (want[k] != before[k]).any()]
    assert moved == [k for k, _ in model.named_parameters()]
    for first, second, _ in ranks:
        for key, value in want.items():
            torch.testing.assert_close(
                first[key], value, rtol=1e-4, atol=1e-6, msg=key
            )
            assert torch.isfinite(second[key]).all()
            torch.testing.assert_close(
                second[key], ranks[0][1][key], rtol=0, atol=0
            )
