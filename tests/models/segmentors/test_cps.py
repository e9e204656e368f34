"""CPS: two students that stay two."""

import copy

import pytest
import torch
from mmengine.structures import PixelData

from mmsemi.models.losses import EqualizationConsistencyLoss
from mmsemi.models.pseudo_labelers import OnlineClassBalancedPseudoLabeler
from mmsemi.models.segmentors import CPS
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.models.segmentors.peers import CPS_CUTMIX, cps, losses_of, unimatch
from tests.models.segmentors.test_mean_teacher import data_of
from tests.models.tiny import tiny_student


def test_two_students_stay_two():
    """A plain checkpoint fills the first; equal ones would learn nothing."""
    model = cps()
    plain = MODELS.build(tiny_student()).state_dict()
    before = copy.deepcopy(model.student_2.state_dict())
    model.load_state_dict(
        {key: value + 1 for key, value in plain.items()}, strict=False
    )
    for key, value in model.student.state_dict().items():
        assert torch.equal(value, plain[key] + 1), key
    for key, value in model.student_2.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_initialized_apart_or_refused(tmp_path):
    student = tiny_student()
    model = CPS(student)
    model.init_weights()
    first, second = model.student.state_dict(), model.student_2.state_dict()
    key = 'decode_head.conv_seg.weight'
    assert not torch.equal(first[key], second[key])
    path = str(tmp_path / 'whole.pth')
    torch.save(MODELS.build(tiny_student()).state_dict(), path)
    whole = dict(type='Pretrained', checkpoint=path)
    with pytest.raises(UsageError, match='same weights'):
        CPS(dict(student, init_cfg=whole)).init_weights()
    # The second as it is, by a change of its config.
    CPS(
        dict(student, init_cfg=whole), student_2=dict(init_cfg=None)
    ).init_weights()


def test_a_second_student_of_another_form():
    model = cps(student_2=dict(decode_head=dict(channels=16)))
    assert model.student.decode_head.channels == 8
    assert model.student_2.decode_head.channels == 16
    assert losses_of(model)['loss_unsup_2'] > 0
    with pytest.raises(ValueError, match='predicts 5'):
        cps(student_2=dict(decode_head=dict(num_classes=5, out_channels=5)))


def test_either_student_predicts():
    for name in CPS.sub_models:
        model = cps(semi_test_cfg=dict(predict_on=name))
        assert model.predictor is getattr(model, name)
    with pytest.raises(ValueError, match='teacher'):
        cps(semi_test_cfg=dict(predict_on='teacher'))
    with pytest.raises(ValueError, match='student_2'):
        unimatch(semi_test_cfg=dict(predict_on='student_2'))


def test_images_and_both_labels_are_mixed_by_one_mask():
    model = cps(mixing=CPS_CUTMIX).eval()
    data = model.data_preprocessor(data_of(dict(sup=1, unsup_teacher=2)), True)
    weak = data['inputs']['unsup_teacher']
    masks = []
    draw = model.mixing.draw

    def keep(targets):
        masks.append(draw(targets))
        return masks[-1]

    model.mixing.draw = keep
    model.recording = True
    model(**data, mode='loss')
    (mask,) = masks
    assert 0 < mask.float().mean() < 1
    (mixed,) = model.records['mixed']
    assert torch.equal(
        mixed.images, torch.where(mask[:, None], weak.flip(0), weak)
    )
    one, two = (record.targets for record in model.records['labeled'])
    assert (one.labels != two.labels).any()
    # The first student learns what the second said, and the other way.
    for record, said in zip(model.records['learned'], (two, one)):
        labels = torch.where(mask, said.labels.flip(0), said.labels)
        assert torch.equal(record.targets.labels, labels)


def test_labels_of_mixed_images_come_from_train_mode():
    """Their forwards move the statistics of normalization (published)."""
    model = cps(mixing=CPS_CUTMIX)
    count = 'backbone.stem.1.num_batches_tracked'
    losses_of(model)
    for network in model.students:
        # Weak views, labeled images, mixed images.
        assert network.state_dict()[count] == 3


def test_labeled_images_take_part_in_plain_cps():
    model = cps().eval()
    model.recording = True
    losses_of(model)
    first, second = (r.targets for r in model.records['learned'])
    # Three unlabeled images, of whose padding nothing is learned, then two
    # labeled ones, of which all is.
    assert len(first) == len(second) == 5
    assert not first.valid[:3, -2:].any() and first.valid[3:].all()
    assert (first.labels[3:] < 4).all()


