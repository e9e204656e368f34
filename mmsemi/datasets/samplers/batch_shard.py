from collections.abc import Iterator, Sized

from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from mmsemi.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class BatchShardSampler(Sampler):
    """Every sample once, in order, in whole batches shared out over ranks.

    Rank r of W gets batches r, r + W, ...: which images share a batch does
    not depend on the number of processes, and nothing is repeated to even
    out the ranks.

    Args:
        dataset: the dataset.
        batch_size: batch size of the data loader.
        seed: unused; the Runner gives it to every sampler.
    """

    def __init__(
        self, dataset: Sized, batch_size: int, seed: int | None = None
    ) -> None:
        self.rank, self.world_size = get_dist_info()
        self.dataset = dataset
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[int]:
        size, step = len(self.dataset), self.batch_size * self.world_size
        for start in range(self.rank * self.batch_size, size, step):
            yield from range(start, min(start + self.batch_size, size))

    def __len__(self) -> int:
        whole, rest = divmod(
            len(self.dataset), self.batch_size * self.world_size
        )
        rest = min(max(rest - self.rank * self.batch_size, 0), self.batch_size)
        return whole * self.batch_size + rest

    def set_epoch(self, epoch: int) -> None:
        """Nothing to do: the order is fixed."""
