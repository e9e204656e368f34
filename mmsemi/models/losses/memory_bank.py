"""Rows of features remembered for every class, first in, first out."""

from collections.abc import Sequence

import torch
from mmengine.dist import all_gather, get_rank, get_world_size
from torch import Tensor, nn
from torch.nn import functional as F

from mmsemi.registry import MODELS

# Rows copied at a time: on a CPU what fits its cache, which halves the time;
# elsewhere what keeps the number of calls and the memory small, 64 MiB.
PIECE, LARGE_PIECE = 4096, 65536


@MODELS.register_module()
class ClassMemoryBank(nn.Module):
    """A ring buffer of feature rows for each class, on the device.

    Holds the last ``capacity`` rows of a class in order of arrival. All
    classes are written at once; with several processes every rank writes
    the rows of all, those of rank 0 first, so that the banks stay equal.

    The buffers are part of the checkpoint, so a resumed run goes on with
    the same rows: U2PL's 650,000 rows of 256 numbers are 666 MB.

    Args:
        num_classes: number of classes C.
        channels: length D of a row.
        capacity: rows of a class, one number for all or one for each.
        persistent: whether checkpoints hold the rows.
    """

    def __init__(
        self,
        num_classes: int,
        channels: int,
        capacity: int | Sequence[int] = 30000,
        persistent: bool = True,
    ) -> None:
        super().__init__()
        sizes = (
            [capacity] * num_classes
            if isinstance(capacity, int)
            else list(capacity)
        )
        if len(sizes) != num_classes or min(sizes) < 1:
            raise ValueError(
                'capacity is a positive number, or one for each '
                f'of the {num_classes} classes, got {capacity}'
            )
        sizes = torch.tensor(sizes)
        total = int(sizes.sum())

        def keep(name: str, value: Tensor, saved: bool = True) -> None:
            self.register_buffer(name, value, persistent=saved and persistent)

        keep('rows', torch.zeros(total, channels))
        # 1 / length of each row, so that cosines need no second pass.
        keep('scales', torch.zeros(total))
        keep('counts', torch.zeros(num_classes, dtype=torch.long))
        # Where the next row of a class goes.
        keep('pointers', torch.zeros(num_classes, dtype=torch.long))
        keep('capacity', sizes, False)
        keep('offsets', sizes.cumsum(0) - sizes, False)

    @torch.no_grad()
    def append(self, features: Tensor, mask: Tensor) -> Tensor:
        """Add rows to the classes, in the order of the features.

        A row may enter several classes. The host waits for the device once
        (a few times with several processes), whatever the number of classes.

        Args:
            features: (P, D), any floating type.
            mask: (C, P) bool, which row enters which class.

        Returns:
            (C, ) int64, rows added to each class by all processes.
        """
        order = mask.cumsum(1)
        counts = order[:, -1] if mask.shape[1] else order.sum(1)
        by_rank = torch.stack(all_gather(counts.contiguous()))
        total = by_rank.sum(0)
        # What would be overwritten at once is not written at all.
        over = (total - self.capacity).clamp(min=0)
        # Number of a row among those of its class that are written.
        order = order - 1 + (by_rank[: get_rank()].sum(0) - over)[:, None]
        fresh = mask & (order >= 0)
        classes, pixels = fresh.nonzero(as_tuple=True)
        begin = (self.pointers + over) % self.capacity
        place = begin[classes] + order[classes, pixels]
        slots = self.offsets[classes] + wrapped(place, self.capacity[classes])
        if get_world_size() > 1:
            features = gather_rows(features.index_select(0, pixels))
            slots = gather_rows(slots)
            pixels = torch.arange(len(slots), device=slots.device)
        piece = PIECE if pixels.device.type == 'cpu' else LARGE_PIECE
        for source, target in zip(pixels.split(piece), slots.split(piece)):
            rows = features.index_select(0, source).to(self.rows.dtype)
            self.rows.index_copy_(0, target, rows)
            lengths = rows.norm(dim=1).clamp_(min=1e-8)
            self.scales.index_copy_(0, target, lengths.reciprocal_())
        self.counts.copy_(torch.minimum(self.counts + total, self.capacity))
        self.pointers.copy_((self.pointers + total) % self.capacity)
        return total

    def locate(self, classes: Tensor, index: Tensor) -> Tensor:
        """Where rows lie in ``rows``.

        Args:
            classes: (R, ) int64.
            index: (R, K) int64, 0 = oldest row of the class.

        Returns:
            (R, K) int64.
        """
        full = self.counts == self.capacity
        start = torch.where(full, self.pointers, 0)[classes, None]
        capacity = self.capacity[classes, None]
        return self.offsets[classes, None] + wrapped(start + index, capacity)

    def queue(self, class_id: int) -> Tensor:
        """Rows of one class, oldest first; for tests and inspection."""
        index = torch.arange(
            int(self.counts[class_id]), device=self.rows.device
        )
        where = torch.tensor([class_id], device=index.device)
        return self.rows[self.locate(where, index[None])[0]]


def wrapped(place: Tensor, size: Tensor) -> Tensor:
    """``place % size`` of what is below twice the size, without a division."""
    return torch.where(place < size, place, place - size)


def gather_rows(rows: Tensor) -> Tensor:
    """Concatenate tensors of different lengths over the ranks, in order."""
    lengths = all_gather(torch.tensor([len(rows)], device=rows.device))
    sizes = torch.cat(lengths).tolist()
    padding = [0, 0] * (rows.ndim - 1) + [0, max(sizes) - len(rows)]
    parts = all_gather(F.pad(rows, padding))
    return torch.cat([part[:size] for part, size in zip(parts, sizes)])
