import math

import pytest
import torch
import torch.nn.functional as F

from mmsemi.models.losses import ClassMemoryBank
from mmsemi.models.losses.sampled_info_nce import SampledInfoNCE
from mmsemi.registry import MODELS
from tests.processes import in_two

C, D = 5, 8


def objective(**cfg):
    settings = dict(
        type='UnreliablePixelContrastLoss',
        num_classes=C,
        channels=D,
        num_anchors=6,
        num_negatives=4,
        capacity=300,
        loss_weight=1.0,
    )
    return MODELS.build(dict(settings, **cfg))


def batch(n=4, size=7, classes=C, seed=0):
    g = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, classes, (n, size, size), generator=g)
    labels[:, 0] = 255
    logits = torch.randn(n, C, size, size, generator=g)
    own = F.one_hot(labels.where(labels != 255, 0), C).permute(0, 3, 1, 2)
    valid = labels != 255
    return dict(
        rep=torch.randn(n, D, size, size, generator=g).requires_grad_(),
        rep_teacher=torch.randn(n, D, size, size, generator=g),
        prob_teacher=(logits + 2 * own).softmax(1),
        labels=labels,
        low=valid & (torch.rand(labels.shape, generator=g) < 0.7),
        high=valid & (torch.rand(labels.shape, generator=g) < 0.7),
        num_labeled=n // 2,
    )


def test_gradient_reaches_sure_pixels_only_and_turns_them() -> None:
    data = batch()
    teacher = data['rep_teacher'].requires_grad_()
    prob = data['prob_teacher'].requires_grad_()
    objective()(**data).backward()
    assert teacher.grad is None and prob.grad is None
    grad, rep = data['rep'].grad, data['rep'].detach()
    touched = grad.ne(0).any(1)
    likely = (prob.detach() > 0.3).gather(
        1, data['labels'].where(data['labels'] != 255, 0)[:, None]
    )[:, 0]
    assert touched.any() and (touched <= data['low'] & likely).all()
    # Cosines do not depend on the length.
    assert (grad * rep).sum(1).abs().max() < 1e-6


@pytest.mark.parametrize('form', ['paper_aligned', 'as_released'])
def test_equal_rows_give_the_closed_form(form) -> None:
    """ln(1 + N e^((cos- - cos+) / tau)) whatever is drawn."""
    data = batch()
    u, v = torch.eye(D)[0], torch.eye(D)[1] * 3 + torch.eye(D)[0]
    data['rep'] = u.view(1, D, 1, 1).repeat(4, 1, 7, 7).requires_grad_()
    data['rep_teacher'] = v.view(1, D, 1, 1).repeat(4, 1, 7, 7)
    kind = dict(type='ReleasedPixelContrastLoss', form=form)
    loss = objective(**({} if form == 'paper_aligned' else kind))
    loss.bank.append(v.repeat(C, 1), torch.eye(C, dtype=torch.bool))
    want = math.log(1 + 4)
    if form == 'paper_aligned':
        assert loss(**data).item() == pytest.approx(want, rel=1e-5)
    else:
        # The second image of each half has lost its labels.
        data['labels'][[1, 3]] = 255
        assert 0 < loss(**data).item() <= want * (1 + 1e-5)


def test_scale_of_features_has_no_effect() -> None:
    data = batch()
    values = []
    for factor in (1.0, 7.0):
        torch.manual_seed(0)
        values.append(objective()(**dict(data, rep=data['rep'] * factor)))
    torch.testing.assert_close(*values)


def test_negatives_follow_the_rules() -> None:
    data = batch()
    loss = objective(low_rank=2, high_rank=4)
    loss(**data)
    rank = data['prob_teacher'].argsort(1, descending=True).argsort(1)
    for c in range(C):
        other = (data['labels'] != c) & data['high']
        want = torch.cat(
            [
                (other & (rank[:, c] < 2))[:2],
                (data['high'] & (rank[:, c] >= 2) & (rank[:, c] < 4))[2:],
            ]
        )
        rows = data['rep_teacher'].permute(0, 2, 3, 1)[want]
        assert torch.equal(loss.bank.queue(c), rows)


@pytest.mark.parametrize('classes', [0, 1])
def test_one_class_gives_zero_but_fills_the_bank(classes) -> None:
    data = batch(classes=1)
    if not classes:
        data['labels'].fill_(255)
        data['low'] = data['low'] & False
        data['high'] = data['high'] & False
    loss = objective()
    value = loss(**data)
    value.backward()
    assert value == 0 and not data['rep'].grad.any()
    assert bool(loss.bank.counts.any()) == bool(classes)


def test_no_sure_pixel_and_no_negative() -> None:
    for change in (
        dict(positive_threshold=1.0),
        dict(low_rank=C, high_rank=C + 1),
    ):
        data = batch()
        if 'low_rank' in change:
            data['num_labeled'] = 0  # and ranks leave nothing unlabeled
        value = objective(**change)(**data)
        value.backward()
        assert value == 0 and torch.isfinite(data['rep'].grad).all()


def test_two_classes_batch_of_one_and_half_precision() -> None:
    data = batch(2, classes=2)
    data['prob_teacher'] = data['prob_teacher'][:, :2].softmax(1)
    loss = objective(num_classes=2, low_rank=1, high_rank=20)
    for key in ('rep', 'rep_teacher', 'prob_teacher'):
        data[key] = data[key].detach().bfloat16()
    data['rep'].requires_grad_()
    with torch.autocast('cpu', torch.bfloat16):
        value = loss(**data)
    value.backward()
    assert value.dtype == torch.float32 and value > 0
    assert data['rep'].grad.dtype == torch.bfloat16
    assert data['rep'].grad.any()


