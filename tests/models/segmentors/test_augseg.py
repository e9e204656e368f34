"""AugSeg: what is injected, and what is learned."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData

from mmsemi.models.mixing import LabelInjectingCutMix, image_trust
from mmsemi.models.segmentors import AugSeg
from mmsemi.models.targets import Targets
from mmsemi.ops.boxes import beta_boxes
from tests.models.segmentors.peers import BRANCHES, build, losses_of
from tests.models.segmentors.test_mean_teacher import data_of

N, M, SIZE = 6, 4, (40, 48)


def inject(trust, soft=False):
    """Of images that say in every pixel which one it is; labeled below 0."""
    torch.manual_seed(0)
    np.random.seed(0)
    labels = torch.arange(N)[:, None, None].expand(N, *SIZE).clone()
    images = labels[:, None].float().expand(N, 3, *SIZE)
    known = 100 + torch.arange(M)[:, None, None].expand(M, *SIZE)
    labeled = -1 - torch.arange(M).float().view(M, 1, 1, 1)
    labeled = labeled.expand(M, 3, *SIZE)
    zero = torch.zeros(N, *SIZE)
    mixing = LabelInjectingCutMix()
    return mixing(
        images,
        Targets(labels, zero + 0.5, zero),
        labeled,
        Targets(known),
        torch.full((N,), trust),
    )


@pytest.mark.parametrize('trust', [0.0, 1.0])
def test_labels_come_in_boxes_of_boxes(trust):
    images, targets = inject(trust)
    labels = targets.labels
    injected = labels >= 100
    # Pixels and labels are of the same image.
    assert torch.equal(images[:, 0], labels.where(~injected, 99 - labels))
    assert torch.equal(targets.weights, injected.float())
    assert torch.equal(targets.confidence == 1, injected)
    assert injected.any() == (trust == 0)
    for i, shown in enumerate(labels):
        values = set(shown.unique().tolist())
        partner = {v for v in values - {i} if v < 100}
        assert len(partner) <= 1
        # The one box of labels is that of the partner's place in the order.
        assert len([v for v in values if v >= 100]) <= 1
        outer = shown != i
        rows, columns = outer.any(1).sum(), outer.any(0).sum()
        assert outer.sum() == rows * columns  # the outer box is a box


def test_trust_is_that_of_the_formula():
    torch.manual_seed(0)
    probabilities = torch.randn(2, 5, 6, 7).mul(3).softmax(1)
    valid = torch.ones(2, 6, 7, dtype=torch.bool)
    valid[1, 3:] = False
    found = image_trust(probabilities, valid)
    for p, mask, value in zip(probabilities, valid, found):
        entropy = -(p * p.log()).sum(0) / np.log(5)
        wanted = ((1 - entropy) * p.amax(0))[mask].mean()
        torch.testing.assert_close(value, wanted)
    valid[:] = False
    assert image_trust(probabilities, valid).tolist() == [0, 0]
    sure = F.one_hot(torch.zeros(1, 4, 4, dtype=torch.long), 3)
    sure = sure.movedim(-1, 1).float()
    assert image_trust(sure, torch.ones(1, 4, 4, dtype=torch.bool)) == 1
    even = torch.full((1, 3, 4, 4), 1 / 3)
    valid = torch.ones(1, 4, 4, dtype=torch.bool)
    assert image_trust(even, valid) == pytest.approx(0, abs=1e-6)


def test_boxes_follow_their_distribution():
    """Of those that are not cut off."""
    rng = np.random.RandomState(0)
    boxes = beta_boxes(20000, 1000, 2000, rng, 8.0, 2.0)[:, 0]
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2] <= 1000).all()
    sides = boxes[:, 2:] - boxes[:, :2]
    inside = (boxes[:, :2] > 0).all(1)
    inside &= (boxes[:, 2:] < [1000, 2000]).all(1)
    whole = sides[inside]
    np.testing.assert_allclose(whole[:, 1], 2 * whole[:, 0], atol=4)
    # Small ones are less often cut off; the mean of 1 - lambda is 0.2.
    assert 0.1 < (whole.prod(1) / 2e6).mean() < 0.2
    centers = boxes[inside].reshape(-1, 2, 2).mean(1)
    assert centers[:, 0].min() >= 124 and centers[:, 1].min() >= 249
    one = beta_boxes(20000, 1000, 1000, rng, 4.0, 4.0)[:, 0]
    side = (one[:, 2] - one[:, 0]).max()
    assert 0.9 < side / 1000 <= 1


def test_loss_is_that_of_the_formula():
    """Of confident pixels and injected ones, over all."""
    model = build(AugSeg, threshold=0.4).eval()
    model.recording = True
    data = model.data_preprocessor(data_of(BRANCHES[AugSeg], padded=3), True)
    losses = model(**data, mode='loss')
    (record,) = model.records['mixed']
    targets = record.targets
    logits = model.student(record.images, mode='tensor')
    logits = F.interpolate(logits, (32, 32), mode='bilinear')
    each = F.cross_entropy(
        logits, targets.labels, ignore_index=255, reduction='none'
    )
    counted = (targets.confidence >= 0.4) & targets.valid
    assert 0 < counted.sum() < counted.numel()
    wanted = (each * counted).sum() / counted.numel()
    torch.testing.assert_close(losses['loss_unsup'], wanted)
    assert 0 <= losses['mean_trust'] <= 1


def test_the_teacher_is_asked_for_probabilities_once(monkeypatch):
    """Labels and trust are taken from the same maps."""
    model, asked = build(AugSeg), []
    plain = AugSeg.probabilities

    def counted(self, *args):
        asked.append(plain(self, *args))
        return asked[-1]

    monkeypatch.setattr(AugSeg, 'probabilities', counted)
    model.recording = True
    losses_of(model)
    (probabilities,) = asked
    (labeled,) = model.records['labeled']
    confidence, labels = probabilities.max(1)
    valid = labeled.targets.valid
    assert torch.equal(labeled.targets.labels[valid], labels[valid])
    assert torch.equal(labeled.targets.confidence, confidence)


def test_soft_losses_learn_what_is_injected():
    model = build(AugSeg, unsup_loss=dict(type='SoftmaxMSELoss'))
    model.recording = True
    losses_of(model)
    (record,) = model.records['mixed']
    soft, labels = record.targets.soft, record.targets.labels
    assert (soft.sum(1) > 0)[labels != 255].all()
    assert (soft == 1).any()
    assert torch.equal(soft.argmax(1)[labels != 255], labels[labels != 255])


def test_an_audit_leaves_out_what_is_injected():
    """Those labels are right, and no pseudo-labels."""
    model = build(AugSeg, semi_train_cfg=dict(audit=True)).eval()
    data = data_of(BRANCHES[AugSeg], padded=0)
    for sample in data['data_samples']['unsup_teacher']:
        never = torch.full_like(sample.gt_sem_seg.data, 200)
        sample.gt_audit = PixelData(data=never)
    model.recording = True
    data = model.data_preprocessor(data, True)
    losses = model(**data, mode='loss')
    (record,) = model.records['mixed']
    assert (record.targets.truth == 255).any()  # something was injected
    assert losses['pseudo_label_accuracy'] == 0


def test_other_mixing_is_another_method():
    with pytest.raises(TypeError, match='got CutMix: MeanTeacher takes any'):
        build(AugSeg, mixing=dict(type='CutMix'))
    with pytest.raises(ValueError, match='labeled_beta must be positive'):
        LabelInjectingCutMix(labeled_beta=(0, 2))
