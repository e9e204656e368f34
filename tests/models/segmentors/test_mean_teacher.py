import copy
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper
from mmengine.runner import autocast, load_checkpoint
from mmengine.structures import PixelData

from mmsemi.engine.hooks.training_progress_hook import TrainingProgressHook
from mmsemi.models.segmentors import Batch
from mmsemi.models.weights import read_weights
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.models.tiny import batch, tiny_student

BRANCHES = dict(sup=2, unsup_teacher=2, unsup_student=2)


def build(
    auxiliary=False,
    loss='PseudoLabelCrossEntropyLoss',
    threshold=0.3,
    **kwargs,
):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            dict(
                type='MeanTeacher',
                student=tiny_student(auxiliary=auxiliary),
                pseudo_labeler=dict(
                    type='ConfidencePseudoLabeler', threshold=threshold
                ),
                unsup_loss=dict(type=loss),
            ),
            **kwargs,
        )
    )
    # Distinct outputs for distinct inputs: the heads start near zero.
    torch.nn.init.normal_(model.student.decode_head.conv_seg.weight, std=9.0)
    model.sync_copy('teacher')
    model.teacher_follows = True
    return model.train()


def data_of(branches=BRANCHES, padded=2, **kwargs) -> dict:
    """A batch whose unlabeled samples say only what is padding."""
    data = batch(branches, **kwargs)
    for name, samples in data['data_samples'].items():
        for sample in samples if name != 'sup' else ():
            valid = torch.zeros_like(sample.gt_sem_seg.data)
            valid[:, valid.shape[1] - padded :] = 255
            sample.gt_sem_seg.data = valid
    return data


def losses_of(model, data=None):
    data = model.data_preprocessor(data or data_of(), True)
    return model(**data, mode='loss')


def plain_logits(network, images):
    """Up-sampled logits (N, C, H, W) of a network, by mmseg alone."""
    return F.interpolate(
        network(images, mode='tensor'), images.shape[-2:], mode='bilinear'
    )


def test_one_step_trains_the_student_alone() -> None:
    model = build(auxiliary=True)
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    before = {k: v.clone() for k, v in model.named_parameters()}
    logs = model.train_step(data_of(), optim)
    parts = [v for k, v in logs.items() if k.startswith('loss_')]
    torch.testing.assert_close(logs['loss'], sum(parts))
    assert {
        'loss_sup_ce',
        'loss_sup_aux_ce',
        'loss_unsup',
        'confident_ratio',
        'mean_confidence',
        'acc_seg',
    } < set(logs)
    moved = {k for k, v in model.named_parameters() if (v != before[k]).any()}
    assert moved == set(before)
    # The teacher is no optimizer's business.
    assert all(k.startswith('student.') for k in before)


def test_loss_is_the_formula() -> None:
    """Against mmseg's own forwards, with frozen normalization."""
    model = build(semi_train_cfg=dict(unsup_weight=0.5, sup_weight=2.0))
    torch.nn.init.normal_(model.teacher.decode_head.conv_seg.weight, std=9.0)
    model.eval()
    data = model.data_preprocessor(data_of(), True)
    inputs = data['inputs']
    p = plain_logits(model.teacher, inputs['unsup_teacher']).softmax(1)
    confidence, labels = p.max(1)
    model.pseudo_labeler.thresholds.fill_(float(confidence.mean()))
    losses = model(**data, mode='loss')
    sup = model.student.loss(inputs['sup'], data['data_samples']['sup'])
    torch.testing.assert_close(
        losses['loss_sup_ce'], 2 * sup['decode.loss_ce']
    )
    valid = torch.ones_like(labels, dtype=torch.bool)
    valid[:, -2:] = False
    sure = (confidence >= confidence.mean()) & valid
    assert 0 < sure.sum() < valid.sum()
    ce = F.cross_entropy(
        plain_logits(model.student, inputs['unsup_student']),
        labels,
        reduction='none',
    )
    torch.testing.assert_close(
        losses['loss_unsup'], 0.5 * (ce * sure).sum() / valid.sum()
    )
    torch.testing.assert_close(
        losses['confident_ratio'], sure.sum() / valid.sum()
    )
    torch.testing.assert_close(
        losses['mean_confidence'], confidence[valid].mean()
    )


@pytest.mark.parametrize('joint', [True, False])
def test_batch_statistics_are_shared_by_option(joint) -> None:
    model = build(auxiliary=True, semi_train_cfg=dict(joint_forward=joint))
    calls = []
    for name in ('backbone', 'decode_head', 'auxiliary_head'):
        getattr(model.student, name).register_forward_hook(
            lambda module, args, out: calls.append(
                len(args[0] if torch.is_tensor(args[0]) else args[0][0])
            )
        )
    losses_of(model)
    # Auxiliary heads see unlabeled images for their statistics only.
    assert calls == ([4, 4, 4] if joint else [2] * 5)