@pytest.mark.parametrize('value', [math.inf, -math.inf, math.nan])
def test_pixels_that_overflow_count_as_not_labeled(value) -> None:
    data, without = batch(), batch()
    pixels = torch.rand(data['labels'].shape) < 0.2
    data['rep_teacher'][:, 3][pixels] = value
    without['labels'][pixels] = 255
    without['low'] &= ~pixels
    without['high'] &= ~pixels
    losses, banks = [], []
    for each in (data, without):
        torch.manual_seed(0)
        loss = objective(prototype_momentum=0.999)
        losses.append(loss(**each))
        banks.append(loss.state_dict())
    assert losses[0] > 0 and torch.isfinite(banks[0]['bank.rows']).all()
    torch.testing.assert_close(*losses)
    torch.testing.assert_close(*banks)


def test_ranks_beyond_the_classes() -> None:
    data = batch()
    values = []
    for high in (C, 20):
        torch.manual_seed(0)
        values.append(objective(high_rank=high)(**data))
    torch.testing.assert_close(*values)
    with pytest.raises(ValueError, match='ranks must rise'):
        objective(low_rank=4, high_rank=4)
    with pytest.raises(ValueError, match='form must be one of'):
        objective(type='ReleasedPixelContrastLoss', form='exact')


def test_gradient_of_the_fused_loss() -> None:
    g = torch.Generator().manual_seed(0)
    table = torch.randn(11, D, generator=g)
    places = torch.randint(0, 11, (130, 3), generator=g)
    anchors = torch.randn(130, D, generator=g).requires_grad_()
    positives = F.normalize(torch.randn(130, D, generator=g))
    losses = SampledInfoNCE.apply(
        anchors, positives, places, table, 1 / table.norm(dim=1), 0.5
    )
    others = torch.cat(
        [positives[:, None], F.normalize(table[places], dim=2)], 1
    )
    plain = F.cross_entropy(
        (others @ anchors[:, :, None])[..., 0] / 0.5,
        torch.zeros(130).long(),
        reduction='none',
    )
    torch.testing.assert_close(losses, plain)
    weight = torch.rand(130, generator=g)
    torch.testing.assert_close(
        torch.autograd.grad(losses @ weight, anchors),
        torch.autograd.grad(plain @ weight, anchors),
    )


def test_prototypes_move_slowly_and_keep_absent_classes() -> None:
    loss = objective(prototype_momentum=0.999)
    data = batch()
    loss(**data)
    first = loss.prototypes.means.clone()
    assert first.any(1).all()
    present = data['labels'].clone()
    present[present == 2] = 255
    moved = dict(
        data,
        labels=present,
        rep_teacher=data['rep_teacher'] + 1,
        low=data['low'] & (present != 255),
    )
    loss(**moved)
    assert torch.equal(loss.prototypes.means[2], first[2])
    # Step 2: half of the old and half of the new.
    mean = (
        data['rep_teacher']
        .permute(0, 2, 3, 1)[(data['labels'] == 1) & data['low']]
        .mean(0)
        + 1
    )
    torch.testing.assert_close(loss.prototypes.means[1], (first[1] + mean) / 2)


def test_bank_survives_a_checkpoint(tmp_path) -> None:
    loss = objective(capacity=20)
    for seed in range(3):
        loss(**batch(seed=seed))
    torch.save(loss.state_dict(), tmp_path / 'x.pth')
    other = objective(capacity=20)
    other.load_state_dict(torch.load(tmp_path / 'x.pth'), strict=True)
    values = []
    for each in (loss, other):
        torch.manual_seed(0)
        values.append(each(**batch(seed=4)))
        assert torch.equal(each.bank.counts, torch.full((C,), 20))
    assert torch.equal(*values)
    assert torch.equal(loss.bank.rows, other.bank.rows)
    assert not ClassMemoryBank(2, 3, persistent=False).state_dict()
    with pytest.raises(ValueError, match='capacity'):
        ClassMemoryBank(3, D, [4, 5])


def test_bank_may_stay_out_of_checkpoints() -> None:
    loss = objective(save_bank=False, prototype_momentum=0.9)
    loss(**batch())
    assert loss.bank.counts.any()
    assert set(loss.state_dict()) == {'prototypes.means', 'prototypes.steps'}
    other = objective(save_bank=False, prototype_momentum=0.9)
    other.load_state_dict(loss.state_dict(), strict=True)
    assert not other.bank.counts.any()
    value = other(**batch())
    assert value > 0 and torch.equal(other.bank.counts, loss.bank.counts)


def keys(rank: int, step: int):
    g = torch.Generator().manual_seed(10 * step + rank)
    rows = torch.randn(5 + 4 * rank, 3, generator=g)
    mask = torch.rand(2, len(rows), generator=g) < 0.7
    return rows, mask & bool(step != 1 or rank)


def fill(rank: int, folder: str) -> None:
    bank = ClassMemoryBank(2, 3, [7, 30])
    added = [bank.append(*keys(rank, step)) for step in range(4)]
    torch.save((bank.state_dict(), added), f'{folder}/{rank}.pth')


def test_two_processes_hold_the_bank_of_one(tmp_path) -> None:
    in_two(fill, tmp_path)
    (one, added), (two, _) = (
        torch.load(tmp_path / f'{r}.pth') for r in (0, 1)
    )
    single = ClassMemoryBank(2, 3, [7, 30])
    for step in range(4):
        (rows, mask), (more, other) = keys(0, step), keys(1, step)
        total = single.append(
            torch.cat([rows, more]), torch.cat([mask, other], 1)
        )
        assert torch.equal(total, added[step])
    for key, value in single.state_dict().items():
        assert torch.equal(one[key], value), key
        assert torch.equal(two[key], value), key
