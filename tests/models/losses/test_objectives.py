"""Properties of the self-training objectives (labels, weights, limits)."""

import pytest
import torch
import torch.nn.functional as F

from mmsemi.models.losses import dynamic_mutual_loss, online_self_training_loss
from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS

DST = dict(type='DynamicSelfTrainingLoss', gamma=3)
DMT = dict(type='DynamicMutualLoss', gamma1=3, gamma2=2)
CRST = dict(
    type='ConfidenceRegularizedLoss', regularizer='kld', loss_weight=0.1
)
ALL = [
    DST,
    dict(DST, offline=True),
    DMT,
    dict(type='NaiveMutualLoss'),
    dict(type='FlipLoss', gamma1=3, gamma2=2),
    dict(type='OnlineSelfTrainingLoss', threshold=0.3),
    dict(
        DST,
        criterion=dict(
            type='ClassBalancedCrossEntropyLoss', class_weight=[1, 2, 3, 4, 5]
        ),
    ),
    CRST,
]
IDS = ['dst', 'offline', 'dmt', 'naive', 'flip', 'online', 'weighted', 'crst']


def make(n=4, c=5, size=(6, 7), scale=2.0, seed=0):
    """Logits, labels with some 255, confidence; two samples are pseudo."""
    g = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(n, c, *size, generator=g)
    labels = torch.randint(0, c, (n, *size), generator=g)
    labels[torch.rand(n, *size, generator=g) < 0.2] = 255
    confidence = torch.rand(n, *size, generator=g)
    confidence[labels == 255] = 255.0
    return logits, labels, torch.arange(n) % 2 == 0, confidence


def evaluate(cfg, logits, labels, mask, confidence):
    logits = logits.clone().requires_grad_()
    result = MODELS.build(cfg)(
        logits, Targets(labels, confidence, pseudo=mask)
    )
    (result['loss_seg'] + result.get('loss_reg', 0)).backward()
    return result, logits.grad


@pytest.fixture(params=ALL, ids=IDS)
def cfg(request):
    return request.param


def test_pixels_without_weight_are_as_good_as_unlabeled(cfg) -> None:
    """Labelers that weigh, and label everywhere, serve objectives, too."""
    logits, labels, mask, confidence = make()
    torch.manual_seed(0)
    weights = (torch.rand(labels.shape) < 0.6).float()
    result = MODELS.build(cfg)(
        logits, Targets(labels, confidence, weights, pseudo=mask)
    )
    dropped = labels.masked_fill(weights == 0, 255)
    wanted, _ = evaluate(cfg, logits, dropped, mask, confidence)
    assert (dropped != labels).any()
    for key, value in wanted.items():
        torch.testing.assert_close(result[key], value.detach())


def test_weights_multiply(cfg) -> None:
    logits, labels, mask, confidence = make()
    half = torch.full(labels.shape, 0.5)
    result = MODELS.build(cfg)(
        logits, Targets(labels, confidence, half, pseudo=mask)
    )
    wanted, _ = evaluate(cfg, logits, labels, mask, confidence)
    torch.testing.assert_close(
        result['loss_seg'], wanted['loss_seg'].detach() / 2
    )


def test_samples_may_be_permuted_with_their_mask(cfg) -> None:
    data = make()
    order = torch.tensor([2, 0, 3, 1])
    result, grad = evaluate(cfg, *data)
    other, other_grad = evaluate(cfg, *(x[order] for x in data))
    for key, value in result.items():
        torch.testing.assert_close(other[key], value)
    torch.testing.assert_close(other_grad, grad[order])


def test_labeled_samples_only_is_plain_cross_entropy(cfg) -> None:
    logits, labels, mask, confidence = make()
    result, _ = evaluate(cfg, logits, labels, mask & False, confidence)
    weight = None
    if 'criterion' in cfg:
        weight = torch.tensor([1.0, 2, 3, 4, 5]) / 3
    want = F.cross_entropy(logits, labels, weight, ignore_index=255)
    torch.testing.assert_close(result['loss_seg'].detach(), want)
    assert result['avg_weight'] == 1


