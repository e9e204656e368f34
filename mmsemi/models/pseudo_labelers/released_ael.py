"""Labels dropped by entropy as U2PL's branch ``with_AEL`` does it."""

import torch
from torch import Tensor

from mmsemi.registry import MODELS

from .entropy_percentile import (
    EntropyPercentilePseudoLabeler,
    EntropySplit,
    masked_percentiles,
)


@MODELS.register_module()
class ReleasedAELPseudoLabeler(EntropyPercentilePseudoLabeler):
    """:class:`EntropyPercentilePseudoLabeler` with the sign reversed.

    For reproduction only: labels *below* the percentile a are dropped;
    ``low`` and ``high`` are the percentiles ``low_percent`` and
    ``drop_percent`` of what remains.
    """

    @torch.no_grad()
    def split_group(
        self, entropy: Tensor, labels: Tensor, progress: float
    ) -> EntropySplit:
        """See the base class."""
        valid = labels != self.ignore_index
        percents = [self.low_percent_at(progress)]
        (floor,) = masked_percentiles(entropy, valid, percents)
        kept = valid & (entropy >= floor)
        low, high = masked_percentiles(
            entropy, kept, [self.low_percent, self.drop_percent]
        )
        return self.divided(entropy, labels, kept, kept, low, high)
