import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper

from mmsemi.models.losses import ClassConfidenceBank, TargetLoss
from mmsemi.models.losses.class_confidence_bank import keep_rates
from mmsemi.models.mixing import AdaptiveCopyPaste, AdaptiveCutMix
from mmsemi.models.mixing.adaptive import component_box
from mmsemi.models.segmentors import Batch
from mmsemi.models.segmentors.ael import number_of_classes
from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.models.segmentors.test_u2pl import CONTRAST, data_of, student
from tests.models.tiny import tiny_student

C = 4


@MODELS.register_module()
class PlainLossOfTheTest(TargetLoss):
    def __init__(self, num_classes: int) -> None:
        super().__init__()


def build(kind='AEL', **kwargs):
    torch.manual_seed(0)
    settings = dict(
        AEL=dict(
            student=tiny_student(),
            pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0),
            semi_train_cfg=dict(teacher_mode='train'),
        ),
        U2PLWithAEL=dict(student=student(), contrast=CONTRAST),
    )[kind]
    model = MODELS.build(
        dict(
            dict(
                settings,
                type=kind,
                copy_paste=dict(type='AdaptiveCopyPaste', excluded=()),
            ),
            **kwargs,
        )
    )
    torch.nn.init.normal_(model.student.decode_head.conv_seg.weight, std=9.0)
    model.sync_copy('teacher')
    model.teacher_follows = True
    model.set_progress(0, 100)
    return model.train()


@pytest.mark.parametrize('kind', ['AEL', 'U2PLWithAEL'])
def test_one_step(kind) -> None:
    model = build(kind)
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    before = model.class_confidence.clone()
    logs = model.train_step(data_of(model), optim)
    assert {
        'loss_unsup',
        'loss_unsup_labeled',
        'min_class_confidence',
        'mean_class_confidence',
    } < set(logs)
    assert ('loss_contra' in logs) == (kind == 'U2PLWithAEL')
    assert all(torch.isfinite(v).all() for v in logs.values())
    assert (model.class_confidence != before).all()
    assert 'unsup_loss.bank.confidence' in model.state_dict()
    losses = model(**data_of(model), mode='loss')
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(p.grad is not None for p in model.student.parameters())
    assert all(p.grad is None for p in model.teacher.parameters())


@pytest.mark.parametrize('kind', ['AEL', 'U2PLWithAEL'])
def test_two_classes(kind) -> None:
    network = dict(AEL=tiny_student, U2PLWithAEL=student)[kind]()
    network['decode_head']['num_classes'] = 2
    contrast = dict(CONTRAST, high_rank=2)
    model = build(
        kind,
        student=network,
        **(dict(contrast=contrast) if kind == 'U2PLWithAEL' else {}),
    )
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    logs = model.train_step(data_of(model, num_classes=2), optim)
    assert all(torch.isfinite(v).all() for v in logs.values())
    assert logs['loss_unsup'] > 0
    cfg = dict(type='AdaptiveCopyPaste')  # excludes 0, 1 and others
    with pytest.raises(ValueError, match='none of the 2 classes'):
        build(kind, student=network, copy_paste=cfg)


def test_losses_are_the_algorithm_box() -> None:
    """Against the steps written out with mmseg's own forward."""
    model = build(
        semi_train_cfg=dict(teacher_mode='train', unsup_weight=0.5),
        unsup_loss=dict(sample=False),
        labeled_consistency=0.25,
    )
    model.copy_paste.prob = 1.0
    data = data_of(model)
    inputs, samples = data['inputs'], data['data_samples']
    samples['sup'][0].gt_sem_seg.data[:, :5] = 255
    truth = torch.stack([s.gt_sem_seg.data[0] for s in samples['sup']])
    images = inputs['sup'].clone()
    teacher = copy.deepcopy(model.teacher)
    live = copy.deepcopy(model.student)
    bank = copy.deepcopy(model.unsup_loss.bank)
    torch.manual_seed(3)
    np.random.seed(3)
    losses = model(**data, mode='loss')

    torch.manual_seed(3)
    np.random.seed(3)
    images, labels = model.copy_paste(images, truth, bank.confidence)
    assert (labels != truth).any()
    same = torch.stack([s.gt_sem_seg.data[0] for s in samples['sup']])
    assert torch.equal(same, truth)  # the batch itself stays as it is

    def up(x):
        return F.interpolate(x, (32, 32), mode='bilinear')

    with torch.no_grad():
        weak = up(teacher.train()(inputs['unsup_teacher'], mode='tensor'))
        confidence, pseudo = weak.softmax(1).max(1)
        valid = (
            torch.stack(
                [s.gt_sem_seg.data[0] for s in samples['unsup_teacher']]
            )
            != 255
        )
        targets = Targets(
            labels=pseudo.masked_fill(~valid, 255),
            confidence=confidence,
            valid=valid,
        )
        mixed, targets = model.mixing(
            inputs['unsup_student'], targets, None, bank.confidence
        )
        own = up(teacher(images, mode='tensor')).softmax(1).max(1)
    logits = up(live.train()(torch.cat([images, mixed]), mode='tensor'))
    bank.update(logits[:2], labels)
    torch.testing.assert_close(model.class_confidence, bank.confidence)

    def consistency(logits, confidence, labels, counted):
        weights = confidence**2 * counted
        loss = F.cross_entropy(
            logits, labels, ignore_index=255, reduction='none'
        )
        return 0.5 * (weights * loss).sum() / weights.sum()

    torch.testing.assert_close(
        losses['loss_unsup'],
        consistency(
            logits[2:], targets.confidence, targets.labels, targets.valid
        ),
    )
    want = 0.25 * consistency(logits[:2], *own, labels != 255)
    torch.testing.assert_close(losses['loss_unsup_labeled'], want)
    want.backward()
    losses['loss_unsup_labeled'].backward()
    for ours, theirs in zip(model.student.parameters(), live.parameters()):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_labeler_learns_from_unlabeled_images_alone() -> None:
    model = build(
        pseudo_labeler=dict(
            type='OnlineClassBalancedPseudoLabeler',
            num_classes=C,
            labeler=dict(type='ClassBalancedPseudoLabeler'),
        )
    )
    data = data_of(model)
    data['data_samples']['sup'][0].gt_sem_seg.data.fill_(255)
    model(**data, mode='loss')
    valid = sum(
        (s.gt_sem_seg.data != 255).sum()
        for s in data['data_samples']['unsup_teacher']
    )
    assert model.pseudo_labeler.average.sum() == valid


