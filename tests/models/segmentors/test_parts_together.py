"""Parts of online methods that fit each other, and those refused."""

import pytest
import torch

from mmsemi.models.class_weights import learned_class_weights
from mmsemi.models.losses import ClassConfidenceBank
from mmsemi.models.targets import Targets
from mmsemi.ops.step import InParts
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.models.segmentors.peers import corrmatch, cps, losses_of, unimatch
from tests.models.segmentors.test_mean_teacher import build
from tests.models.segmentors.test_mean_teacher import losses_of as losses_of_mt
from tests.models.segmentors.test_self_training import build as self_training
from tests.models.tiny import tiny_student

EQUALIZED = dict(type='EqualizationConsistencyLoss', num_classes=4)
WEIGHTED = dict(
    type='ClassBalancedCrossEntropyLoss', class_weight=[1.0, 2.0, 4.0, 1.0]
)
DICE = dict(type='DiceLoss', loss_name='loss_dice')
BALANCED = dict(
    type='OnlineClassBalancedPseudoLabeler',
    labeler=dict(type='ClassBalancedPseudoLabeler', rule='scaled'),
    num_classes=4,
)


@pytest.mark.parametrize(
    'part, match',
    [
        (
            dict(
                pseudo_labeler=dict(
                    type='FixedThresholdPseudoLabeler', num_classes=4
                )
            ),
            'takes its thresholds from all unlabeled images',
        ),
        (dict(pseudo_labeler=dict(type='CutMix')), 'got CutMix'),
        (dict(unsup_loss=dict(type='CrossEntropyLoss')), '^unsup_loss must'),
        (
            dict(further_losses=dict(x=dict(type='DiceLoss'))),
            '^further_losses.x must .* got DiceLoss',
        ),
        (dict(mixing=dict(type='LabelInjectingCutMix')), 'method AugSeg'),
    ],
)
def test_parts_of_another_kind_are_refused(part, match) -> None:
    """Some would fail in the first step, some do something else quietly."""
    with pytest.raises(TypeError, match=match):
        build(**part)


def test_a_mixing_that_knows_no_classes_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match='set its num_classes'):
        build(mixing=dict(type='AdaptiveCutMix'))


@pytest.mark.parametrize(
    'part, match',
    [
        (dict(pseudo_labeler=dict(BALANCED, num_classes=3)), '^pseudo_lab'),
        (dict(unsup_loss=dict(EQUALIZED, num_classes=5)), '^unsup_loss'),
        (
            dict(mixing=dict(type='AdaptiveCutMix', num_classes=3)),
            '^mixing has 3 classes, the student 4',
        ),
    ],
)
def test_parts_for_other_classes_are_refused(part, match) -> None:
    """A class too much would be the one that is never learned."""
    with pytest.raises(ValueError, match=match):
        build(**part)


def test_rounds_refuse_them_too() -> None:
    with pytest.raises(TypeError, match='^objective must'):
        self_training(objective=dict(type='CrossEntropyLoss'))
    student = tiny_student()
    student['decode_head'].update(num_classes=2, out_channels=1, threshold=0.5)
    student['decode_head']['loss_decode']['use_sigmoid'] = True
    with pytest.raises(ValueError, match='one channel'):
        MODELS.build(
            dict(
                type='SelfTrainingSegmentor',
                student=student,
                objective=dict(type='DynamicSelfTrainingLoss', gamma=2),
            )
        )


@pytest.mark.parametrize(
    'change, match',
    [
        (dict(loss_decode=WEIGHTED), 'class weights in student'),
        (dict(loss_decode=[WEIGHTED, DICE]), 'class weights in student'),
        (dict(sampler=dict(type='OHEMPixelSampler')), 'sampler has no effect'),
    ],
)
def test_rounds_refuse_what_would_do_nothing(change, match) -> None:
    """Their loss is the objective, not that of the student's head."""
    student = tiny_student()
    student['decode_head'].update(change)
    cfg = dict(
        type='SelfTrainingSegmentor',
        student=student,
        objective=dict(type='DynamicSelfTrainingLoss', gamma=2),
    )
    with pytest.raises(ValueError, match=match):
        MODELS.build(cfg)
    if 'loss_decode' in change:
        cfg['objective']['criterion'] = WEIGHTED
        MODELS.build(cfg)


