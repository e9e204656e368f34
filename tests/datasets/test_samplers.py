from itertools import islice

import numpy as np
import pytest
from torch.utils.data import ConcatDataset, DataLoader

from mmsemi.datasets import (
    BatchShardSampler,
    SourceRatioSampler,
    SourceSubsetSampler,
)
from mmsemi.registry import DATA_SAMPLERS


def sources(*sizes):
    return ConcatDataset([list(range(size)) for size in sizes])


def on_rank(monkeypatch, rank, world_size):
    for module in ('source_ratio', 'batch_shard', 'source_subset'):
        monkeypatch.setattr(
            f'mmsemi.datasets.samplers.{module}.get_dist_info',
            lambda: (rank, world_size),
        )


def stream(sampler, number):
    return list(islice(iter(sampler), number))


def test_every_batch_has_the_ratio_labeled_first():
    sampler = DATA_SAMPLERS.build(
        dict(type='SourceRatioSampler', samples_per_source=(3, 5)),
        default_args=dict(dataset=sources(4, 30), seed=1),
    )
    indices = stream(sampler, 80)
    for k in range(0, 80, 8):
        assert all(i < 4 for i in indices[k : k + 3])
        assert all(i >= 4 for i in indices[k + 3 : k + 8])
    labeled = [i for i in indices if i < 4]
    others = [i for i in indices if i >= 4]
    # Each source is exhausted before anything of it is repeated.
    assert all(
        sorted(labeled[k : k + 4]) == [0, 1, 2, 3] for k in range(0, 28, 4)
    )
    assert sorted(others[:30]) == list(range(4, 34))
    assert others[:20] != others[30:50]


def test_same_seed_same_stream_and_iterating_again():
    data = sources(9, 9)
    sampler = SourceRatioSampler(data, (4, 4), seed=5)
    first = stream(sampler, 100)
    assert stream(sampler, 100) == first
    assert stream(SourceRatioSampler(data, (4, 4), seed=5), 100) == first
    assert stream(SourceRatioSampler(data, (4, 4), seed=6), 100) != first
    # Sources of one size are not shuffled alike.
    assert first[:4] != [i - 9 for i in first[4:8]]


@pytest.mark.parametrize('consumed', [0, 8, 13, 200])
def test_skip_is_dropping(consumed):
    sampler = SourceRatioSampler(sources(5, 17), (2, 6), seed=3)
    whole = stream(sampler, 300)
    sampler.skip(consumed)
    assert stream(sampler, 300 - consumed) == whole[consumed:]
    sampler.skip(0)
    sampler.set_epoch(3)
    assert stream(sampler, 300) == whole


def test_ranks_share_the_stream(monkeypatch):
    data = sources(8, 40)
    alone = SourceRatioSampler(data, (4, 4), seed=0)
    batches = []
    for rank in range(2):
        on_rank(monkeypatch, rank, 2)
        sampler = SourceRatioSampler(data, (2, 2), seed=0)
        assert len(sampler) == 10 * 4
        batches.append(
            [stream(sampler, 40)[k : k + 4] for k in range(0, 40, 4)]
        )
    expected = stream(alone, 80)
    for step, (a, b) in enumerate(zip(*batches)):
        assert not set(a) & set(b)
        assert set(a) | set(b) == set(expected[8 * step : 8 * step + 8])


def test_length_is_an_epoch_of_the_unlabeled_images():
    # Iterations per epoch of the published schedules: ceil(10482 / 4), ...
    for size, iterations in ((10482, 2621), (10052, 2513), (2875, 719)):
        sampler = SourceRatioSampler(sources(100, size), (4, 4), seed=0)
        loader = DataLoader(sources(100, size), 8, sampler=sampler)
        assert len(loader) == iterations


def test_one_source_and_impossible_requests():
    sampler = SourceRatioSampler(list(range(7)), (4,), seed=0)
    assert sorted(stream(sampler, 7)) == list(range(7))
    only_second = SourceRatioSampler(sources(0, 3), (0, 2), seed=0)
    assert sorted(stream(only_second, 3)) == [0, 1, 2]
    with pytest.raises(ValueError, match='sources'):
        SourceRatioSampler(sources(3, 4), (4,), seed=0)
    with pytest.raises(ValueError, match='0 images|\\[0, 3\\]'):
        SourceRatioSampler(sources(0, 3), (1, 1), seed=0)
    with pytest.raises(ValueError, match='empty batches'):
        SourceRatioSampler(sources(1, 3), (0, 0), seed=0)
    with pytest.raises(ValueError, match='negative'):
        sampler.skip(-1)


