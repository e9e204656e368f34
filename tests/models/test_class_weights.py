"""Class weights of a loss, undone before a network labels."""

import pytest
import torch

from mmsemi.models.class_weights import undo_class_weights
from mmsemi.registry import MODELS
from mmsemi.self_training.batch_predictor import BatchPredictor
from tests.models.tiny import tiny_student

WEIGHTS = [0.5, 2.5, 1.0, 0.0]  # of mean 1, as the loss makes them


def rounds(logits):
    """Probabilities by which self-training in rounds labels."""
    student = MODELS.build(tiny_student())
    return BatchPredictor(student, class_weight=torch.tensor(WEIGHTS)).softmax(
        logits
    )


def online(logits):
    """Probabilities by which an online method labels."""
    student = tiny_student()
    student['decode_head']['loss_decode'] = dict(
        type='ClassBalancedCrossEntropyLoss', class_weight=WEIGHTS
    )
    model = MODELS.build(
        dict(
            type='MeanTeacher',
            student=student,
            pseudo_labeler=dict(type='ConfidencePseudoLabeler'),
            unsup_loss=dict(type='PseudoLabelCrossEntropyLoss'),
            semi_train_cfg=dict(undo_class_weights=True),
        )
    )
    return model.probabilities(logits)


@pytest.mark.parametrize('label', [rounds, online])
def test_a_class_of_weight_0_gives_numbers(label):
    logits = torch.randn(2, 4, 5, 6, generator=torch.manual_seed(0))
    found = label(logits)
    # The weights divide; a class that is not learned stays as it is.
    expected = (
        logits.softmax(1) / torch.tensor([0.5, 2.5, 1, 1])[:, None, None]
    )
    torch.testing.assert_close(found, expected / expected.sum(1, True))


def test_weights_of_a_training_are_undone():
    prior = torch.tensor([0.7, 0.2, 0.1]).view(1, 3, 1, 1)
    weights = torch.tensor([1.0, 3.5, 7.0])
    trained = (prior * weights.view(1, 3, 1, 1)).log()
    torch.testing.assert_close(
        undo_class_weights(trained, weights).softmax(1), prior
    )
