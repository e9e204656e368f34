import json

import pytest
import torch
import torch.nn.functional as F

from mmsemi.models.losses import class_weights_from_frequency
from mmsemi.registry import MODELS
from tests.models.tiny import batch, tiny_student

LOSS = 'ClassBalancedCrossEntropyLoss'


def data(n=2, c=4, seed=0):
    g = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, c, 5, 6, generator=g)
    labels = torch.randint(0, c, (n, 5, 6), generator=g)
    labels[:, :2] = 255
    return logits, labels


@pytest.mark.parametrize('weight', [None, [1.0, 2.0, 3.0, 6.0]])
def test_equals_torch_with_ignored_pixels(weight) -> None:
    logits, labels = data()
    loss = MODELS.build(dict(type=LOSS, class_weight=weight))
    want = F.cross_entropy(
        logits,
        labels,
        weight=None if weight is None else torch.tensor(weight),
        ignore_index=255,
    )
    torch.testing.assert_close(loss(logits, labels), want)


def test_all_ignored_is_zero_with_zero_gradient() -> None:
    logits, labels = data()
    for weight in (None, [1, 2, 3, 4]):
        x = logits.clone().requires_grad_()
        loss = MODELS.build(dict(type=LOSS, class_weight=weight))(
            x, torch.full_like(labels, 255)
        )
        loss.backward()
        assert loss == 0
        assert not x.grad.any()


def test_only_classes_of_weight_zero_is_zero() -> None:
    logits, labels = data()
    x = logits.clone().requires_grad_()
    loss = MODELS.build(dict(type=LOSS, class_weight=[0, 1, 1, 1]))(
        x, torch.zeros_like(labels)
    )
    loss.backward()
    assert loss == 0
    assert torch.isfinite(x.grad).all()


def test_pixel_weights_do_not_enter_the_normalizer() -> None:
    logits, labels = data()
    loss = MODELS.build(dict(type=LOSS))
    half = torch.full(labels.shape, 0.5)
    torch.testing.assert_close(
        loss(logits, labels, weight=half), loss(logits, labels) / 2
    )


def test_reductions_and_factors_of_mmseg() -> None:
    logits, labels = data()
    loss = MODELS.build(dict(type=LOSS, loss_weight=0.5, loss_name='loss_x'))
    assert loss.loss_name == 'loss_x'
    maps = loss(logits, labels, reduction_override='none')
    assert maps.shape == labels.shape
    torch.testing.assert_close(
        maps.sum() / 7, loss(logits, labels, avg_factor=7)
    )
    with pytest.raises(ValueError, match='reduction_override'):
        loss(logits, labels, reduction_override='sum')


def test_another_ignore_index() -> None:
    logits, labels = data()
    labels[labels == 255] = 3
    loss = MODELS.build(dict(type=LOSS, class_weight=[1, 2, 3, 4]))
    want = F.cross_entropy(
        logits, labels, torch.tensor([1.0, 2, 3, 4]), ignore_index=3
    )
    torch.testing.assert_close(loss(logits, labels, ignore_index=3), want)


@pytest.mark.parametrize('mode,power', [('inverse', 1), ('sqrt_inverse', 0.5)])
def test_weights_from_frequencies(mode, power) -> None:
    counts = torch.tensor([400.0, 100.0, 25.0, 4.0])
    weights = class_weights_from_frequency(counts.tolist(), mode)
    assert weights.mean().item() == pytest.approx(1)
    torch.testing.assert_close(
        weights[1:] / weights[0], (counts[0] / counts[1:]) ** power
    )
    shares = class_weights_from_frequency((counts / 529).tolist(), mode)
    torch.testing.assert_close(shares, weights)


def test_effective_number() -> None:
    counts = [1000, 100, 10]
    weights = class_weights_from_frequency(counts, 'effective_number', 0.99)
    raw = torch.tensor([0.01 / (1 - 0.99**n) for n in counts])
    torch.testing.assert_close(weights, raw / raw.mean())
    with pytest.raises(ValueError, match='counts'):
        class_weights_from_frequency([0.5, 0.5], 'effective_number')


