"""What holds for UniMatch, UniMatch V2 and CPS alike."""

import inspect

import pytest
import torch
from mmengine.optim import OptimWrapper

from mmsemi.models.pseudo_labelers import DynamicThresholdPseudoLabeler
from mmsemi.models.segmentors import (
    CPS,
    AugSeg,
    CorrMatch,
    UniMatch,
    UniMatchV2,
)
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.models.segmentors.peers import (
    BRANCHES,
    CPS_CUTMIX,
    build,
    losses_of,
    total,
)
from tests.models.segmentors.test_mean_teacher import data_of

METHODS = [
    (UniMatch, {}),
    (UniMatchV2, {}),
    (CPS, {}),
    (CPS, dict(mixing=CPS_CUTMIX)),
    (AugSeg, {}),
    (CorrMatch, {}),
]
# Labels that come in from labeled images teach in any case.
without_labels = pytest.mark.parametrize(
    'cls, changes', [part for part in METHODS if part[0] is not AugSeg]
)
all_methods = pytest.mark.parametrize('cls, changes', METHODS)


@pytest.mark.parametrize(
    'step',
    [
        UniMatch.step,
        UniMatchV2.step,
        CPS.step,
        CPS.step_with_mixing,
        AugSeg.step,
        CorrMatch.step,
    ],
)
def test_a_step_fits_on_one_screen(step):
    assert len(inspect.getsource(step).splitlines()) <= 30


@all_methods
def test_one_step_trains_all_that_is_to_be_trained(cls, changes):
    model = build(cls, auxiliary=True, **changes)
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    before = {k: v.clone() for k, v in model.named_parameters()}
    logs = model.train_step(data_of(BRANCHES[cls]), optim)
    parts = [v for k, v in logs.items() if k.startswith('loss_')]
    torch.testing.assert_close(logs['loss'], sum(parts))
    assert all(v > 0 for v in parts)
    moved = {k for k, v in model.named_parameters() if (v != before[k]).any()}
    assert moved == set(before)
    assert not any(k.startswith('teacher') for k in before)


@all_methods
def test_labeled_images_alone_train(cls, changes):
    model = build(cls, **changes)
    losses = losses_of(model, dict(sup=2))
    total(losses).backward()
    assert all(p.grad is not None for p in model.parameters())
    assert not any('unsup' in key for key in losses)


@all_methods
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision(cls, changes, dtype):
    model = build(cls, **changes)
    with torch.autocast('cpu', dtype):
        losses = losses_of(model)
    for key, value in losses.items():
        assert value.dtype == torch.float32, key
        assert value.isfinite(), key
    total(losses).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@without_labels
def test_padding_alone_teaches_nothing(cls, changes):
    """Nor does what it is worth come out as NaN."""
    model = build(cls, **changes)
    if cls is CPS and not changes:
        # Labeled images count there, too; these two are their only part.
        both = losses_of(model, padded=32)
        assert both['loss_unsup'] > 0 and both['loss_unsup_2'] > 0
        return
    losses = losses_of(model, padded=32)
    unsup = [v for k, v in losses.items() if k.startswith('loss_unsup')]
    assert len(unsup) >= 2 and not any(unsup)
    sum(unsup).backward()
    for parameter in model.parameters():
        assert parameter.grad is None or not parameter.grad.any()


class NotSure(DynamicThresholdPseudoLabeler):
    """Nothing is sure enough."""

    def forward(self, *args):
        targets = super().forward(*args)
        return targets.change(weights=torch.zeros_like(targets.weights))


@without_labels
def test_nothing_confident_teaches_nothing(cls, changes):
    model = build(cls, **changes)
    for name in ('pseudo_labeler', 'pseudo_labeler_2'):
        if hasattr(model, name):
            setattr(model, name, NotSure())
    losses = losses_of(model)
    unsup = [v for k, v in losses.items() if k.startswith('loss_unsup')]
    assert not any(unsup) and losses['confident_ratio'] == 0
    sum(unsup).backward()
    for parameter in model.parameters():
        assert parameter.grad is None or not parameter.grad.any()


@all_methods
def test_one_image(cls, changes):
    model = build(cls, **changes)
    losses = losses_of(model, dict.fromkeys(BRANCHES[cls], 1))
    assert total(losses).isfinite() and losses['loss_unsup'] > 0


def test_losses_of_soft_labels_and_no_mixing():
    for cls in (UniMatch, UniMatchV2, CPS):
        model = build(cls, unsup_loss=dict(type='SoftmaxMSELoss'), mixing=None)
        losses = losses_of(model)
        total(losses).backward()
        assert losses['loss_unsup'].isfinite() and losses['loss_unsup'] > 0


def test_defaults_are_those_of_the_papers():
    from tests.models.tiny import tiny_student

    for cls in (UniMatch, UniMatchV2):
        model = MODELS.build(dict(type=cls.__name__, student=tiny_student()))
        assert model.pseudo_labeler.thresholds == torch.tensor(0.95)
        assert model.unsup_loss.normalizer == 'valid'
        mixing = model.mixing
        assert (mixing.box, mixing.prob) == ('unimatch', 0.5)
        assert mixing.per_image and mixing.partner == 'flip'
        assert model.semi_train_cfg['sup_weight'] == 0.5
        assert model.semi_train_cfg['unsup_weight'] == 0.5
    model = MODELS.build(dict(type='CPS', student=tiny_student()))
    assert model.pseudo_labeler.thresholds == 0 and model.mixing is None


def test_a_view_too_many_or_too_few_is_named():
    two = BRANCHES[UniMatch]
    one = dict(sup=2, unsup_teacher=2, unsup_student=2)
    for cls, branches, name in (
        (CPS, one, 'unsup_student'),
        (UniMatch, dict(two, unsup_student_3=3), 'unsup_student_3'),
        (UniMatch, one, 'unsup_student_2'),
        (UniMatchV2, one, 'unsup_student_2'),
    ):
        with pytest.raises(UsageError, match=name):
            losses_of(build(cls), branches)