def test_audit_counts_unlabeled_images_only():
    model = cps()
    model.semi_train_cfg['audit'] = True
    data = data_of(dict(sup=2, unsup_teacher=3))
    for sample in data['data_samples']['unsup_teacher']:
        sample.gt_audit = PixelData(data=torch.full((1, 32, 32), 1))
    data = model.data_preprocessor(data, True)
    model.recording = True
    losses = model(**data, mode='loss')
    targets = model.records['learned'][0].targets
    assert (targets.truth[3:] == 255).all()
    right = (targets.labels[:3] == 1)[targets.valid[:3]].float().mean()
    torch.testing.assert_close(losses['pseudo_label_accuracy'], right)


@pytest.mark.parametrize('mixing', [None, CPS_CUTMIX])
def test_each_student_has_thresholds_of_its_own(mixing, monkeypatch):
    """What one predicts tells nothing of how sure the other is."""
    given = dict(
        type='OnlineClassBalancedPseudoLabeler',
        labeler=dict(type='ClassBalancedPseudoLabeler'),
        num_classes=4,
    )
    model = cps(pseudo_labeler=given, mixing=mixing)
    calls: list[tuple] = []
    forward = OnlineClassBalancedPseudoLabeler.forward

    def noted(self, probabilities, valid=None, progress=0.0):
        calls.append((self, probabilities, valid))
        return forward(self, probabilities, valid, progress)

    monkeypatch.setattr(OnlineClassBalancedPseudoLabeler, 'forward', noted)
    losses_of(model)
    assert [labeler for labeler, *_ in calls] == [*model.labelers]
    averages = []
    for labeler, probabilities, valid in calls[:2]:
        alone = MODELS.build(given).train()
        forward(alone, probabilities, valid)
        assert torch.equal(alone.average, labeler.average)
        averages.append(labeler.average)
    assert not torch.equal(*averages)
    assert 'pseudo_labeler_2.average' in model.state_dict()
    plain = cps().state_dict()
    assert not any(key.startswith('pseudo_labeler') for key in plain)


@pytest.mark.parametrize('mixing', [None, CPS_CUTMIX])
@pytest.mark.parametrize('place', ['unsup_loss', 'further_losses'])
def test_each_student_has_a_bank_of_its_own(mixing, place, monkeypatch):
    """How sure one is of a class tells nothing of the other."""
    loss = dict(type='EqualizationConsistencyLoss', num_classes=4)
    given = {place: loss if place == 'unsup_loss' else dict(more=loss)}
    model = cps(mixing=mixing, **given)
    seen: list[tuple] = []
    asked: list[object] = []
    observe = EqualizationConsistencyLoss.observe
    forward = EqualizationConsistencyLoss.forward
    monkeypatch.setattr(
        EqualizationConsistencyLoss,
        'observe',
        lambda self, *args: seen.append((self, *args)) or observe(self, *args),
    )
    monkeypatch.setattr(
        EqualizationConsistencyLoss,
        'forward',
        lambda self, *args: asked.append(self) or forward(self, *args),
    )
    losses = losses_of(model)
    key = dict(unsup_loss='unsup_2', further_losses='unsup_2_more')[place]
    assert losses[f'loss_{key}'] > 0
    banks = [part for part, *_ in seen]
    assert len(set(map(id, banks))) == 2 and asked == banks
    confidences = []
    for part, logits, labels in seen:
        alone = MODELS.build(loss)
        observe(alone, logits, labels)
        assert torch.equal(alone.bank.confidence, part.bank.confidence)
        confidences.append(part.bank.confidence)
    assert not torch.equal(*confidences)
    # What a checkpoint brings back is that of each.
    middle = '' if place == 'unsup_loss' else '.more'
    saved = model.state_dict()
    for suffix, confidence in zip(('', '_2'), confidences):
        name = f'{place}{suffix}{middle}.bank.confidence'
        assert torch.equal(saved[name], confidence)


def test_banks_move_on_labeled_images_alone():
    loss = dict(type='EqualizationConsistencyLoss', num_classes=4)
    model = cps(unsup_loss=loss)
    losses_of(model, dict(sup=2))
    for part in (model.unsup_loss, model.unsup_loss_2):
        assert not torch.equal(part.bank.confidence, torch.full((4,), 0.5))