@pytest.mark.parametrize('mode', ['eval', 'train'])
def test_teacher_mode_survives_the_loop(mode) -> None:
    model = build(semi_train_cfg=dict(teacher_mode=mode))
    model.train()  # what a loop calls before every iteration
    assert model.student.training
    assert all(
        m.training == (mode == 'train') for m in model.teacher.modules()
    )
    mean = model.teacher.backbone.stem[1].running_mean
    before = mean.clone()
    losses_of(model)
    assert torch.equal(mean, before) == (mode == 'eval')
    model.eval()
    assert not any(m.training for m in model.modules())


def test_teacher_starts_as_the_student() -> None:
    model = build()
    model.init_weights()
    teacher = model.teacher.state_dict()
    student = model.student.state_dict()
    assert set(teacher) == set(student)
    assert all(torch.equal(teacher[k], v) for k, v in student.items())
    assert not list(model.teacher.parameters())  # buffers, untrained


def test_mixing_changes_images_and_targets_alike() -> None:
    model = build(mixing=dict(type='CutMix', prob=1.0))
    data = model.data_preprocessor(data_of(), True)
    seen = {}
    model.mixing.register_forward_hook(
        lambda module, args, out: seen.update(given=args, mixed=out)
    )
    model.unsup_loss.register_forward_hook(
        lambda module, args, out: seen.update(targets=args[1])
    )
    model.student.backbone.register_forward_hook(
        lambda module, args, out: seen.update(images=args[0])
    )
    model(**data, mode='loss')
    assert seen['given'][0] is data['inputs']['unsup_student']
    images, targets = seen['mixed']
    assert not torch.equal(images, seen['given'][0])
    assert torch.equal(
        seen['images'], torch.cat([data['inputs']['sup'], images])
    )
    assert seen['targets'] is targets
    assert targets.soft is None and targets.truth is None


def test_soft_targets() -> None:
    model = build(loss='SoftmaxMSELoss', threshold=0.0).eval()
    data = model.data_preprocessor(data_of(), True)
    losses = model(**data, mode='loss')
    p, q = (
        plain_logits(network, data['inputs'][branch]).softmax(1)
        for network, branch in (
            (model.student, 'unsup_student'),
            (model.teacher, 'unsup_teacher'),
        )
    )
    expected = (p - q).square().sum(1)
    expected[:, -2:] = 0
    torch.testing.assert_close(losses['loss_unsup'], expected.mean())


def test_nothing_to_learn_from_is_zero() -> None:
    data = data_of(padded=32)
    for sample in data['data_samples']['sup']:
        sample.gt_sem_seg.data.fill_(255)
    student = tiny_student()
    student['decode_head']['loss_decode'] = dict(
        type='ClassBalancedCrossEntropyLoss'
    )
    for loss in ('PseudoLabelCrossEntropyLoss', 'SoftmaxMSELoss'):
        model = build(loss=loss, student=student)
        losses = losses_of(model, copy.deepcopy(data))
        total = losses['loss_sup_ce'] + losses['loss_unsup']
        assert total == 0
        total.backward()
        assert all((p.grad == 0).all() for p in model.student.parameters())


@pytest.mark.parametrize(
    'branches',
    [
        dict(sup=1, unsup_teacher=1, unsup_student=1),
        dict(sup=1, unsup_teacher=3, unsup_student=3),
        dict(sup=2),
    ],
)
def test_other_batches(branches) -> None:
    model = build(mixing=dict(type='ClassMix', prob=1.0))
    losses = losses_of(model, data_of(branches))
    assert ('loss_unsup' in losses) == (len(branches) > 1)
    assert all(torch.isfinite(value) for value in losses.values())


def test_plain_labeled_batch() -> None:
    model = build().eval()
    data = {k: v['sup'] for k, v in data_of(dict(sup=2)).items()}
    data = model.data_preprocessor(data, True)
    expected = model.student.loss(**data)['decode.loss_ce']
    assert torch.equal(model(**data, mode='loss')['loss_sup_ce'], expected)


def test_schedules() -> None:
    model = build(
        semi_train_cfg=dict(warmup_iters=4, ramp_up_iters=10, unsup_weight=2.0)
    )
    with pytest.raises(RuntimeError, match='TrainingProgressHook'):
        losses_of(model)
    model.set_progress(3, 20)
    assert 'loss_unsup' not in losses_of(model)
    weights = []
    for iteration in (4, 9, 14, 19):
        model.set_progress(iteration, 20)
        weights.append(model.unsup_weight)
    expected = [2 * 2.718281828**x for x in (-5, -1.25, 0, 0)]
    assert weights == pytest.approx(expected)
    assert model.progress == 19 / 20
    assert 'loss_unsup' in losses_of(model)