def test_weights_that_a_labeling_is_to_undo() -> None:
    objective = dict(type='DynamicSelfTrainingLoss', gamma=2)
    with pytest.raises(UsageError, match='no class weights to undo'):
        learned_class_weights(self_training(objective=objective))
    model = self_training(objective=dict(objective, criterion=WEIGHTED))
    weights = torch.tensor(WEIGHTED['class_weight']) / 2
    assert torch.equal(learned_class_weights(model), weights)


def test_class_weights_beside_another_loss_are_undone() -> None:
    student = tiny_student()
    student['decode_head']['loss_decode'] = [DICE, WEIGHTED]
    model = build(
        student=student, semi_train_cfg=dict(undo_class_weights=True)
    )
    logits = torch.zeros(1, 4, 2, 2)
    found = model.probabilities(logits)[0, :, 0, 0]
    wanted = 1 / torch.tensor(WEIGHTED['class_weight'])
    torch.testing.assert_close(found, wanted / wanted.sum())


@pytest.mark.parametrize('head', ['decode', 'aux'])
def test_heads_that_ignore_another_label(head) -> None:
    """Padding is 255, which would be a class to them."""
    student = tiny_student(auxiliary=True)
    name = dict(decode='decode_head', aux='auxiliary_head')[head]
    student[name]['ignore_index'] = 0
    with pytest.raises(ValueError, match=f'ignore_index=0 of the {head}'):
        build(student=student)


@pytest.mark.parametrize('method', ['mean_teacher', 'unimatch'])
def test_heads_without_a_map_of_logits(method) -> None:
    """Said as well where the labeling network is asked first."""
    student = tiny_student()
    head = student['decode_head']
    student['decode_head'] = dict(
        type='EncHead',
        in_channels=[16, 32, 64],
        in_index=(1, 2, 3),
        channels=8,
        num_codes=4,
        num_classes=4,
        norm_cfg=head['norm_cfg'],
    )
    model = MODELS.build(
        dict(
            type='MeanTeacher' if method == 'mean_teacher' else 'UniMatch',
            student=student,
            pseudo_labeler=dict(type='ConfidencePseudoLabeler'),
            unsup_loss=dict(type='PseudoLabelCrossEntropyLoss'),
        )
    ).train()
    model.teacher_follows = True
    branches = dict(sup=2, unsup_teacher=2, unsup_student=2)
    if method == 'unimatch':
        branches['unsup_student_2'] = 2
    with pytest.raises(UsageError, match='EncHead gives no single map'):
        losses_of(model, branches)


@pytest.mark.parametrize('method', ['mean_teacher', 'unimatch', 'cps'])
def test_confidence_of_classes_is_observed_outside_ael(method) -> None:
    """Its sampling by class would else keep every pixel for ever."""
    if method == 'mean_teacher':
        model = build(loss=None, unsup_loss=EQUALIZED)
        losses_of_mt(model)
    elif method == 'unimatch':
        model = unimatch(unsup_loss=EQUALIZED)
        losses_of(model)
    else:
        model = cps(unsup_loss=EQUALIZED)
        losses_of(model)
    banks = [m for m in model.modules() if type(m) is ClassConfidenceBank]
    assert len(banks) == (2 if method == 'cps' else 1)
    before = [bank.confidence.clone() for bank in banks]
    assert all((confidence != 0.5).all() for confidence in before)
    losses_of(model.eval()) if method != 'mean_teacher' else None
    for bank, confidence in zip(banks, before):
        assert torch.equal(bank.confidence, confidence)