@pytest.mark.parametrize(
    'case',
    [
        'all_ignored',
        'pseudo_ignored',
        'labeled_ignored',
        'one_pixel',
        'one_class',
        'batch_of_one',
        'only_pseudo',
        'no_confidence',
        'extreme',
    ],
)
def test_limits_are_finite(cfg, case) -> None:
    logits, labels, mask, confidence = make()
    if case == 'all_ignored':
        labels = torch.full_like(labels, 255)
    elif case == 'pseudo_ignored':
        labels[mask] = 255
    elif case == 'labeled_ignored':
        labels[~mask] = 255
    elif case == 'one_pixel':
        labels[:] = 255
        labels[0, 0, 0] = 1
        confidence[0, 0, 0] = 0.5
    elif case == 'one_class':
        labels[:] = 3
        confidence[:] = 0.5
    elif case == 'batch_of_one':
        logits, labels, mask, confidence = (
            x[:1] for x in (logits, labels, mask, confidence)
        )
    elif case == 'only_pseudo':
        mask[:] = True
    elif case == 'no_confidence':
        confidence = None
    else:
        logits = logits * 200
    result, grad = evaluate(cfg, logits, labels, mask, confidence)
    assert all(torch.isfinite(v) and v.ndim == 0 for v in result.values())
    assert torch.isfinite(grad).all()
    assert 0 <= result['avg_weight'] <= 1
    if case == 'all_ignored':
        assert result['loss_seg'] == 0
        assert not grad.any()


def test_ignored_pixels_have_no_effect(cfg) -> None:
    logits, labels, mask, confidence = make()
    result, grad = evaluate(cfg, logits, labels, mask, confidence)
    ignored = labels == 255
    other = logits + 5 * torch.randn_like(logits) * ignored[:, None]
    wild = torch.where(ignored, torch.tensor(float('nan')), confidence)
    again, _ = evaluate(cfg, other, labels, mask, wild)
    for key, value in result.items():
        torch.testing.assert_close(again[key], value)
    assert not grad.movedim(1, -1)[ignored].any()


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_logits_are_computed_in_float32(cfg, dtype) -> None:
    logits, labels, mask, confidence = make()
    half = logits.to(dtype)
    result, grad = evaluate(cfg, half, labels, mask, confidence)
    want, _ = evaluate(cfg, half.float(), labels, mask, confidence)
    assert result['loss_seg'].dtype == torch.float32
    assert grad.dtype == dtype
    for key, value in want.items():
        torch.testing.assert_close(result[key], value)


@pytest.mark.parametrize('cfg', [DST, DMT, ALL[3], ALL[4]])
def test_no_gradient_through_the_weights(cfg) -> None:
    """The gradient is w (p - onehot) / #valid with w held fixed."""
    logits, labels, mask, confidence = make()
    _, grad = evaluate(cfg, logits, labels, mask, confidence)
    objective = MODELS.build(cfg)
    valid = labels != 255
    pseudo = valid & mask.view(-1, 1, 1)
    evidence = objective.examine(logits, labels, pseudo, confidence)
    labels = objective.relabel(labels, mask.view(-1, 1, 1), evidence)
    ce = F.cross_entropy(logits, labels, reduction='none', ignore_index=255)
    weights = objective.pixel_weights(ce, pseudo, evidence)
    onehot = F.one_hot(labels.where(valid, 0), 5).movedim(-1, 1)
    want = (logits.softmax(1) - onehot) * (weights * valid)[:, None]
    torch.testing.assert_close(grad, want / valid.sum())


def test_raising_gamma_never_raises_the_loss() -> None:
    data = make()
    losses = [
        evaluate(dict(DST, gamma=g), *data)[0]['loss_seg'].item()
        for g in (0, 0.5, 1, 3, 9, 30)
    ]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > losses[-1]


def test_mutual_loss_of_certain_labels_is_the_dynamic_loss() -> None:
    """Nobody is more confident than a stored confidence of 1."""
    logits, labels, mask, confidence = make()
    one = torch.ones_like(confidence)
    mutual, _ = evaluate(
        dict(DMT, gamma1=4, gamma2=4), logits, labels, mask, one
    )
    dynamic, _ = evaluate(dict(DST, gamma=4), logits, labels, mask, None)
    torch.testing.assert_close(mutual['loss_seg'], dynamic['loss_seg'])


def test_class_weights_do_not_enter_the_dynamic_weight() -> None:
    """w = p^gamma whatever the class weights; both only scale the terms."""
    logits, labels, mask, _ = make()
    b = torch.tensor([1.0, 2, 3, 4, 5]) / 3
    result, _ = evaluate(ALL[6], logits, labels, mask, None)
    valid = labels != 255
    ce = F.cross_entropy(logits, labels, reduction='none', ignore_index=255)
    w = torch.where(mask.view(-1, 1, 1), (-3 * ce).exp(), torch.ones(()))
    balance = b[labels.where(valid, 0)] * valid
    want = (w * balance * ce).sum() / balance.sum()
    torch.testing.assert_close(result['loss_seg'].detach(), want)