def test_pastes_from_a_branch_of_its_own() -> None:
    model = build()
    model.copy_paste.prob = 1.0
    data = data_of(model)
    inputs, samples = data['inputs'], data['data_samples']
    inputs['paste'] = torch.full_like(inputs['sup'], 7.0)
    samples['paste'] = copy.deepcopy(samples['sup'])
    for sample in samples['paste']:
        sample.gt_sem_seg.data = torch.full_like(sample.gt_sem_seg.data, 255)
        sample.gt_sem_seg.data[:, 3:9] = 2
    model.unsup_loss.bank.confidence.copy_(torch.tensor([1.0, 1, -600, 1]))
    before = [s.gt_sem_seg.data[0].clone() for s in samples['sup']]
    seen = []
    model.student.backbone.register_forward_pre_hook(
        lambda module, args: seen.append(args[0])
    )
    model(**data, mode='loss')
    prepared = model.prepare(Batch.of(inputs, samples, others=('paste',)))
    for i, sample in enumerate(prepared.sup_samples):
        assert (sample.gt_sem_seg.data[0, 3:9] == 2).all()
        assert torch.equal(sample.gt_sem_seg.data[0, 9:], before[i][9:])
        assert (seen[0][i, :, 3:9] == 7).all()
        assert torch.equal(seen[0][i, :, 9:], inputs['sup'][i, :, 9:])


def test_nothing_labeled_and_all_padded() -> None:
    model = build()
    data = data_of(model)
    for samples in data['data_samples'].values():
        for sample in samples:
            sample.gt_sem_seg.data.fill_(255)
    losses = model(**data, mode='loss')
    assert losses['loss_unsup'] == 0
    total = sum(v for k, v in losses.items() if 'loss' in k)
    total.backward()
    assert all(
        torch.isfinite(p.grad).all() for p in model.student.parameters()
    )


def test_classes_of_word_vectors_are_counted() -> None:
    model = MODELS.build(
        dict(
            type='AEL',
            student=tiny_student(embeddings=True),
            pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0),
            semi_train_cfg=dict(teacher_mode='train'),
        )
    ).train()
    assert len(model.class_confidence) == C
    losses = model(**data_of(model), mode='loss')
    assert all(torch.isfinite(value).all() for value in losses.values())
    assert number_of_classes(dict(classes=list('ab'))) == 2
    with pytest.raises(UsageError, match='PointHead.*names no number of'):
        number_of_classes(dict(type='mmseg.PointHead'))


def test_only_the_loss_of_ael_will_do() -> None:
    with pytest.raises(TypeError, match='EqualizationConsistencyLoss'):
        build(unsup_loss=dict(type='PlainLossOfTheTest'))
    with pytest.raises(TypeError, match='needs mixing of type AdaptiveCutMix'):
        build(mixing=dict(type='CutMix'))
    with pytest.raises(ValueError, match='has 3 classes, the student 4'):
        build(unsup_loss=dict(num_classes=3))
    with pytest.raises(ValueError, match='number must be at least 1'):
        AdaptiveCopyPaste(number=0)


