from collections.abc import Iterator, Sequence, Sized
from itertools import islice

import torch
from mmengine.dist import get_dist_info, sync_random_seed

from mmsemi.registry import DATA_SAMPLERS

from .endless import EndlessSampler

# Indices that are Python numbers at a time.
PIECE = 65536


@DATA_SAMPLERS.register_module()
class SourceRatioSampler(EndlessSampler):
    """Endless batches with a fixed number of samples of every source.

    A source is one part of a ``ConcatDataset`` (of a :class:`SemiDataset`:
    labeled, images to paste if any, then unlabeled); any other dataset is
    a single source. Each source runs through random permutations of itself,
    without repetition until it is exhausted. A step takes the next samples
    of each, and every rank a run of these: which images a step sees, and in
    which order, does not depend on the number of processes.
    Consecutive ``sum(samples_per_source)`` indices are one batch of a rank,
    in the order of the sources; give the data loader that batch size.

    Iterating again gives the same indices again.

    Args:
        dataset: the dataset.
        samples_per_source: samples of each source in a batch of one rank.
        seed: random seed, the same on all ranks; source k is shuffled with
            ``seed + k``. Drawn and agreed upon by the ranks when None.
    """

    def __init__(
        self,
        dataset: Sized,
        samples_per_source: Sequence[int] = (4, 4),
        seed: int | None = None,
    ) -> None:
        self.rank, self.world_size = get_dist_info()
        self.dataset = dataset
        self.samples_per_source = list(samples_per_source)
        self.seed = sync_random_seed() if seed is None else seed
        ends = list(getattr(dataset, 'cumulative_sizes', [len(dataset)]))
        self.starts = [0] + ends[:-1]
        self.sizes = [end - start for start, end in zip(self.starts, ends)]
        if len(self.samples_per_source) != len(self.sizes):
            raise ValueError(
                f'samples_per_source={self.samples_per_source} names '
                f'{len(self.samples_per_source)} sources, but the dataset '
                f'has {len(self.sizes)} (of {self.sizes} images)'
            )
        for number, size in zip(self.samples_per_source, self.sizes):
            if number < 0 or number and not size:
                raise ValueError(
                    f'cannot draw samples_per_source={self.samples_per_source}'
                    f' from sources of {self.sizes} images'
                )
        if not self.batch_size:
            raise ValueError('samples_per_source asks for empty batches')

    @property
    def batch_size(self) -> int:
        """Samples in a batch of one rank."""
        return sum(self.samples_per_source)

    def _source(self, k: int) -> Iterator[int]:
        """Endless indices of source k for this rank."""
        number, size = self.samples_per_source[k], self.sizes[k]
        step = number * self.world_size
        first, begun = self.rank * number, 0  # places in a step
        generator = torch.Generator()
        generator.manual_seed(self.seed + k)
        while True:
            order = torch.randperm(size, generator=generator)
            if self.world_size > 1:
                places = (torch.arange(size) + begun) % step
                order = order[(places >= first) & (places < first + number)]
                begun = (begun + size) % step
            for piece in order.split(PIECE):
                yield from (piece + self.starts[k]).tolist()

    def _batches(self) -> Iterator[list[int]]:
        sources = [
            (self._source(k), number)
            for k, number in enumerate(self.samples_per_source)
            if number
        ]
        while True:
            yield [i for source, n in sources for i in islice(source, n)]

    def __iter__(self) -> Iterator[int]:
        indices = (i for batch in self._batches() for i in batch)
        return islice(indices, self.start_at, None)

    def __len__(self) -> int:
        """Samples per rank in one pass over the last source.

        The last source with a share in the batch counts; its incomplete last
        batch counts as one. With the unlabeled images last, the length of
        the data loader is the iterations of an epoch of the papers.
        """
        size, number = [
            (s, n) for s, n in zip(self.sizes, self.samples_per_source) if n
        ][-1]
        batches = -(-size // (number * self.world_size))
        return batches * self.batch_size
