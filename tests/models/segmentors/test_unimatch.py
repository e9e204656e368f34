"""UniMatch V1 and V2: what their perturbations do."""

import pytest
import torch
import torch.nn.functional as F

from mmsemi.models.perturbations import (
    ChannelDropout,
    ComplementaryChannelDropout,
)
from mmsemi.utils.errors import UsageError
from tests.models.segmentors.peers import (
    BRANCHES,
    corrmatch,
    losses_of,
    total,
    unimatch,
    unimatch_v2,
)
from tests.models.segmentors.test_mean_teacher import data_of

TWO = dict(sup=2, unsup_teacher=2, unsup_student=2, unsup_student_2=2)


def test_channels_are_dropped_whole_and_scaled():
    torch.manual_seed(0)
    feats = (torch.ones(2, 64, 3, 4), torch.ones(2, 32, 1, 2))
    for level, found in zip(feats, ChannelDropout()(feats)):
        assert found.shape == level.shape
        channels = found.flatten(2)
        assert (channels == channels[..., :1]).all()
        assert set(channels.unique().tolist()) == {0.0, 2.0}
    none = ChannelDropout(0.0)(feats)
    assert all(torch.equal(a, b) for a, b in zip(feats, none))
    with pytest.raises(ValueError, match='got 1'):
        ChannelDropout(1)


@pytest.mark.parametrize('number, kept', [(1, 0), (4, 2), (5, 2)])
def test_two_views_complete_each_other(number, kept):
    torch.manual_seed(0)
    feats = tuple(torch.ones(2 * number, c, 2, 2) for c in (64, 64, 16))
    drop = ComplementaryChannelDropout()
    first, same, other = (
        level.view(2, number, -1, 2, 2) for level in drop(feats)
    )
    assert torch.equal(first, same)  # of one width, one mask
    for level in (first, other):
        assert (level.sum(0) == 2).all()
        whole = (level == 1).flatten(2).all(2).all(0)
        assert whole.sum() == kept
        assert set(level[:, ~whole].unique().tolist()) == {0.0, 2.0}
    # The same samples on every level.
    assert ((first == 1).flatten(2).all(2) == (other == 1).flatten(2).all(2))[
        0
    ].all()


def test_one_view_has_nothing_that_completes_it():
    """Labeled images would be taken for the pairs of unlabeled ones."""
    pairs = dict(type='ComplementaryChannelDropout')
    for build in (unimatch, corrmatch):
        with pytest.raises(ValueError, match="type='ChannelDropout'"):
            build(perturbation=pairs)
    unimatch_v2(perturbation=pairs)


def test_mean_over_draws_is_the_feature_itself():
    torch.manual_seed(0)
    drop = ComplementaryChannelDropout(keep=0.0)
    feats = (torch.ones(2, 4000, 1, 1),)
    assert abs(drop(feats)[0][0].mean() - 1) < 0.05
    with pytest.raises(ValueError, match='3 in all'):
        drop((torch.ones(3, 2, 1, 1),))


def test_loss_is_the_formula():
    """Against mmseg's own forwards, with frozen normalization."""
    model = unimatch(mixing=None).eval()
    data = model.data_preprocessor(data_of(TWO), True)
    inputs = data['inputs']
    kept = torch.rand(64) < 0.5
    model.perturbation.forward = lambda feats: tuple(
        level * kept[: level.shape[1], None, None] for level in feats
    )

    def logits(images, perturb=lambda feats: feats):
        feats = perturb(model.student.extract_feat(images))
        found = model.student.decode_head(feats)
        return F.interpolate(found, images.shape[-2:], mode='bilinear')

    weak = inputs['unsup_teacher']
    confidence, labels = logits(weak).softmax(1).max(1)
    valid = torch.ones_like(labels, dtype=torch.bool)
    valid[:, -2:] = False
    confidence = confidence.detach()
    model.pseudo_labeler.thresholds.fill_(float(confidence.mean()))
    sure = (confidence >= confidence.mean()) & valid
    assert 0 < sure.sum() < valid.sum()

    def loss(predicted):
        pixels = F.cross_entropy(predicted, labels, reduction='none')
        return (pixels * sure).sum() / valid.sum()

    losses = model(**data, mode='loss')
    for key, factor, wanted in (
        ('loss_unsup', 0.125, loss(logits(inputs['unsup_student']))),
        ('loss_unsup_2', 0.125, loss(logits(inputs['unsup_student_2']))),
        ('loss_unsup_fp', 0.25, loss(logits(weak, model.perturbation))),
    ):
        torch.testing.assert_close(losses[key], factor * wanted)
    assert losses['loss_unsup_fp'] != 2 * losses['loss_unsup']


