import copy
import math

import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper
from mmengine.runner import autocast
from mmengine.structures import PixelData

from mmsemi.registry import MODELS
from tests.models.tiny import batch, tiny_student

BRANCHES = dict(sup=2, unsup_teacher=2, unsup_student=2)
CONTRAST = dict(
    num_anchors=8,
    num_negatives=4,
    capacity=200,
    low_rank=1,
    high_rank=4,
    positive_threshold=0.1,
)


def student(**cfg) -> dict:
    """A small network at stride 4 whose head gives a representation."""
    model = tiny_student(**cfg)
    head = model['decode_head']
    for key in ('num_convs', 'concat_input'):
        head.pop(key)
    head.update(
        type='LateralSumRepresentationHead',
        in_channels=[8, 64],
        in_index=[0, 3],
        representation_head=dict(channels=8, out_channels=6),
    )
    return model


def build(network=None, **kwargs):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            dict(type='U2PL', student=network or student(), contrast=CONTRAST),
            **kwargs,
        )
    )
    torch.nn.init.normal_(model.student.decode_head.conv_seg.weight, std=9.0)
    model.sync_copy('teacher')
    model.teacher_follows = True
    model.set_progress(0, 100)
    return model.train()


def data_of(model, **kwargs) -> dict:
    data = batch(BRANCHES, **kwargs)
    for name, samples in data['data_samples'].items():
        for sample in samples if name != 'sup' else ():
            valid = torch.zeros_like(sample.gt_sem_seg.data)
            valid[:, -4:] = 255
            sample.gt_sem_seg.data = valid
    return model.data_preprocessor(data, True)


def test_one_step_trains_every_parameter_of_the_student() -> None:
    model = build(network=student(auxiliary=True))
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    logs = model.train_step(data_of(model), optim)
    assert {
        'loss_sup_ce',
        'loss_sup_aux_ce',
        'loss_unsup',
        'loss_contra',
        'confident_ratio',
        'drop_percent',
        'bank_rows',
    } < set(logs)
    assert logs['loss_contra'] > 0 and logs['bank_rows'] > 0
    moved = {
        k
        for k, v in model.state_dict().items()
        if v.is_floating_point() and (v != before[k]).any()
    }
    # Statistics of the teacher's BatchNorm follow its own train-mode pass.
    assert {k.split('.')[0] for k in moved} == {
        'student',
        'teacher',
        'contrast',
    }
    assert all('running' in k for k in moved if k.startswith('teacher'))
    losses = model(**data_of(model), mode='loss')
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(p.grad is not None for p in model.student.parameters())
    assert all(p.grad is None for p in model.teacher.parameters())


def test_losses_are_the_algorithm_box() -> None:
    """Against the steps written out with mmseg's own forward."""
    model = build(mixing=None, semi_train_cfg=dict(unsup_weight=0.5))
    data = data_of(model)
    inputs = data['inputs']
    teacher = copy.deepcopy(model.teacher)
    live = copy.deepcopy(model.student)
    model.set_progress(25, 100)
    losses = model(**data, mode='loss')

    def up(x):
        return F.interpolate(x, (32, 32), mode='bilinear')

    with torch.no_grad():
        weak = up(teacher.eval()(inputs['unsup_teacher'], mode='tensor'))
        labels = weak.argmax(1)
        labels[:, -4:] = 255
        joined = torch.cat([inputs['sup'], inputs['unsup_student']])
        q = up(teacher.train()(joined, mode='tensor')[2:]).softmax(1)
        entropies = -(q * (q + 1e-10).log()).sum(1)
    valid = (labels != 255).sum()  # pixels of the images, not padding
    limit = entropies[labels != 255].quantile(0.85)
    labels[entropies >= limit] = 255
    logits = up(live.train()(joined, mode='tensor')[2:])
    want = F.cross_entropy(logits, labels, ignore_index=255)
    want = 0.5 * want * valid / (labels != 255).sum()
    torch.testing.assert_close(losses['loss_unsup'], want)
    assert losses['drop_percent'] == 85
    torch.testing.assert_close(
        losses['confident_ratio'], torch.tensor(0.85), rtol=0, atol=1e-2
    )