@pytest.mark.parametrize('method', ['MeanTeacher', 'U2PL'])
def test_objectives_of_rounds_serve_other_methods(method) -> None:
    """They give several losses and figures."""
    labeler = dict(type='ConfidencePseudoLabeler', threshold=0.0)
    if method == 'U2PL':
        labeler = dict(type='EntropyPercentilePseudoLabeler')
    model = build(
        type=method,
        pseudo_labeler=labeler,
        loss=None,
        unsup_loss=dict(
            type='ConfidenceRegularizedLoss', regularizer='kld', loss_weight=1
        ),
    )
    model.set_progress(3, 10)
    losses = losses_of_mt(model)
    assert losses['loss_unsup_seg'] >= 0 and losses['loss_unsup_reg'] > 0
    assert ('drop_percent' in losses) == (method == 'U2PL')


def test_soft_labels_go_to_losses_that_want_them() -> None:
    """CorrMatch has some; an objective of rounds would refuse them."""
    dst = dict(type='DynamicSelfTrainingLoss', gamma=2)
    losses = losses_of(corrmatch(unsup_loss=dst))
    assert losses['loss_unsup_seg'] > 0 and losses['loss_unsup_kl'] > 0


def test_partners_of_a_stream_that_is_not_there() -> None:
    model = unimatch(mixing=dict(type='CutMix', partner='same', prob=1.0))
    with pytest.raises(UsageError, match='nothing would be mixed'):
        losses_of(model)


def test_labelers_learn_once_from_what_unimatch_learns(monkeypatch) -> None:
    """Not from the labels of what is pasted, of the same images."""
    model = unimatch(pseudo_labeler=BALANCED)
    learned = []
    learn = type(model.pseudo_labeler)._learn
    monkeypatch.setattr(
        type(model.pseudo_labeler),
        '_learn',
        lambda self, statistics: learned.append(learn(self, statistics)),
    )
    losses = losses_of(model)
    assert len(learned) == 1 and model.pseudo_labeler.training
    assert 0 < losses['confident_ratio'] < 1


def test_corrmatch_reads_the_last_map_of_heads_that_join_theirs() -> None:
    student = tiny_student()
    student['decode_head'].update(
        input_transform='resize_concat', in_channels=[16, 64], in_index=[1, 3]
    )
    model = MODELS.build(dict(type='CorrMatch', student=student)).train()
    assert model.student.decode_head.in_channels == 80
    losses = losses_of(model)
    assert all(value.isfinite().all() for value in losses.values())
    assert corrmatch().correlation.project[0].conv.in_channels == 64


def test_peers_up_sample_alike() -> None:
    other = dict(decode_head=dict(align_corners=True))
    with pytest.raises(ValueError, match='align_corners'):
        cps(student_2=other)


def test_two_views_of_the_same_images_are_one_observation(monkeypatch):
    model = unimatch(mixing=dict(type='AdaptiveCutMix', num_classes=4))
    sums = []
    over_step = model.mixing.over_step
    monkeypatch.setattr(
        model.mixing, 'over_step', lambda x: sums.append(x) or over_step(x)
    )
    for k in range(2):
        losses_of(model)
        assert len(sums) == k + 1


def test_boxes_of_labeled_images_of_another_size() -> None:
    mixing = MODELS.build(dict(type='LabelInjectingCutMix'))
    images, labels = torch.zeros(2, 3, 8, 8), torch.zeros(2, 8, 9).long()
    with pytest.raises(UsageError, match=r'\(8, 9\) and \(8, 8\)'):
        mixing(
            images,
            Targets(labels[..., :8]),
            torch.zeros(2, 3, 8, 9),
            Targets(labels),
            torch.ones(2),
        )


def test_presence_of_classes_where_views_are_mixed_in_parts() -> None:
    """Two views of each part; what they show is remembered once."""
    model = unimatch(mixing=dict(type='AdaptiveCutMix', num_classes=4))
    parts = [m for m in model.modules() if isinstance(m, InParts)]
    for k in range(2):
        for part in parts:
            part.set_part(k, 2)
        losses_of(model)
    assert model.mixing.presence.shape == (4, 6)
