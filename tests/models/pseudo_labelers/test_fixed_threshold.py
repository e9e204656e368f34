import torch

from mmsemi.pseudo_labels.statistics import ConfidenceHistogram
from mmsemi.registry import MODELS


def test_what_is_kept_depends_on_the_confidence_alone():
    labeler = MODELS.build(
        dict(type='FixedThresholdPseudoLabeler', num_classes=3, threshold=0.75)
    )
    confidences = torch.tensor([0.7, 0.75, 0.8, 0.99])
    rest = (1 - confidences) / 2
    probabilities = torch.stack([rest, confidences, rest])[None, :, None]
    for portion in (0.2, 1.0):
        statistics = ConfidenceHistogram(3)
        labeler.collect(statistics, probabilities)
        assert labeler.fit(statistics, portion).tolist() == [0.75] * 3
        labels = labeler(probabilities).labels
        assert labels.tolist() == [[[255, 1, 1, 1]]]
    assert labeler.one_pass
