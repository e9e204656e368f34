import math
from collections.abc import Iterator, Sequence, Sized
from itertools import islice

import numpy as np
import torch
from mmengine.dist import get_dist_info, sync_random_seed

from mmsemi.pseudo_labels.schedules import per_round_shares
from mmsemi.registry import DATA_SAMPLERS

from .endless import EndlessSampler


def source_subset(num_images: int, portion: float, seed: int) -> np.ndarray:
    """Indices of a random part of the source images.

    Drawn as CBST and CRST draw it, so that published seeds give the published
    subsets; for one seed, smaller ones are the beginnings of larger ones.
    """
    return np.random.RandomState(seed).choice(
        num_images, math.floor(num_images * portion), replace=False
    )


def target_times(source: int, target: int, share: float) -> int:
    """How often a pass takes each labeled image of the target domain.

    Args:
        source: number of source images in the pass.
        target: number of labeled target images.
        share: that these should have of the labeled images; they come at
            least once, and all of them equally often.
    """
    return max(1, round(source * share / (1 - share) / max(target, 1)))


@DATA_SAMPLERS.register_module()
class SourceSubsetSampler(EndlessSampler):
    """Endless stream of all target images and a part of the source.

    Every pass shuffles the chosen source images and the target images
    together, so batches mix the two freely (CBST, CRST). Labeled target
    images, if there are any, come in all passes, so often that they have
    their share. Iterating again gives the same indices again; ranks take
    turns.

    Args:
        dataset: of two parts, source and target, or of three, with labeled
            target images between them (a :class:`SemiDataset`).
        portions: share of the source images in round 1, 2, ..., or
            arguments of ``mmsemi.pseudo_labels.schedules.portion_schedule``.
        policy: ``'cumulative'``: one draw, of which later rounds take more;
            ``'resample'``: another draw in every round.
        subset_seed: seed of the draw; ``'resample'`` adds the round.
        target_share: share of the labeled target images in all labeled ones.
        seed: of the order, the same on all ranks; the Runner gives it.
    """

    def __init__(
        self,
        dataset: Sized,
        portions: dict | Sequence[float],
        policy: str = 'cumulative',
        subset_seed: int = 0,
        target_share: float = 0.0,
        seed: int | None = None,
    ) -> None:
        if policy not in ('cumulative', 'resample'):
            raise ValueError(
                f"policy must be 'cumulative' or 'resample', got {policy!r}"
            )
        ends = list(getattr(dataset, 'cumulative_sizes', []))
        if len(ends) not in (2, 3):
            raise ValueError(
                'SourceSubsetSampler needs a dataset of source '
                f'and target images, such as SemiDataset; '
                f'{type(dataset).__name__} has {len(ends)} parts'
            )
        if not 0 <= target_share < 1:
            raise ValueError(
                f'target_share must lie in [0, 1), got {target_share}'
            )
        self.rank, self.world_size = get_dist_info()
        self.dataset = dataset
        self.portions = per_round_shares(portions)
        self.policy = policy
        self.subset_seed = subset_seed
        self.seed = sync_random_seed() if seed is None else seed
        self.num_source, self.num_images = ends[0], ends[-1]
        self.num_labeled = ends[-2]  # of both domains
        self.target_share = target_share
        self.set_round(1)

    def set_round(self, round_index: int) -> None:
        """Choose the source images of a round, counted from 1.

        Raises:
            ValueError: when there is no portion for it.
        """
        if not 1 <= round_index <= len(self.portions):
            raise ValueError(
                f'SourceSubsetSampler has portions for {len(self.portions)} '
                f'rounds, this is round {round_index}: give one for each'
            )
        seed = self.subset_seed
        if self.policy == 'resample':
            seed += round_index
        chosen = source_subset(
            self.num_source, self.portions[round_index - 1], seed
        )
        target = torch.arange(self.num_source, self.num_labeled)
        times = target_times(len(chosen), len(target), self.target_share)
        self.indices = torch.cat(
            [
                torch.from_numpy(chosen),
                target.repeat(times),
                torch.arange(self.num_labeled, self.num_images),
            ]
        )

    def _stream(self) -> Iterator[int]:
        generator = torch.Generator()
        generator.manual_seed(self.seed)
        while True:
            order = torch.randperm(len(self.indices), generator=generator)
            yield from self.indices[order].tolist()

    def __iter__(self) -> Iterator[int]:
        mine = islice(self._stream(), self.rank, None, self.world_size)
        return islice(mine, self.start_at, None)

    def __len__(self) -> int:
        """Samples per rank in one pass."""
        return math.ceil(len(self.indices) / self.world_size)
