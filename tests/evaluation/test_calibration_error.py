import pytest
import torch

from mmsemi.evaluation.calibration_error import (
    CalibrationErrorMetric,
    confidence_bins,
)


def measure(logits, truth, bins=15):
    metric = CalibrationErrorMetric(bins)
    metric.process(
        {},
        [
            dict(
                seg_logits=dict(data=logits), gt_sem_seg=dict(data=truth[None])
            )
        ],
    )
    return metric.evaluate(1)['ECE']


def test_the_error_is_that_of_the_definition() -> None:
    torch.manual_seed(0)
    logits = 2 * torch.randn(4, 30, 40)
    truth = torch.randint(0, 4, (30, 40))
    truth[:3] = 255
    confidence, label = logits.softmax(0).max(0)
    known = truth != 255
    expected, bins = 0.0, 10
    for k in range(bins):
        inside = (
            known & (confidence > k / bins) & (confidence <= (k + 1) / bins)
        )
        if inside.any():
            right = (label == truth)[inside].float().mean()
            gap = abs(right - confidence[inside].mean())
            expected += float(gap * inside.sum() / known.sum())
    assert measure(logits, truth, bins) == pytest.approx(
        100 * expected, abs=1e-3
    )


def test_a_network_that_is_sure_and_right_has_none() -> None:
    truth = torch.randint(0, 2, (8, 8))
    logits = 50.0 * torch.stack([1 - truth, truth])
    assert measure(logits, truth) == pytest.approx(0, abs=1e-6)
    # Sure and always wrong: all of it.
    assert measure(-logits, truth) == pytest.approx(100)


def test_one_map_is_that_of_the_second_class() -> None:
    truth = torch.tensor([[0, 1]])
    one = torch.tensor([[[-3.0, 3.0]]])
    two = torch.cat([torch.zeros(1, 1, 2), one])
    assert torch.equal(
        confidence_bins(one, truth, 15), confidence_bins(two, truth, 15)
    )