def test_audit_is_logged_and_changes_nothing() -> None:
    model = build(threshold=0.0, semi_train_cfg=dict(audit=True)).eval()
    data = data_of()
    without = losses_of(model, copy.deepcopy(data))
    assert 'pseudo_label_accuracy' not in without
    for sample in data['data_samples']['unsup_teacher']:
        # Smaller than the padded batch, as maps outside mmseg's padding are.
        sample.gt_audit = PixelData(
            data=torch.zeros(1, 30, 32, dtype=torch.uint8)
        )
    losses = losses_of(model, data)
    images = model.data_preprocessor(data, True)['inputs']['unsup_teacher']
    labels = plain_logits(model.teacher, images).argmax(1)[:, :30]
    torch.testing.assert_close(
        losses.pop('pseudo_label_accuracy'), (labels == 0).float().mean()
    )
    for key, value in without.items():
        assert torch.equal(losses[key], value)


def test_half_precision() -> None:
    model = build(mixing=dict(type='CutMix', prob=1.0)).eval()
    np.random.seed(0)  # of the boxes
    expected = losses_of(model)
    np.random.seed(0)
    with autocast(device_type='cpu', dtype=torch.bfloat16):
        losses = losses_of(model)
    for key in ('loss_sup_ce', 'loss_unsup', 'mean_confidence'):
        assert losses[key].dtype == torch.float32
        torch.testing.assert_close(
            losses[key], expected[key], rtol=0.05, atol=0.05
        )


@pytest.mark.parametrize('network', ['teacher', 'student'])
def test_checkpoints_of_plain_mmseg_in_and_out(tmp_path, network) -> None:
    plain = MODELS.build(tiny_student())
    torch.save(plain.state_dict(), tmp_path / 'plain.pth')
    model = build(semi_test_cfg=dict(predict_on=network))
    load_checkpoint(model, str(tmp_path / 'plain.pth'), strict=True)
    with torch.no_grad():
        getattr(model, network).decode_head.conv_seg.bias.fill_(3.0)
    state, _ = read_weights(model, network)
    plain.load_state_dict(state)
    assert (plain.decode_head.conv_seg.bias == 3).all()
    images = torch.rand(1, 3, 32, 32)
    assert model.predictor is getattr(model, network)
    torch.testing.assert_close(
        model.eval()(images, mode='tensor'),
        plain.eval()(images, mode='tensor'),
    )


def test_clear_errors() -> None:
    with pytest.raises(ValueError, match='unsup_wait'):
        build(semi_train_cfg=dict(unsup_wait=1.0))
    with pytest.raises(ValueError, match='teacher_mode'):
        build(semi_train_cfg=dict(teacher_mode='frozen'))
    data = data_of()
    del data['data_samples']['unsup_teacher'][0].gt_sem_seg
    with pytest.raises(ValueError, match='InitValidMap'):
        losses_of(build(), data)
    student = tiny_student()
    student.update(
        type='CascadeEncoderDecoder',
        num_stages=2,
        decode_head=[student['decode_head']] * 2,
    )
    with pytest.raises(TypeError, match='one decode head'):
        build(student=student)


def test_class_weights_undone() -> None:
    """Labels are those of probabilities divided by the class weights."""
    student = tiny_student()
    classes = student['decode_head']['num_classes']
    weights = torch.arange(1.0, classes + 1)
    student['decode_head']['loss_decode'] = dict(
        type='ClassBalancedCrossEntropyLoss', class_weight=weights.tolist()
    )
    model = build(
        student=student, semi_train_cfg=dict(undo_class_weights=True)
    ).eval()
    data = model.data_preprocessor(data_of(), True)
    images = data['inputs']['unsup_teacher']
    seen = Batch.of(data['inputs'], data['data_samples'])
    logits = model.look(model.teacher, images)
    targets = model.label(logits, seen)
    with torch.no_grad():
        p = model.upsample(logits, images.shape[-2:]).softmax(1)
    p = p / weights.view(1, -1, 1, 1)
    p = p / p.sum(1, keepdim=True)
    confidence, labels = p.max(1)
    assert torch.equal(targets.labels[targets.valid], labels[targets.valid])
    torch.testing.assert_close(targets.confidence, confidence)
    # Not after a warm-up of many iterations.
    with pytest.raises(ValueError, match='ClassBalancedCrossEntropyLoss'):
        build(semi_train_cfg=dict(undo_class_weights=True))