@pytest.mark.parametrize('joint', [True, False])
def test_labeled_images_alone_or_not(joint):
    """With frozen normalization it makes no difference."""
    model = unimatch(
        perturbation=dict(type='ChannelDropout', prob=0.0),
        mixing=None,
        auxiliary=True,
        semi_train_cfg=dict(joint_forward=joint),
    ).eval()
    other = unimatch(
        perturbation=dict(type='ChannelDropout', prob=0.0),
        mixing=None,
        auxiliary=True,
    ).eval()
    found, wanted = losses_of(model), losses_of(other)
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        torch.testing.assert_close(found[key], value)


def test_labels_of_version_2_are_the_teachers():
    model = unimatch_v2(mixing=None)
    model.recording = True
    data = model.data_preprocessor(data_of(TWO), True)
    torch.nn.init.normal_(model.teacher.decode_head.conv_seg.weight, std=5.0)
    losses = model(**data, mode='loss')
    teacher = model.teacher(data['inputs']['unsup_teacher'], mode='tensor')
    labels = F.interpolate(teacher, (32, 32), mode='bilinear').argmax(1)
    labels[:, -2:] = 255
    for record in model.records['learned']:
        assert torch.equal(record.targets.labels, labels)
    total(losses).backward()
    assert not model.teacher.training


def test_version_2_without_dropout_sees_two_plain_views():
    plain = unimatch_v2(perturbation={}, mixing=None).eval()
    dropped = unimatch_v2(mixing=None).eval()
    same = dict(TWO)
    data = plain.data_preprocessor(data_of(same), True)
    data['inputs']['unsup_student_2'] = data['inputs']['unsup_student']
    found = plain(**data, mode='loss')
    torch.testing.assert_close(found['loss_unsup'], found['loss_unsup_2'])
    found = dropped(**data, mode='loss')
    assert found['loss_unsup'] != found['loss_unsup_2']
    with pytest.raises(ValueError, match='joint_forward'):
        unimatch_v2(semi_train_cfg=dict(joint_forward=True))


def test_nobody_moves_the_teacher():
    model = unimatch_v2()
    model.teacher_follows = False
    with pytest.warns(UserWarning, match='MeanTeacherHook'):
        losses = losses_of(model)
    assert losses['loss_unsup'].isfinite()  # it goes on


@pytest.mark.parametrize('method', [unimatch, corrmatch])
def test_boxes_of_a_second_stream(method):
    """Other views of the images, labeled by a forward in eval mode."""
    model = method(
        mixing=dict(type='CutMix', box='cutmix_seg', prob=1.0, partner='same')
    )
    model.recording = True
    branches = dict(BRANCHES[type(model)])
    more = {k.replace('unsup', 'partner'): 3 for k in list(branches)[1:]}
    data = model.data_preprocessor(data_of({**branches, **more}), True)
    for sample in data['data_samples']['partner_teacher']:
        sample.gt_sem_seg.data[:] = 0
        sample.gt_sem_seg.data[..., 0] = 255  # another padding
    inputs = data['inputs']
    model.eval()
    looked = model.student(inputs['partner_teacher'], mode='tensor')
    labels = F.interpolate(looked, (32, 32), mode='bilinear').argmax(1)
    labels[..., 0] = 255
    total(model(**data, mode='loss')).backward()
    for k, record in enumerate(model.records['mixed']):
        name = 'student' if k == 0 else f'student_{k + 1}'
        own, other = inputs[f'unsup_{name}'], inputs[f'partner_{name}']
        pasted = (record.images == other).all(1)
        assert torch.equal(
            record.images, torch.where(pasted[:, None], other, own)
        )
        assert 0.4 < pasted.float().mean() < 0.6
        assert torch.equal(record.targets.labels[pasted], labels[pasted])
    model = method(mixing=dict(type='AdaptiveCutMix', num_classes=4))
    with pytest.raises(UsageError, match='leave data.second_stream out'):
        losses_of(model, {**branches, **more})