@pytest.mark.parametrize('size', [0, 1, 7, 8, 9, 23, 24, 25])
@pytest.mark.parametrize('world_size', [1, 2, 3])
def test_batches_do_not_depend_on_the_world_size(
    monkeypatch, size, world_size
):
    expected = [list(range(size))[k : k + 4] for k in range(0, size, 4)]
    found = {}
    for rank in range(world_size):
        on_rank(monkeypatch, rank, world_size)
        sampler = BatchShardSampler(list(range(size)), batch_size=4, seed=0)
        assert len(list(sampler)) == len(sampler)
        loader = DataLoader(list(range(size)), 4, sampler=sampler)
        for k, batch in enumerate(loader):
            found[rank + k * world_size] = batch.tolist()
    assert [found[k] for k in sorted(found)] == expected


def test_subset_of_the_source_and_all_of_the_target():
    sampler = SourceSubsetSampler(
        sources(40, 10), portions=(0.25, 0.5), subset_seed=7, seed=1
    )
    first = stream(sampler, 60)
    assert len(sampler) == 20
    # Every pass holds the same images once, in another order.
    passes = [first[k : k + 20] for k in (0, 20, 40)]
    assert passes[0] != passes[1]
    assert len({tuple(sorted(p)) for p in passes}) == 1
    chosen = set(passes[0])
    assert set(range(40, 50)) < chosen and len(chosen) == 20
    assert stream(sampler, 60) == first
    sampler.skip(13)
    assert stream(sampler, 47) == first[13:]
    sampler.skip(0)
    sampler.set_round(2)
    larger = set(stream(sampler, 30))
    assert len(larger) == 30 and chosen < larger
    with pytest.raises(ValueError, match='2 rounds, this is round 3'):
        sampler.set_round(3)


@pytest.mark.parametrize('share, times', [(0.0, 1), (0.25, 2), (0.5, 5)])
def test_labeled_target_images_have_their_share(share, times):
    sampler = SourceSubsetSampler(
        sources(40, 4, 10), portions=(0.5,), target_share=share, seed=0
    )
    drawn = stream(sampler, len(sampler))
    assert len(sampler) == 20 + 4 * times + 10
    counts = np.bincount(drawn, minlength=54)
    assert (counts[40:44] == times).all() and (counts[44:] == 1).all()
    assert counts[:40].sum() == 20
    with pytest.raises(ValueError, match='target_share must lie in'):
        SourceSubsetSampler(sources(4, 1, 1), (0.5,), target_share=1.0)


def test_subset_drawn_again_in_every_round():
    sampler = SourceSubsetSampler(
        sources(400, 1),
        portions=dict(start=0.1, step=0, stop=0.1, rounds=2),
        policy='resample',
        seed=0,
    )
    subsets = []
    for k in (1, 2):
        sampler.set_round(k)
        subsets.append({i for i in stream(sampler, 41) if i < 400})
    assert len(subsets[0]) == len(subsets[1]) == 40
    assert len(subsets[0] & subsets[1]) < 20


def test_subset_shared_out_over_ranks(monkeypatch):
    cfg = dict(portions=(0.5,), seed=4)
    alone = stream(SourceSubsetSampler(sources(8, 4), **cfg), 24)
    ranks = []
    for rank in (0, 1):
        on_rank(monkeypatch, rank, 2)
        ranks.append(stream(SourceSubsetSampler(sources(8, 4), **cfg), 12))
    assert [i for pair in zip(*ranks) for i in pair] == alone


@pytest.mark.parametrize(
    'cfg, message',
    [
        (dict(portions=(0.5, 1.5)), r'\(0, 1\]'),
        (dict(portions=(0.5,), policy='random'), 'resample'),
    ],
)
def test_impossible_subsets(cfg, message):
    with pytest.raises(ValueError, match=message):
        SourceSubsetSampler(sources(8, 4), **cfg)
    with pytest.raises(ValueError, match='source and target'):
        SourceSubsetSampler(range(8), portions=(0.5,))


@pytest.mark.parametrize('world_size', [2, 3, 4])
@pytest.mark.parametrize('begun', [0, 5])
def test_a_step_sees_the_same_images_in_one_order(
    monkeypatch, world_size, begun
):
    """Whatever the number of processes, and also after a resume."""
    data, share, steps = sources(5, 17), (1, 3), 20

    def of_rank(rank):
        on_rank(monkeypatch, rank, world_size)
        sampler = SourceRatioSampler(data, share, seed=2)
        sampler.skip(4 * begun)
        return stream(sampler, 4 * steps)

    on_rank(monkeypatch, 0, 1)
    whole = [n * world_size for n in share]
    alone = SourceRatioSampler(data, whole, seed=2)
    alone.skip(sum(whole) * begun)
    expected = stream(alone, sum(whole) * steps)
    ranks = [of_rank(rank) for rank in range(world_size)]
    found = []
    for step in range(steps):
        batches = [rank[4 * step : 4 * step + 4] for rank in ranks]
        found += [batch[0] for batch in batches]
        found += [i for batch in batches for i in batch[1:]]
    assert found == expected