def test_online_labels_leave_padding_alone_unless_asked() -> None:
    logits, labels, mask, _ = make(scale=9)
    cfg = dict(type='OnlineSelfTrainingLoss', threshold=0.5)
    kept, _ = evaluate(cfg, logits, labels, mask, None)
    more, _ = evaluate(
        dict(cfg, relabel_ignored=True), logits, labels, mask, None
    )
    share = (labels[mask] != 255).float().mean()
    assert kept['pseudo_share'] <= share < more['pseudo_share']


def test_mean_divergence_is_label_smoothing() -> None:
    """CE + alpha MRKLD = (1 + alpha) CE with uniformly smoothed labels."""
    logits, labels, mask, _ = make()
    result, _ = evaluate(CRST, logits, labels, mask | True, None)
    alpha = 0.1
    # PyTorch's smoothing spreads over all classes, the right one included.
    want = (1 + alpha) * F.cross_entropy(
        logits, labels, ignore_index=255, label_smoothing=alpha / (1 + alpha)
    )
    total = result['loss_seg'] + result['loss_reg']
    torch.testing.assert_close(total.detach(), want)


@pytest.mark.parametrize('name', ['kld', 'l2', 'ent'])
def test_regularizer_pulls_pseudo_labeled_pixels_apart(name) -> None:
    """Only those, and towards the uniform distribution."""
    logits, labels, mask, _ = make()
    objective = MODELS.build(dict(CRST, regularizer=name))
    x = logits.clone().requires_grad_()
    objective(x, Targets(labels, pseudo=mask))['loss_reg'].backward()
    regular = (labels != 255) & mask.view(-1, 1, 1)
    moved = x.grad.abs().sum(1) > 0
    assert torch.equal(moved, regular)
    torch.testing.assert_close(
        x.grad.sum(1), torch.zeros(labels.shape), atol=1e-7, rtol=0
    )
    top = logits.argmax(1, keepdim=True)
    assert (x.grad.gather(1, top)[:, 0][regular] > 0).all()


def test_soft_labels_of_one_class_are_hard_labels() -> None:
    logits, labels, mask, _ = make()
    valid = labels != 255
    soft = F.one_hot(labels.where(valid, 0), 5).movedim(-1, 1).float()
    soft[~mask] = 0  # labeled samples have none
    objective = MODELS.build(CRST)
    for key, value in objective(logits, Targets(labels, pseudo=mask)).items():
        torch.testing.assert_close(
            objective(logits, Targets(labels, pseudo=mask, soft=soft))[key],
            value,
        )
    # An unlabeled pixel learns nothing from its soft label.
    x = logits.clone().requires_grad_()
    objective(x, Targets(labels, pseudo=mask, soft=soft.roll(1, 1)))[
        'loss_seg'
    ].backward()
    assert not x.grad.movedim(1, -1)[~valid].any()
    with pytest.raises(ValueError, match='soft'):
        MODELS.build(DST)(logits, Targets(labels, pseudo=mask, soft=soft))


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValueError, match='negative'):
        MODELS.build(dict(DST, gamma=-1))
    with pytest.raises(ValueError, match='negative'):
        MODELS.build(dict(DMT, gamma2=-1))
    with pytest.raises(ValueError, match='kld'):
        MODELS.build(dict(CRST, regularizer='entropy'))
    with pytest.raises(TypeError, match='ClassBalancedCrossEntropyLoss'):
        MODELS.build(dict(DST, criterion=dict(type='CrossEntropyLoss')))


def test_no_host_synchronization(cfg, monkeypatch) -> None:
    def fail(*args, **kwargs):
        raise AssertionError('the training step waits for the device')

    objective = MODELS.build(cfg)
    logits, labels, mask, confidence = make()
    targets = Targets(labels, confidence, pseudo=mask)
    logits.requires_grad_()
    for module in (dynamic_mutual_loss, online_self_training_loss):
        # As on a GPU.
        monkeypatch.setattr(module, 'max_over_classes', lambda x: x.max(1))
    for name in (
        'item',
        'cpu',
        'tolist',
        'numpy',
        '__bool__',
        '__float__',
        '__int__',
    ):
        monkeypatch.setattr(torch.Tensor, name, fail)
    with pytest.raises(AssertionError, match='waits'):  # it would be seen
        logits.sum().item()
    objective(logits, targets)['loss_seg'].backward()
    assert logits.grad is not None and logits.grad.shape == logits.shape