def test_audit_is_about_labels_that_are_left() -> None:
    model = build(
        mixing=dict(type='CutMix', prob=1.0), semi_train_cfg=dict(audit=True)
    )
    data = data_of(model)
    for k, sample in enumerate(data['data_samples']['unsup_teacher']):
        sample.gt_audit = PixelData(data=torch.full((1, 32, 32), k))
    model.recording = True
    losses = model(**data, mode='loss')
    given = [model.records[k][0][1] for k in ('learned', 'predicted')]
    labels, truth = given[0].labels, given[0].truth
    assert truth[0].unique().tolist() == [0, 1]  # mixed, too
    kept = labels != 255
    torch.testing.assert_close(
        losses['pseudo_label_accuracy'], (labels == truth)[kept].float().mean()
    )
    torch.testing.assert_close(
        losses['confident_ratio'], kept.sum() / (given[1].labels != 255).sum()
    )


def test_contrast_starts_later_and_further_losses_are_added() -> None:
    model = build(
        mixing=None,
        semi_train_cfg=dict(contrast_start=3, unsup_weight=0.5),
        further_losses=dict(rce=dict(type='ReverseCrossEntropyLoss')),
    )
    data, given = data_of(model), []
    model.further_losses['rce'].register_forward_pre_hook(
        lambda module, args: given.extend(args)
    )
    model.set_progress(2, 100)
    losses = model(**data, mode='loss')
    assert losses['loss_contra'] == 0 and not model.contrast.bank.counts.any()
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(p.grad is not None for p in model.student.parameters())
    logits, targets = given
    chosen = targets.labels != 255
    sure = logits.softmax(1).gather(
        1, targets.labels.where(chosen, 0)[:, None]
    )[:, 0]
    torch.testing.assert_close(
        losses['loss_rce'], 0.5 * math.log(1e4) * (1 - sure)[chosen].mean()
    )
    model.set_progress(3, 100)
    assert model(**data, mode='loss')['loss_contra'] > 0
    with pytest.raises(TypeError, match='SoftmaxMSELoss needs soft'):
        build(further_losses=dict(mse=dict(type='SoftmaxMSELoss')))
    with pytest.raises(ValueError, match='loss_contra may be'):
        build(further_losses=dict(contra=dict(type='ReverseCrossEntropyLoss')))


def test_two_classes() -> None:
    network = student()
    network['decode_head']['num_classes'] = 2
    model = build(network=network, contrast=dict(CONTRAST, high_rank=2))
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    for step in range(2):
        model.set_progress(step, 100)
        logs = model.train_step(data_of(model, num_classes=2), optim)
        assert all(torch.isfinite(v).all() for v in logs.values())
    assert logs['loss_contra'] > 0 and logs['loss_unsup'] > 0


def test_what_the_contrast_is_given() -> None:
    """Features of both networks, ranks of the teacher, certain pixels."""
    network = student()
    network['decode_head']['representation_head']['dropout_ratio'] = 0.0
    model = build(network=network, mixing=None)
    data = data_of(model)
    inputs, given = data['inputs'], []
    teacher = copy.deepcopy(model.teacher)
    live = copy.deepcopy(model.student)
    model.set_progress(50, 100)
    model.contrast.register_forward_pre_hook(
        lambda module, args: given.extend(args)
    )
    model(**data, mode='loss')
    rep, teacher_rep, probabilities, labels, low, high, labeled = given

    joined = torch.cat([inputs['sup'], inputs['unsup_student']])
    weak = teacher.eval()(inputs['unsup_teacher'], mode='tensor')
    teacher, live = teacher.train(), live.train()
    with torch.no_grad():
        their = teacher.decode_head.forward_with_representation(
            teacher.extract_feat(joined)
        )
    own = live.decode_head.forward_with_representation(
        live.extract_feat(joined)
    )
    torch.testing.assert_close(rep, own[1])
    torch.testing.assert_close(teacher_rep, their[1])
    torch.testing.assert_close(probabilities, their[0].softmax(1))
    assert rep.requires_grad and not teacher_rep.requires_grad
    assert labeled == 2

    def up(x):
        return F.interpolate(x, (32, 32), mode='bilinear')

    def down(maps):  # nearest, to the size of the features
        return F.interpolate(
            maps[:, None].float(), rep.shape[2:], mode='nearest'
        )[:, 0]

    truth = torch.stack(
        [s.gt_sem_seg.data[0] for s in data['data_samples']['sup']]
    )
    pseudo = up(weak).argmax(1)
    pseudo[:, -4:] = 255
    # Before the drop, which is another rule.
    assert torch.equal(labels, down(torch.cat([truth, pseudo])).long())
    q = up(their[0][2:]).softmax(1)
    entropies = -(q * (q + 1e-10).log()).sum(1)
    known = entropies[pseudo != 255]
    for mask, inside in (
        (low, entropies <= known.quantile(0.1)),
        (high, entropies >= known.quantile(0.9)),
    ):
        inside = torch.cat([truth != 255, inside & (pseudo != 255)])
        assert torch.equal(mask, down(inside).bool())


