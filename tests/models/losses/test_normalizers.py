"""What every loss is divided by: never padding, unless it says so."""

import pytest
import torch
import torch.nn.functional as F

from mmsemi.models.losses import TargetLoss
from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS

# Settings that a loss cannot do without, or that leave out chance.
SETTINGS = dict(
    DynamicSelfTrainingLoss=dict(gamma=2),
    DynamicMutualLoss=dict(gamma1=5, gamma2=3),
    FlipLoss=dict(gamma1=5, gamma2=3),
    ConfidenceRegularizedLoss=dict(regularizer='kld', loss_weight=0.1),
    EqualizationConsistencyLoss=dict(num_classes=5, sample=False),
    SoftmaxMSELoss=dict(normalizer='valid'),
)
ABSTRACT = ('TargetLoss', 'PixelWeightObjective')
LOSSES = sorted(
    name
    for name, kind in MODELS.module_dict.items()
    if isinstance(kind, type)
    and issubclass(kind, TargetLoss)
    and name not in ABSTRACT
)
# Words by which a docstring says what the sum is divided by.
SAID = ('#valid', '/ n', 'divided by', 'normaliz', 'Weights are divided')


def case(padding: int = 0):
    """Logits and targets, with so many padded columns at the right."""
    torch.manual_seed(0)
    logits = 2 * torch.randn(3, 5, 6, 8)
    soft = torch.randn(3, 5, 6, 8).softmax(1)
    confidence, labels = soft.max(1)
    labels[:, :1] = 255  # not annotated, or dropped
    weights = (confidence > 0.4).float()

    def wide(tensor, value):
        return F.pad(tensor, (0, padding), value=value)

    noise = torch.zeros(3, 5, 6, 8 + padding)
    noise[..., 8:] = torch.randn(3, 5, 6, padding)
    targets = Targets(
        wide(labels, 255),
        wide(confidence, 0.9),
        wide(weights, 0.0),
        wide(torch.ones_like(labels, dtype=torch.bool), False),
        wide(soft, 0.2),
        pseudo=torch.tensor([True, True, False]),
    )
    return (wide(logits, 0.0) + noise).requires_grad_(), targets


def value(name, padding, **changes):
    loss = MODELS.build(dict(type=name, **SETTINGS.get(name, {}), **changes))
    logits, targets = case(padding)
    if not loss.needs_soft:
        targets = targets.change(soft=None)
    result = loss(logits, targets)
    if isinstance(result, dict):
        result = sum(v for key, v in result.items() if 'loss' in key)
    result.backward()
    return result.detach(), logits.grad


@pytest.mark.parametrize('name', LOSSES)
def test_padding_changes_neither_loss_nor_gradient(name) -> None:
    plain, gradient = value(name, 0)
    padded, wide = value(name, 12)
    assert plain > 0
    torch.testing.assert_close(padded, plain)
    torch.testing.assert_close(wide[..., :8], gradient)
    assert not wide[..., 8:].any()


@pytest.mark.parametrize(
    'name', ['PseudoLabelCrossEntropyLoss', 'SoftmaxMSELoss']
)
def test_only_all_counts_padding(name) -> None:
    """As AugSeg and CutMix-Seg have it: 8 of 20 columns are image."""
    loss = MODELS.build(dict(type=name, normalizer='all'))
    plain, padded = (loss(*case(number)) for number in (0, 12))
    torch.testing.assert_close(padded, plain * 8 / 20)


@pytest.mark.parametrize(
    'name', ['EqualizationConsistencyLoss', 'EntropyFilteredCrossEntropyLoss']
)
def test_as_many_averages_as_published_devices(name) -> None:
    """U2PL and AEL: each image of three by itself, or all together."""
    settings = SETTINGS.get(name, {})
    loss = MODELS.build(dict(type=name, per_device=3, **settings))
    joint = MODELS.build(dict(type=name, **settings))
    logits, targets = case()
    targets.labels[0, 2:] = 255  # images with unequally many labels
    alone = [
        joint(logits[k : k + 1], targets.keep(slice(k, k + 1)))
        for k in range(3)
    ]
    torch.testing.assert_close(loss(logits, targets), sum(alone) / 3)
    assert abs(joint(logits, targets) - sum(alone) / 3) > 1e-3


@pytest.mark.parametrize('name', LOSSES)
def test_every_loss_says_what_it_is_divided_by(name) -> None:
    pages = [
        kind.__doc__ or ''
        for kind in MODELS.get(name).__mro__
        if issubclass(kind, TargetLoss)
    ]
    assert any(word in page for page in pages for word in SAID)