def test_absent_class_gets_the_weight_of_the_rarest() -> None:
    weights = class_weights_from_frequency([90, 0, 10], 'inverse')
    assert weights[1] == weights[2] > weights[0]
    with pytest.raises(ValueError, match='positive sum'):
        class_weights_from_frequency([0, 0], 'inverse')


def test_frequency_file(tmp_path) -> None:
    path = tmp_path / 'frequency.json'
    cfg = dict(type=LOSS, mode='inverse', class_frequency=str(path))
    with pytest.raises(FileNotFoundError, match='class_frequency.py'):
        MODELS.build(cfg)
    for content in ([3, 1], dict(pixels=[3, 1])):
        path.write_text(json.dumps(content))
        torch.testing.assert_close(
            MODELS.build(cfg).class_weight, torch.tensor([0.5, 1.5])
        )
    path.write_text('{"other": [3, 1]}')
    with pytest.raises(ValueError, match='pixels'):
        MODELS.build(cfg)


def test_wrong_settings_are_refused() -> None:
    for cfg, message in [
        (
            dict(class_weight=[1, 2], mode='inverse', class_frequency=[1, 2]),
            'not both',
        ),
        (dict(mode='inverse'), 'belong together'),
        (dict(mode='cube', class_frequency=[1, 2]), 'mode must be'),
        (dict(class_weight=[0, 0]), 'non-negative'),
    ]:
        with pytest.raises(ValueError, match=message):
            MODELS.build(dict(type=LOSS, **cfg))
    logits, labels = data()
    with pytest.raises(ValueError, match='3 class weights for 4 classes'):
        MODELS.build(dict(type=LOSS, class_weight=[1, 2, 3]))(logits, labels)
    with pytest.raises(ValueError, match='binary'):
        MODELS.build(dict(type=LOSS))(logits[:, :1], labels)


def test_serves_any_head_of_mmseg() -> None:
    """With class weights and 255, where mmseg's own loss fails."""
    cfg = tiny_student(auxiliary=True)
    loss = dict(type=LOSS, class_weight=[1, 2, 3, 4])
    cfg['decode_head']['loss_decode'] = [
        loss,
        dict(loss, loss_name='loss_second', loss_weight=0.5),
    ]
    cfg['auxiliary_head']['loss_decode'] = loss
    cfg['decode_head']['sampler'] = dict(
        type='OHEMPixelSampler', thresh=0.7, min_kept=10
    )
    model = MODELS.build(cfg)
    # Weights from a config never enter a checkpoint.
    assert not any('loss' in key for key in model.state_dict())
    inputs = batch(dict(sup=2))
    inputs = model.data_preprocessor(
        dict(
            inputs=inputs['inputs']['sup'],
            data_samples=inputs['data_samples']['sup'],
        ),
        True,
    )
    losses = model(**inputs, mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert losses['decode.loss_second'] < losses['decode.loss_ce']
    assert 'aux.loss_ce' in losses


@pytest.mark.parametrize('beta', [1, 1.5, -0.1, float('nan')])
def test_a_beta_without_weights_is_refused(beta) -> None:
    kind = dict(type=LOSS, mode='effective_number', beta=beta)
    for frequency in ([3, 40], 'labeled'):
        with pytest.raises(ValueError, match='beta must be at least 0'):
            MODELS.build(dict(kind, class_frequency=frequency))
    with pytest.raises(ValueError, match="mode='inverse'"):
        class_weights_from_frequency([3, 40], 'effective_number', beta)


def test_a_beta_near_1_weights_as_the_inverse() -> None:
    torch.testing.assert_close(
        class_weights_from_frequency([3, 40], 'effective_number', 1 - 1e-9),
        class_weights_from_frequency([3, 40], 'inverse'),
    )
