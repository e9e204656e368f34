import torch
from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.ops.maps import max_over_classes
from mmsemi.ops.step import InParts
from mmsemi.pseudo_labels.statistics import ConfidenceHistogram
from mmsemi.registry import MODELS

from .base import PseudoLabeler

# Counts are averaged as numbers with a fraction; thresholds want whole ones.
_SCALE = 1024


@MODELS.register_module()
class OnlineClassBalancedPseudoLabeler(InParts, PseudoLabeler):
    """Keep the most confident portion of every class, batch by batch.

    The labelers of self-training in rounds take their thresholds from one
    pass over the unlabeled set. Here the same rules work on a moving
    average of the predictions of the past batches, the present one included,
    of all processes: a class that some batches hardly show keeps its
    threshold. Averages and thresholds are part of the checkpoint. Where a
    step is taken in parts, they move with the last.

    Args:
        labeler: config of a :class:`ClassBalancedPseudoLabeler` or one of
            its kin, such as :class:`CBSTPseudoLabeler`; without a spatial
            prior, which does not fit random crops.
        num_classes: number of classes C.
        portion: share of the predictions of each class to keep, in (0, 1].
        momentum: weight of the present batch, in (0, 1].
    """

    def __init__(
        self,
        labeler: dict,
        num_classes: int,
        portion: float = 0.5,
        momentum: float = 0.05,
    ) -> None:
        super().__init__()
        if not 0 < portion <= 1 or not 0 < momentum <= 1:
            raise ValueError(
                'portion and momentum must lie in (0, 1], got '
                f'{portion} and {momentum}'
            )
        self.labeler = MODELS.build(dict(labeler, num_classes=num_classes))
        if getattr(self.labeler, 'prior', None) is not None:
            raise ValueError(
                'a spatial prior does not fit random crops: '
                'leave prior out of the labeler'
            )
        # Before the first step is complete hardly anything is kept. (Those of
        # a labeler for rounds are 0, which keeps all and divides by 0.)
        self.labeler.thresholds.fill_(1.0)
        self.num_classes = num_classes
        self.portion = portion
        self.momentum = momentum
        bins = ConfidenceHistogram(num_classes).bins
        self.register_buffer('average', torch.zeros_like(bins.float()))

    @torch.no_grad()
    def forward(
        self,
        probabilities: Tensor,
        valid: Tensor | None = None,
        progress: float = 0.0,
    ) -> Targets:
        """Label a batch, which in training moves the thresholds first."""
        probabilities = probabilities.float()
        if self.training:
            statistics = ConfidenceHistogram(
                self.num_classes, probabilities.device
            )
            self.labeler.collect(statistics, probabilities, valid)
            self._learn(statistics)
        result = self.labeler(probabilities, valid)
        # Where nothing is kept, what is predicted: mixing by class sees
        # whole objects, and losses may count all valid pixels.
        labels = result.labels.where(
            result.weights > 0, max_over_classes(probabilities)[1]
        )
        return result.change(labels=labels)

    def _learn(self, statistics: ConfidenceHistogram) -> None:
        """Move the thresholds when a step is complete."""
        bins = self.over_step(statistics.bins, sync=False)
        if bins is not None:
            statistics.bins = bins
            statistics.reduce()
            bins = statistics.bins.float()
            # The first batch, or the first that shows anything of a class.
            new = self.average.sum(1, keepdim=True) == 0
            moved = self.average.lerp(bins, self.momentum)
            self.average.copy_(torch.where(new, bins, moved))
            statistics.bins = (self.average * _SCALE).round().long()
            self.labeler.fit(statistics, self.portion)

    def extra_repr(self) -> str:
        return f'portion={self.portion}, momentum={self.momentum}'
