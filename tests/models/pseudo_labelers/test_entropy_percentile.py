import numpy as np
import pytest
import torch

from mmsemi.models.pseudo_labelers import (
    ReleasedAELPseudoLabeler,
    masked_percentiles,
    pixel_entropy,
)
from mmsemi.registry import MODELS


def labeler(**cfg):
    return MODELS.build(dict(type='EntropyPercentilePseudoLabeler', **cfg))


def prediction(n=2, c=5, h=6, w=7, seed=0):
    g = torch.Generator().manual_seed(seed)
    return (3 * torch.randn(n, c, h, w, generator=g)).softmax(1)


def test_percentiles_are_numpys() -> None:
    values = pixel_entropy(prediction())
    mask = torch.rand(values.shape) < 0.6
    percents = [0, 3.7, 50, 80, 99.9, 100]
    want = np.percentile(values[mask].double().numpy(), percents)
    np.testing.assert_allclose(
        masked_percentiles(values, mask, percents), want, rtol=1e-6
    )
    one = torch.zeros_like(mask).index_fill_(0, torch.tensor(0), False)
    one[1, 2, 3] = True
    assert (
        masked_percentiles(values, one, [0, 55, 100]) == values[1, 2, 3]
    ).all()
    assert masked_percentiles(values, mask & False, [50]).isinf().all()


def test_more_values_than_torch_quantile_takes() -> None:
    values = torch.arange(2**24 + 3).flip(0).float() / 2**24
    got = masked_percentiles(values, values >= 0, [50.0])
    assert got.item() == pytest.approx((2**24 + 2) / 2**25, abs=1e-7)


def test_shares_follow_the_progress() -> None:
    probabilities = prediction(2, 5, 40, 50)
    entropy = pixel_entropy(probabilities)
    labels = probabilities.argmax(1)
    for progress in (0.0, 0.25, 0.5):
        split = labeler().split(entropy, labels, progress)
        a = 0.2 * (1 - progress)
        for mask, share in (
            (split.labels != 255, 1 - a),
            (split.low, a),
            (split.high, a),
        ):
            assert mask.float().mean().item() == pytest.approx(share, abs=1e-3)
        assert not (split.low & split.high).any()
    # At the end: all but the least certain pixel is learned from, and one
    # pixel remains on either side.
    split = labeler().split(entropy, labels, 1.0)
    for mask, count in (
        (split.labels == 255, 1),
        (split.low, 1),
        (split.high, 1),
    ):
        assert mask.sum() == count


def test_ignored_pixels_have_no_part() -> None:
    probabilities = prediction()
    valid = torch.ones(2, 6, 7, dtype=torch.bool)
    valid[0, :3] = False
    result = labeler()(probabilities, valid)
    assert (result.labels[~valid] == 255).all()
    assert not result.weights[~valid].any()
    # Whatever is predicted there, the rest is labeled alike.
    other = probabilities.clone()
    other[0, :, :3] = 0.2
    assert torch.equal(labeler()(other, valid).labels, result.labels)
    nothing = labeler()(probabilities, valid & False)
    assert (nothing.labels == 255).all() and not nothing.weights.any()


def test_constant_entropy_drops_everything() -> None:
    flat = torch.full((1, 4, 3, 3), 0.25)
    result = labeler()(flat)
    assert (result.weights == 0).all() and (result.labels != 255).all()


def test_rule_of_the_released_ael_branch_is_reversed() -> None:
    probabilities = prediction(1, 5, 40, 50)
    entropy, labels = pixel_entropy(probabilities), probabilities.argmax(1)
    usual = labeler().split(entropy, labels, 0.0)
    released = ReleasedAELPseudoLabeler().split(entropy, labels, 0.0)
    assert (
        entropy[usual.labels == 255].min() > entropy[usual.labels != 255].max()
    )
    dropped = released.labels == 255
    assert entropy[dropped].max() < entropy[~dropped].min()
    assert dropped.float().mean().item() == pytest.approx(0.2, abs=1e-3)
    # Anchors then come from the pixels just above the dropped ones.
    assert released.low.float().mean().item() == pytest.approx(0.16, abs=1e-3)
    assert entropy[released.low].min() >= entropy[dropped].max()


def test_half_precision_and_wrong_settings() -> None:
    probabilities = prediction().bfloat16()
    assert pixel_entropy(probabilities).dtype == torch.float32
    assert labeler()(probabilities).confidence.dtype == torch.float32
    with pytest.raises(ValueError, match='drop_percent'):
        labeler(drop_percent=120)