def test_warm_up_trains_on_labeled_images_alone() -> None:
    model = build(semi_train_cfg=dict(warmup_iters=5))
    before = copy.deepcopy(model.teacher.state_dict())
    losses = model(**data_of(model), mode='loss')
    assert 'loss_unsup' not in losses and losses['loss_contra'] == 0
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(p.grad is not None for p in model.student.parameters())
    moved = {
        k
        for k, v in model.teacher.state_dict().items()
        if (v != before[k]).any()
    }
    assert moved and all('running' in k or 'num_batches' in k for k in moved)
    model.set_progress(5, 100)
    assert model(**data_of(model), mode='loss')['loss_contra'] > 0


def test_modes_progress_and_half_precision() -> None:
    model = build(semi_train_cfg=dict(iters_per_epoch=10))
    model.set_progress(27, 100)
    assert model.progress == 0.2
    with autocast(device_type='cpu', dtype=torch.bfloat16):
        losses = model(**data_of(model), mode='loss')
    assert all(torch.isfinite(v).all() for v in losses.values())
    assert model.teacher.training
    assert not model.eval().teacher.training
    assert model.semi_test_cfg['predict_on'] == 'student'


@pytest.mark.parametrize('present', [(), (1,)])
def test_degenerate_batches(present) -> None:
    """Nothing labeled and all padded; one class."""
    model = build()
    data = data_of(model)
    for samples in data['data_samples'].values():
        for sample in samples:
            sample.gt_sem_seg.data.fill_(present[0] if present else 255)
    losses = model(**data, mode='loss')
    total = sum(v for k, v in losses.items() if 'loss' in k)
    total.backward()
    assert torch.isfinite(total)
    grads = [p.grad for p in model.student.parameters()]
    assert all(torch.isfinite(g).all() for g in grads)
    if not present:
        assert losses['loss_unsup'] == 0 and losses['loss_contra'] == 0


def test_without_contrast_no_representation_is_needed() -> None:
    model = build(network=tiny_student(), contrast=None)
    losses = model(**data_of(model), mode='loss')
    assert 'loss_contra' not in losses and losses['loss_unsup'] > 0
    with pytest.raises(ValueError, match='gives no representation'):
        build(network=tiny_student())
    with pytest.raises(ValueError, match='untrained'):
        build(contrast=None)


def test_bank_is_restored_from_a_checkpoint() -> None:
    model, other = build(), build()
    model(**data_of(model), mode='loss')
    other.load_state_dict(model.state_dict(), strict=True)
    assert other.contrast.bank.counts.any()
    values = []
    for each in (model, other):
        torch.manual_seed(1)
        values.append(each(**data_of(each, seed=3), mode='loss'))
    assert values[0].keys() == values[1].keys()
    for key, value in values[0].items():
        torch.testing.assert_close(value, values[1][key], rtol=0, atol=0)


def test_parts_that_do_not_fit() -> None:
    for bad, error, match in (
        (
            dict(pseudo_labeler=dict(type='ConfidencePseudoLabeler')),
            TypeError,
            'splits pixels by entropy',
        ),
        (dict(unsup_loss=dict(type='SoftmaxMSELoss')), TypeError, 'soft'),
        (
            dict(semi_train_cfg=dict(teacher_mode='eval')),
            ValueError,
            'teacher_mode',
        ),
        (
            dict(semi_train_cfg=dict(iters_per_epoch=0)),
            ValueError,
            'iters_per_epoch',
        ),
    ):
        with pytest.raises(error, match=match):
            build(**bad)