def test_missing_views_are_named() -> None:
    model = build()
    needed = ('sup', 'unsup_teacher', 'unsup_student')
    for missing in needed:
        given = {k: 2 for k in needed if k != missing}
        with pytest.raises(UsageError, match=f'Add {missing} to the data'):
            losses_of(model, data_of(given))
    unused = dict(sup=2, unsup_teacher=2, unsup_student=2, unsup_student_2=2)
    with pytest.raises(UsageError, match='unsup_student_2.*data.views=1'):
        losses_of(model, data_of(unused))
    uneven = dict(sup=2, unsup_teacher=2, unsup_student=1)
    with pytest.raises(UsageError, match='must have one shape'):
        losses_of(model, data_of(uneven))


def test_unused_views_are_named_before_training() -> None:
    model, hook = build(), TrainingProgressHook()

    def begin(*branches):
        loader = SimpleNamespace(dataset=SimpleNamespace(branches=branches))
        loop = SimpleNamespace(dataloader=loader)
        hook.before_train(
            SimpleNamespace(
                model=model,
                train_loop=loop,
                logger=MMLogger.get_current_instance(),
                cfg={},
                train_dataloader=SimpleNamespace(batch_size=4),
                optim_wrapper=SimpleNamespace(get_lr=lambda: dict(lr=[0.1])),
            )
        )

    views = ('sup', 'unsup_teacher', 'unsup_student')
    begin(*views), begin('sup')
    with pytest.raises(UsageError, match='not use the branch unsup_student_2'):
        begin(*views, 'unsup_student_2')
    with pytest.raises(UsageError, match='unsup_student to .*data.views=1'):
        begin(*views[:2])
    with pytest.raises(UsageError, match='data.second_stream'):
        begin(*views, 'partner_teacher')
    model.mixing = MODELS.build(dict(type='CutMix', partner='same'))
    begin('sup')
    with pytest.raises(UsageError, match='nothing would be mixed'):
        begin(*views)


def test_nobody_moves_the_teacher() -> None:
    model = build().train()
    model.teacher_follows = False
    with pytest.warns(UserWarning, match='MeanTeacherHook'):
        losses_of(model)
    model.teacher_follows = True
    with warnings.catch_warnings(record=True) as said:
        losses_of(model)
    assert not any('MeanTeacherHook' in str(w.message) for w in said)


def test_settings_that_make_no_sense() -> None:
    for bad, match in (
        (
            dict(semi_test_cfg=dict(predicton='teacher')),
            'semi_test_cfg has no predicton',
        ),
        (dict(semi_train_cfg=dict(warmup=3)), 'semi_train_cfg has no warmup'),
        (
            dict(semi_train_cfg=dict(known_iters='x')),
            "known_iters must be a number, got 'x'",
        ),
        (
            dict(semi_train_cfg=dict(known_iters=-1)),
            'known_iters must not be negative, got -1',
        ),
        (
            dict(semi_train_cfg=dict(unsup_weight=-1.0)),
            'unsup_weight must not be negative, got -1.0',
        ),
        (dict(threshold=[0.3, 0.4]), None),
    ):
        if match:
            with pytest.raises(ValueError, match=match):
                build(**bad)
        else:
            with pytest.raises(ValueError, match='2 thresholds for'):
                losses_of(build(**bad))
    binary = tiny_student()
    binary['decode_head'].update(num_classes=2, out_channels=1, threshold=0.5)
    binary['decode_head']['loss_decode'] = dict(
        type='CrossEntropyLoss', use_sigmoid=True
    )
    with pytest.raises(ValueError, match='one channel'):
        build(student=binary)


def test_labelers_that_follow_the_training() -> None:
    """The entropy percentile rises with progress; padding does not count."""
    model = build(
        pseudo_labeler=dict(
            type='EntropyPercentilePseudoLabeler', drop_percent=60.0
        )
    ).eval()
    data = data_of()
    shares = []
    for k in (0, 50):
        model.set_progress(k, 100)
        shares.append(losses_of(model, data)['confident_ratio'].item())
    assert shares == pytest.approx([0.6, 0.8], abs=0.02)


def test_checkpoint_of_a_student_alone() -> None:
    """The teacher starts as the student, it does not stay random."""
    source = build()
    torch.nn.init.normal_(source.student.decode_head.conv_seg.bias)
    state = {
        k: v
        for k, v in source.state_dict().items()
        if k.startswith('student.')
    }
    model = build()
    model.load_state_dict(state)
    for name in ('student', 'teacher'):
        assert torch.equal(
            getattr(model, name).decode_head.conv_seg.bias,
            source.student.decode_head.conv_seg.bias,
        )
    # A teacher of its own is kept.
    torch.nn.init.constant_(source.teacher.decode_head.conv_seg.bias, 3.0)
    model.load_state_dict(source.state_dict())
    assert (model.teacher.decode_head.conv_seg.bias == 3).all()
