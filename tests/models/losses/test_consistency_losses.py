import pytest
import torch
import torch.nn.functional as F

from mmsemi.models.pseudo_labelers import ConfidencePseudoLabeler
from mmsemi.registry import MODELS

NORMALIZERS = ('valid', 'confident', 'all')


def targets_of(logits, threshold=0.5):
    soft = logits.softmax(1)
    found = ConfidencePseudoLabeler(threshold)(soft)
    valid = torch.ones_like(found.valid)
    valid[:, :2] = False
    return found.change(
        labels=found.labels.masked_fill(~valid, 255),
        weights=found.weights * valid,
        valid=valid,
        soft=soft,
    )


@pytest.fixture
def case():
    torch.manual_seed(0)
    logits = torch.randn(2, 5, 8, 9, requires_grad=True)
    return logits, targets_of(2 * torch.randn(2, 5, 8, 9))


def count(targets, normalizer):
    return dict(
        valid=targets.valid.sum(),
        confident=(targets.weights > 0).sum(),
        all=targets.valid.numel(),
    )[normalizer]


@pytest.mark.parametrize('normalizer', NORMALIZERS)
def test_cross_entropy(case, normalizer) -> None:
    logits, targets = case
    sure = targets.weights > 0
    assert 0 < sure.sum() < targets.valid.sum()
    loss = MODELS.build(
        dict(
            type='PseudoLabelCrossEntropyLoss',
            normalizer=normalizer,
            loss_weight=3.0,
        )
    )(logits, targets)
    ce = F.cross_entropy(
        logits, targets.labels, reduction='none', ignore_index=255
    )
    torch.testing.assert_close(
        loss, 3 * ce[sure].sum() / count(targets, normalizer)
    )
    loss.backward()
    assert (logits.grad.transpose(0, 1)[:, ~sure] == 0).all()


@pytest.mark.parametrize('normalizer', NORMALIZERS)
@pytest.mark.parametrize('reduce', ['sum', 'mean'])
def test_softmax_mse(case, normalizer, reduce) -> None:
    logits, targets = case
    loss = MODELS.build(
        dict(
            type='SoftmaxMSELoss',
            normalizer=normalizer,
            reduce=reduce,
            loss_weight=100.0,
        )
    )(logits, targets)
    square = (logits.softmax(1) - targets.soft) ** 2
    square = square.sum(1) if reduce == 'sum' else square.mean(1)
    torch.testing.assert_close(
        loss,
        100 * (square * targets.weights).sum() / count(targets, normalizer),
    )


def test_class_weights_enter_sum_and_normalizer(case) -> None:
    logits, targets = case
    weight = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]) / 3
    loss = MODELS.build(
        dict(
            type='PseudoLabelCrossEntropyLoss',
            normalizer='confident',
            criterion=dict(
                type='ClassBalancedCrossEntropyLoss',
                class_weight=weight.tolist(),
            ),
        )
    )(logits, targets)
    labels = targets.labels.masked_fill(targets.weights == 0, 255)
    torch.testing.assert_close(
        loss, F.cross_entropy(logits, labels, weight, ignore_index=255)
    )


@pytest.mark.parametrize(
    'kind', ['PseudoLabelCrossEntropyLoss', 'SoftmaxMSELoss']
)
@pytest.mark.parametrize('normalizer', NORMALIZERS)
def test_no_sure_or_no_valid_pixel_is_zero(case, kind, normalizer) -> None:
    logits, targets = case
    module = MODELS.build(dict(type=kind, normalizer=normalizer))
    none = torch.zeros_like(targets.weights)
    for change in (
        dict(weights=none),
        dict(
            weights=none,
            valid=none.bool(),
            labels=torch.full_like(targets.labels, 255),
        ),
    ):
        loss = module(logits, targets.change(**change))
        (gradient,) = torch.autograd.grad(loss, logits)
        assert loss == 0 and (gradient == 0).all()


@pytest.mark.parametrize(
    'kind', ['PseudoLabelCrossEntropyLoss', 'SoftmaxMSELoss']
)
def test_half_precision_and_shift(case, kind) -> None:
    logits, targets = case
    module = MODELS.build(dict(type=kind))
    loss = module(logits, targets)
    torch.testing.assert_close(module(logits + 7, targets), loss)
    half = module(logits.bfloat16(), targets)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, loss, rtol=1e-2, atol=0)


def test_labeler() -> None:
    p = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]]).T[
        None, :, None
    ]
    result = ConfidencePseudoLabeler(0.5)(p)
    assert result.labels.tolist() == [[[0, 1, 2]]]
    assert result.weights.tolist() == [[[1, 1, 0]]]
    torch.testing.assert_close(
        result.confidence, torch.tensor([[[0.5, 0.8, 0.4]]])
    )
    each = ConfidencePseudoLabeler((0.6, 0.8, 0.4))(p.float())
    assert each.weights.tolist() == [[[0, 1, 1]]]
    share = ConfidencePseudoLabeler(0.5, per_pixel=False)(p)
    torch.testing.assert_close(share.weights, torch.full((1, 1, 3), 2 / 3))
    assert (ConfidencePseudoLabeler(0.0)(p).weights == 1).all()
    assert not ConfidencePseudoLabeler(0.5).state_dict()


def test_wrong_settings() -> None:
    for cfg, word in (
        (dict(normalizer='mean'), 'normalizer'),
        (dict(criterion=dict(type='CrossEntropyLoss')), 'criterion'),
    ):
        with pytest.raises((TypeError, ValueError), match=word):
            MODELS.build(dict(type='PseudoLabelCrossEntropyLoss', **cfg))
    with pytest.raises(ValueError, match='reduce'):
        MODELS.build(dict(type='SoftmaxMSELoss', reduce='max'))
    with pytest.raises(ValueError, match='threshold'):
        ConfidencePseudoLabeler(-0.1)
