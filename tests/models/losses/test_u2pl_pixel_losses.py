import math

import pytest
import torch
import torch.nn.functional as F

from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS

TYPES = (
    'EntropyFilteredCrossEntropyLoss',
    'ReverseCrossEntropyLoss',
    'OHEMCrossEntropyLoss',
)


def inputs(n=2, c=4, h=5, w=6, dtype=torch.float32):
    g = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(n, c, h, w, generator=g)
    labels = torch.randint(0, c, (n, h, w), generator=g)
    labels[:, 0] = 255
    return logits.to(dtype).requires_grad_(), labels


def value(name, logits, labels, **cfg):
    criterion = MODELS.build(dict(type=name, **cfg))
    if name != TYPES[2]:
        labels = Targets(labels)
    return criterion(logits, labels)


@pytest.mark.parametrize('name', TYPES)
def test_all_ignored_is_zero_with_zero_gradient(name) -> None:
    logits, labels = inputs()
    loss = value(name, logits, labels.fill_(255))
    loss.backward()
    assert loss == 0 and not logits.grad.any()


@pytest.mark.parametrize('name', TYPES)
def test_half_precision_is_computed_in_float32(name) -> None:
    logits, labels = inputs(dtype=torch.bfloat16)
    loss = value(name, logits, labels)
    loss.backward()
    assert loss.dtype == torch.float32 and logits.grad.dtype == torch.bfloat16
    torch.testing.assert_close(loss, value(name, logits.float(), labels))


def test_dropped_labels_raise_the_weight_of_the_others() -> None:
    logits, labels = inputs(1)
    kept = (labels != 255).sum()
    mean = F.cross_entropy(logits, labels, ignore_index=255)
    torch.testing.assert_close(
        value(TYPES[0], logits, labels, loss_weight=2.0),
        2 * mean * labels.numel() / kept,
    )
    weight = torch.tensor([1.0, 2.0, 3.0, 4.0])
    mean = F.cross_entropy(logits, labels, weight / 2.5, ignore_index=255)
    torch.testing.assert_close(
        value(
            TYPES[0],
            logits,
            labels,
            criterion=dict(
                type='ClassBalancedCrossEntropyLoss', class_weight=[1, 2, 3, 4]
            ),
        ),
        mean * labels.numel() / kept,
    )


@pytest.mark.parametrize('share', [0.0, 0.5, 0.75])
def test_padding_does_not_change_the_weight_of_what_is_kept(share) -> None:
    """Equation 8 with N the pixels of the images: 1 / 0.8 at the start."""
    logits = torch.randn(2, 4, 8, 10, generator=torch.Generator())
    valid = torch.ones(2, 8, 10, dtype=torch.bool)
    valid[:, : round(8 * share)] = False
    labels = torch.zeros(2, 8, 10, dtype=torch.long)
    labels[:, :, :2] = 255  # dropped: a fifth of the pixels of the images
    targets = Targets(labels.masked_fill(~valid, 255), valid=valid)
    mean = F.cross_entropy(logits, targets.labels, ignore_index=255)
    loss = MODELS.build(dict(type=TYPES[0]))(logits, targets)
    torch.testing.assert_close(loss, 1.25 * mean)


def test_what_is_cut_out_counts_like_dropped_labels() -> None:
    """255 of CutOut stays in N, as in the published code."""
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 4, 8, 8), torch.zeros(2, 8, 8).long()
    cut_out = MODELS.build(dict(type='CutOut', prob=1.0))
    _, targets = cut_out(torch.randn(2, 3, 8, 8), Targets(labels))
    kept = (targets.labels != 255).sum()
    assert 0 < kept < labels.numel()
    mean = F.cross_entropy(logits, targets.labels, ignore_index=255)
    loss = MODELS.build(dict(type=TYPES[0]))(logits, targets)
    torch.testing.assert_close(loss, labels.numel() / kept * mean)


def test_reverse_cross_entropy_is_the_clamped_formula() -> None:
    logits, labels = inputs()
    valid = labels != 255
    one_hot = F.one_hot(labels.where(valid, 0), 4).clamp(min=1e-4)
    terms = -(logits.softmax(1) * one_hot.permute(0, 3, 1, 2).log()).sum(1)
    torch.testing.assert_close(
        value(TYPES[1], logits, labels), terms[valid].mean()
    )
    assert MODELS.build(dict(type=TYPES[1])).scale == pytest.approx(
        math.log(1e4)
    )


def test_ohem_keeps_the_hardest() -> None:
    logits, labels = inputs()
    valid = labels != 255
    pixel = F.cross_entropy(
        logits, labels, reduction='none', ignore_index=255
    ).detach()
    kept_before = torch.zeros_like(valid)
    for min_kept in (1, 5, 20, int(valid.sum()), 10**6):
        ohem = MODELS.build(
            dict(type=TYPES[2], thresh=0.05, min_kept=min_kept)
        )
        kept = ohem.kept(pixel, valid)
        assert not kept[~valid].any()
        assert (kept_before <= kept).all(), 'not monotone in min_kept'
        assert kept.sum() >= min(min_kept, int(valid.sum()))
        assert (
            pixel[kept].min() >= pixel[valid & ~kept].max()
            if (valid & ~kept).any()
            else True
        )
        torch.testing.assert_close(
            ohem(logits, labels),
            pixel[kept].mean() if kept.any() else torch.tensor(0.0),
        )
        kept_before = kept
    plain = F.cross_entropy(logits, labels, ignore_index=255)
    torch.testing.assert_close(ohem(logits, labels), plain)
    # Nothing is selected where nothing need be kept.
    ohem = MODELS.build(dict(type=TYPES[2], thresh=0.05, min_kept=0))
    assert torch.equal(ohem.kept(pixel, valid), valid)
    torch.testing.assert_close(ohem(logits, labels), plain)


def test_ohem_serves_a_head_of_mmseg() -> None:
    head = MODELS.build(
        dict(
            type='FCNHead',
            in_channels=3,
            channels=4,
            num_classes=4,
            num_convs=1,
            loss_decode=dict(type=TYPES[2], loss_weight=0.4),
        )
    )
    samples_loss = head.loss_decode(
        *inputs(), weight=None, ignore_index=head.ignore_index
    )
    assert head.loss_decode.loss_name == 'loss_ohem'
    assert samples_loss.ndim == 0 and samples_loss > 0


@pytest.mark.parametrize('name', TYPES[:2])
def test_labels_without_weight_are_dropped_ones(name) -> None:
    """Labelers that weigh leave the labels where they are."""
    logits, labels = inputs()
    torch.manual_seed(0)
    weights = (torch.rand(labels.shape) < 0.6).float()
    found = MODELS.build(dict(type=name))(
        logits, Targets(labels, weights=weights)
    )
    dropped = labels.masked_fill(weights == 0, 255)
    torch.testing.assert_close(found, value(name, logits, dropped))
    assert not torch.isclose(found, value(name, logits, labels))