def test_bank_knows_absent_classes() -> None:
    logits = torch.zeros(1, C, 2, 2)
    labels = torch.tensor([[[0, 0], [1, 255]]])
    for skip, absent in ((False, 0.25), (True, 0.5)):
        bank = ClassConfidenceBank(C, 0.5, skip_absent=skip)
        batch = bank.update(logits, labels)
        torch.testing.assert_close(batch, torch.tensor([0.25, 0.25, 0, 0]))
        torch.testing.assert_close(
            bank.confidence, torch.tensor([0.375, 0.375, absent, absent])
        )
    bank.update(logits, labels.fill_(255))
    assert torch.isfinite(bank.confidence).all()


def test_class_weights_of_a_criterion() -> None:
    g = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 5, 6, generator=g)
    labels = torch.randint(0, 3, (2, 5, 6), generator=g)
    labels[:, 0] = 255
    loss = MODELS.build(
        dict(
            type='EqualizationConsistencyLoss',
            num_classes=3,
            sample=False,
            gamma=1.0,
            criterion=dict(
                type='ClassBalancedCrossEntropyLoss', class_weight=[1, 2, 3]
            ),
        )
    )
    confidence = torch.rand(2, 5, 6, generator=g)
    known = labels != 255
    weights = torch.tensor([0.5, 1, 1.5])[labels.where(known, 1)] * confidence
    each = F.cross_entropy(logits, labels, reduction='none', ignore_index=255)
    torch.testing.assert_close(
        loss(logits, Targets(labels, confidence)),
        (weights * each).sum() / weights.sum(),
    )


def test_the_worst_class_is_always_kept() -> None:
    rates = keep_rates(torch.tensor([0.9, 0.1, 0.5]), 2.0)
    assert rates[1] == 1 and 0 < rates[0] < rates[2] < 1
    assert (keep_rates(torch.ones(3)) == 1).all()
    loss = MODELS.build(
        dict(type='EqualizationConsistencyLoss', num_classes=3)
    )
    loss.bank.confidence.copy_(torch.tensor([1.0, 0.1, 1.0]))
    logits = torch.zeros(2, 3, 4, 4)
    logits[:, 1, :2], logits[:, 0, 2:] = 5, 5
    logits.requires_grad_()
    targets = Targets(torch.ones(2, 4, 4).long())
    loss(logits, targets).backward()
    kept = logits.grad.ne(0).any(1)
    assert kept[:, :2].all() and not kept[:, 2:].any()
    # No confidence at all.
    targets.confidence.zero_()
    assert loss(logits, targets) == 0


def test_cutmix_takes_an_object_of_the_unsure_class() -> None:
    labels = torch.zeros(2, 20, 20).long()
    labels[1, 3:9, 5:12] = 2
    labels[0, 1, 1] = 2  # too small to be looked for
    images = torch.stack([torch.zeros(3, 20, 20), torch.ones(3, 20, 20)])
    targets = Targets(labels, weights=images[:, 0].clone())
    given = targets.each(torch.clone)
    mix = AdaptiveCutMix(component_share=0.05, presence_share=0.05)
    np.random.seed(0)
    # Class 2 is drawn for certain, as good as.
    confidence = torch.tensor([1.0, 1.0, -600.0, 1.0])
    new, mixed = mix(images, targets, None, confidence)
    box = torch.zeros(20, 20, dtype=torch.bool)
    box[3:9, 5:12] = True
    assert torch.equal(new[0, 0].bool(), box)
    assert (mixed.labels[0][box] == 2).all()
    assert torch.equal(mixed.weights[0].bool(), box)
    # The other image gets a box of half the area: nothing there is large.
    share = (new[1, 0] == 0).float().mean().item()
    assert share == pytest.approx(0.5, abs=0.05)
    assert torch.equal(targets.labels, given.labels)
    assert torch.equal(targets.weights, given.weights)
    one = targets.keep(slice(1))
    assert torch.equal(mix(images[:1], one, None, confidence)[0], images[:1])


def test_diagonal_pixels_are_one_component() -> None:
    labels = np.eye(8, dtype=int)
    assert component_box(labels, 1, 0.1).tolist() == [0, 0, 8, 8]
    y0, x0, y1, x1 = component_box(labels, 3, 0.1)
    assert 0 <= y0 < y1 <= 8 and 0 <= x0 < x1 <= 8


def test_copy_paste_leaves_unknown_and_excluded_pixels() -> None:
    g = torch.Generator().manual_seed(0)
    images = torch.rand(3, 3, 8, 8, generator=g)
    labels = torch.randint(0, C, (3, 8, 8), generator=g)
    labels[:, 0] = 255
    module = AdaptiveCopyPaste(number=8, excluded=(0, 2))
    used = torch.tensor([True, False, True])
    new, pasted = module(images, labels, torch.zeros(C), used)
    others = labels.roll(-1, 0)
    mask = ((others == 1) | (others == 3)) & used.view(-1, 1, 1)
    assert torch.equal(pasted, torch.where(mask, others, labels))
    assert torch.equal(
        new, torch.where(mask[:, None], images.roll(-1, 0), images)
    )
    nothing = AdaptiveCopyPaste(excluded=range(C))
    assert torch.equal(
        nothing(images, labels, torch.zeros(C), used)[1], labels
    )
