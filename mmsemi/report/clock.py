"""Seconds and images of a run, summed over all its starts."""

import time
from typing import Any


class RunClock:
    """What a run took so far, in seconds.

    Its state is plain data that checkpoints carry, so that times of a
    resumed run are sums over all starts, less what came after the last
    checkpoint of each.

    Args:
        saved: state of an earlier start, empty for the first.
    """

    def __init__(self, saved: dict[str, Any]) -> None:
        self.earlier = saved.get('wall', 0.0)
        self.finished = saved.get('finished', 0.0)  # rounds that are over
        self.training = saved.get('training', 0.0)  # of the present round
        self.images = saved.get('images', 0)
        self.memory: dict[str, float] = dict(saved.get('memory', {}))
        self.start = self.mark = time.perf_counter()

    def state(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return dict(
            wall=self.wall(),
            finished=self.finished,
            training=self.training,
            images=self.images,
            memory=dict(self.memory),
        )

    def wall(self) -> float:
        """Seconds of all starts together."""
        return self.earlier + time.perf_counter() - self.start

    def begin(self) -> None:
        """What came before (labeling, validation) is no training."""
        self.mark = time.perf_counter()

    def count(self, images: int) -> None:
        """An iteration is over, loading and augmenting included."""
        now = time.perf_counter()
        self.training += now - self.mark
        self.images += images
        self.mark = now

    def round_times(self) -> dict[str, float | None]:
        """Figures of the present round; the next one begins."""
        wall = self.wall()
        times = dict(
            seconds_training=self.training,
            seconds=wall - self.finished,
            images_per_second=self.images / self.training
            if self.training
            else None,
        )
        self.finished, self.training, self.images = wall, 0.0, 0
        return times

    def peak(self, memory: dict[str, float]) -> dict[str, float]:
        """Most memory over all starts, in MiB."""
        for key, value in memory.items():
            self.memory[key] = max(value, self.memory.get(key, 0.0))
        return self.memory
