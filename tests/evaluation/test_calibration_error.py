import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData

from mmsemi.evaluation.calibration_error import CalibrationErrorMetric
from mmsemi.registry import MODELS
from tests.models.tiny import tiny_student


def measure(samples, bins=15):
    metric = CalibrationErrorMetric(bins)
    metric.process({}, samples)
    return metric.evaluate(1)['ECE']


def sample_of(logits, truth):
    return dict(
        seg_logits=dict(data=logits), gt_sem_seg=dict(data=truth[None])
    )


def by_definition(confidence, label, truth, bins):
    known = truth != 255
    expected = 0.0
    for k in range(bins):
        inside = (
            known & (confidence > k / bins) & (confidence <= (k + 1) / bins)
        )
        if inside.any():
            right = (label == truth)[inside].float().mean()
            gap = abs(right - confidence[inside].mean())
            expected += float(gap * inside.sum() / known.sum())
    return 100 * expected


def test_the_error_is_that_of_the_definition() -> None:
    torch.manual_seed(0)
    logits = 2 * torch.randn(4, 30, 40)
    truth = torch.randint(0, 4, (30, 40))
    truth[:3] = 255
    expected = by_definition(*logits.softmax(0).max(0), truth, 10)
    assert measure([sample_of(logits, truth)], 10) == pytest.approx(
        expected, abs=1e-3
    )


def test_a_network_that_is_sure_and_right_has_none() -> None:
    truth = torch.randint(0, 2, (8, 8))
    logits = 50.0 * torch.stack([1 - truth, truth])
    right, wrong = sample_of(logits, truth), sample_of(-logits, truth)
    assert measure([right]) == pytest.approx(0, abs=1e-6)
    # Sure and always wrong: all of it.
    assert measure([wrong]) == pytest.approx(100)


@pytest.mark.parametrize('threshold', [0.5, 0.3])
def test_one_channel_is_as_sure_as_its_prediction(threshold) -> None:
    """mmseg gives the probability of the second class, not its logit."""
    cfg = ConfigDict(tiny_student(2))
    cfg.decode_head.update(out_channels=1, threshold=threshold)
    cfg.decode_head.loss_decode.use_sigmoid = True
    model = MODELS.build(cfg)
    torch.manual_seed(0)
    logits = 2 * torch.randn(1, 1, 30, 40)
    (sample,) = model.postprocess_result(logits)
    truth = torch.randint(0, 2, (30, 40))
    sample.gt_sem_seg = PixelData(data=truth[None])
    found = measure([sample.to_dict()])
    likely = logits[0, 0].sigmoid()
    label = likely > threshold
    confidence = torch.where(label, likely, 1 - likely)
    if threshold == 0.5:
        assert torch.equal(confidence, torch.maximum(likely, 1 - likely))
    assert found == pytest.approx(by_definition(confidence, label, truth, 15))
