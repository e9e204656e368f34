from torch.utils.data import Sampler


class EndlessSampler(Sampler):
    """One stream of indices without epochs, entered anywhere to resume.

    Attributes:
        start_at: samples of this rank that an iteration leaves out.
    """

    start_at = 0

    def skip(self, num_samples: int) -> None:
        """Start later iterations behind the first samples of this rank.

        Args:
            num_samples: absolute position, counted from the seed's start.
        """
        if num_samples < 0:
            raise ValueError(f'num_samples={num_samples} is negative')
        self.start_at = num_samples

    def set_epoch(self, epoch: int) -> None:
        """Nothing to do: the stream has no epochs."""
