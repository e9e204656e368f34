"""How many iterations each round has."""

import math
from collections.abc import Sequence
from itertools import accumulate

from mmengine.dist import get_world_size

from mmsemi.datasets.samplers.source_subset import target_times
from mmsemi.registry import DATASETS


def per_round(
    value: float | Sequence[float], num_rounds: int, name: str
) -> tuple:
    """A value for each round, from one for all or one for each.

    Raises:
        ValueError: naming the setting that has too few or too many.
    """
    if isinstance(value, (int, float)):
        return (value,) * num_rounds
    if len(value) != num_rounds:
        raise ValueError(
            f'{name} has {len(value)} entries for {num_rounds} rounds'
        )
    return tuple(value)


def epoch_lengths(
    loader: dict,
    images: int,
    num_rounds: int,
    source_portions: Sequence[float] | None = None,
) -> list[int]:
    """Iterations in which all processes see the unlabeled set once.

    Args:
        loader: config of the loader of labeled and pseudo-labeled images.
        images: size of the unlabeled set.
        num_rounds: number of rounds.
        source_portions: share of the labeled images that the sampler adds in
            each round, where it adds a share.

    Returns:
        One length for each round.

    Raises:
        ValueError: if the sampler is not known to draw in passes.
    """
    sampler = loader['sampler']
    if 'samples_per_source' in sampler:
        # Unlabeled images come last.
        step = sampler['samples_per_source'][-1] * get_world_size()
        return [math.ceil(images / step)] * num_rounds
    if source_portions is None:
        raise ValueError(
            f'epochs_per_round cannot tell how {sampler["type"]} draws: '
            'use SourceRatioSampler or SourceSubsetSampler for '
            'semi_dataloader, or give iters_per_round'
        )
    step = loader['batch_size'] * get_world_size()
    parts = loader['dataset']
    source = len(DATASETS.build(parts['labeled']))
    target = len(DATASETS.build(parts['target'])) if parts.get('target') else 0
    lengths = []
    for portion in source_portions:
        labeled = math.floor(source * portion)
        share = sampler.get('target_share', 0.0)
        labeled += target * target_times(labeled, target, share)
        lengths.append(math.ceil((labeled + images) / step))
    return lengths


def round_ends(supervised_iters: float, lengths: Sequence[float]) -> list[int]:
    """Last iteration (exclusive) of round 0 and of every other.

    Raises:
        ValueError: if a round is empty, which round 0 may be, or ends within
            an iteration.
    """
    if any(number != int(number) for number in (supervised_iters, *lengths)):
        raise ValueError(
            'rounds have whole iterations, got supervised_iters='
            f'{supervised_iters}, iters_per_round={tuple(lengths)}'
        )
    if supervised_iters < 0 or min(lengths, default=1) < 1:
        raise ValueError(
            'rounds need at least one iteration, got supervised_iters='
            f'{supervised_iters}, iters_per_round={tuple(lengths)}'
        )
    return list(accumulate(map(int, (supervised_iters, *lengths))))
