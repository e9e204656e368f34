"""UniMatch, UniMatch V2 and CPS in two processes, as one with both batches."""

import pytest
import torch
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope

from mmsemi.models.segmentors import CorrMatch
from tests.models.segmentors.peers import build as build_method
from tests.models.segmentors.peers import cps, unimatch, unimatch_v2
from tests.models.segmentors.test_mean_teacher_distributed import part
from tests.models.tiny import batch
from tests.processes import in_two


def corrmatch():
    """Its threshold is that of all processes, its regions are not drawn."""
    model = build_method(
        CorrMatch,
        mixing=None,
        pseudo_labeler=dict(
            type='DynamicThresholdPseudoLabeler', start=0.2, momentum=0.1
        ),
        perturbation=dict(type='ChannelDropout', prob=0.0),
        correlation=dict(dropout_ratio=0.0),
    )
    model.spread = lambda targets, correlation: targets
    return model


# Nothing drawn at random: the two processes draw for themselves.
METHODS = dict(
    unimatch=lambda: unimatch(
        threshold=0.26,
        mixing=None,
        perturbation=dict(type='ChannelDropout', prob=0.0),
    ),
    unimatch_v2=lambda: unimatch_v2(
        threshold=0.26, mixing=None, perturbation={}
    ),
    cps=cps,
    corrmatch=corrmatch,
)
STEPS = 2


def build(name):
    init_default_scope('mmsemi')
    torch.set_num_threads(1)
    # Frozen normalization: statistics of a batch differ by its size.
    model = METHODS[name]().eval()
    model.pseudo_labeler.train()
    return model


def data_of(name, rank, step):
    """Batch of one rank; the last one has labeled images alone."""
    if step == STEPS:
        return batch(dict(sup=1), seed=10 * step + rank)
    data = part(rank, step)
    if name == 'cps':
        for key in data:
            data[key].pop('unsup_student')
        return data
    for key in data:
        views = data[key]
        if name != 'corrmatch':
            views['unsup_student_2'] = views['unsup_teacher']
    return data


def both(name, step):
    one, two = (data_of(name, rank, step) for rank in (0, 1))
    return {
        key: {b: one[key][b] + two[key][b] for b in one[key]} for key in one
    }


def train(model, batches):
    """Losses of every step, and the weights after the last."""
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.01))
    losses = []
    for data in batches:
        logs = model.train_step(data, optim)
        losses.append({k: v.detach() for k, v in logs.items() if 'loss' in k})
    inner = getattr(model, 'module', model)
    return losses, {k: v.clone() for k, v in inner.state_dict().items()}


def worker(rank: int, folder: str) -> None:
    results = {}
    for name in METHODS:
        model = MMDistributedDataParallel(
            build(name), device_ids=None, broadcast_buffers=False
        )
        model.eval().module.pseudo_labeler.train()
        batches = [data_of(name, rank, k) for k in range(STEPS + 1)]
        results[name] = train(model, batches)
    torch.save(results, f'{folder}/rank{rank}.pth')


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp('ranks')
    in_two(worker, folder)
    return [torch.load(folder / f'rank{k}.pth') for k in range(2)]


@pytest.mark.parametrize('name', METHODS)
def test_two_processes_train_as_one(ranks, name):
    found = [rank[name] for rank in ranks]
    batches = [both(name, k) for k in range(STEPS + 1)]
    losses, weights = train(build(name), batches)
    for k, wanted in enumerate(losses):
        assert (wanted.get('loss_unsup', 0) > 0) == (k < STEPS)
        for key, value in wanted.items():
            mean = (found[0][0][k][key] + found[1][0][k][key]) / 2
            torch.testing.assert_close(mean, value, rtol=1e-4, atol=1e-6)
    for key, value in weights.items():
        torch.testing.assert_close(
            found[0][1][key], value, rtol=1e-4, atol=1e-5, msg=key
        )
        assert torch.equal(found[0][1][key], found[1][1][key]), key
