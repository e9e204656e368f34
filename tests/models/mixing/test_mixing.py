import numpy as np
import pytest
import torch

from mmsemi.models.mixing import (
    AdaptiveCutMix,
    ClassMix,
    CutMix,
    CutOut,
    box_mask,
)
from mmsemi.models.targets import Targets
from mmsemi.ops.boxes import BOX_RULES
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError

RULES = sorted(BOX_RULES)


@pytest.fixture(autouse=True)
def _seed():
    np.random.seed(0)
    torch.manual_seed(0)


def batch(number=4, size=(12, 16)):
    """Images whose every pixel tells the number of the image."""
    index = torch.arange(number).view(-1, 1, 1).expand(number, *size)
    return index[:, None].float().expand(-1, 3, -1, -1), Targets(
        labels=index.clone(),
        confidence=index / number,
        weights=torch.ones(number, *size),
        valid=torch.ones(number, *size, dtype=torch.bool),
        soft=torch.rand(number, 5, *size),
    )


@pytest.mark.parametrize('rule', RULES)
@pytest.mark.parametrize('partner', ['roll', 'flip'])
def test_everything_of_a_pixel_moves_together(rule, partner) -> None:
    images, targets = batch()
    mixing = CutMix(rule, prob=1.0, partner=partner)
    mixed, found = mixing(images, targets)
    labels = found.labels
    assert torch.equal(mixed[:, 0].long(), labels)
    assert torch.equal(found.confidence, labels / 4)
    source = targets.soft.transpose(0, 1)[
        :, labels, torch.arange(12)[:, None], torch.arange(16)
    ]
    assert torch.equal(found.soft.transpose(0, 1), source)
    others = [1, 2, 3, 0] if partner == 'roll' else [3, 2, 1, 0]
    for own, other, label in zip(range(4), others, labels):
        assert set(label.unique().tolist()) <= {own, other}
        assert (label == other).any()
    assert torch.equal(targets.labels, batch()[1].labels)


@pytest.mark.parametrize('rule', RULES)
def test_boxes_lie_inside(rule) -> None:
    for height, width in ((12, 16), (7, 5), (2, 2), (1, 1)):
        boxes = BOX_RULES[rule](50, height, width)
        y0, x0, y1, x1 = boxes[:, 0].T
        assert (0 <= y0).all() and (y0 <= y1).all() and (y1 <= height).all()
        assert (0 <= x0).all() and (x0 <= x1).all() and (x1 <= width).all()


def test_areas_are_the_published_ones() -> None:
    half = box_mask(torch.from_numpy(BOX_RULES['u2pl'](200, 40, 60)), 40, 60)
    share = half.float().mean((1, 2))
    assert (share - 0.5).abs().max() < 1 / 60
    some = box_mask(
        torch.from_numpy(BOX_RULES['unimatch'](500, 40, 60)), 40, 60
    )
    share = some.float().mean((1, 2))
    assert share.max() <= 0.4 and share.min() > 0.005
    assert 0.15 < share.mean() < 0.22  # large boxes fit less often


def test_boxes_toggle() -> None:
    boxes = torch.tensor([[[0, 0, 2, 2], [1, 1, 3, 3]]])
    assert box_mask(boxes, 3, 3).int().tolist() == [
        [[1, 1, 0], [1, 0, 1], [0, 1, 1]]
    ]


def test_coins() -> None:
    images, targets = batch(2)
    never = CutMix(prob=0.0)(images, targets)
    assert never[0] is images and never[1] is targets

    def mixed(mixing):
        return (mixing(images, targets)[0] != images).flatten(1).any(1)

    whole = torch.stack([mixed(CutMix(prob=0.5)) for _ in range(200)])
    assert (whole[:, 0] == whole[:, 1]).all() and 70 < whole[:, 0].sum() < 130
    each = torch.stack(
        [mixed(CutMix(prob=0.5, per_image=True)) for _ in range(200)]
    )
    assert (each[:, 0] != each[:, 1]).any() and 70 < each[:, 0].sum() < 130


@pytest.mark.parametrize('kind', ['CutMix', 'ClassMix'])
def test_one_image_stays_as_it_is(kind) -> None:
    images, targets = batch(1)
    mixed, found = MODELS.build(dict(type=kind, prob=1.0))(images, targets)
    assert torch.equal(mixed, images)
    assert torch.equal(found.labels, targets.labels)
    assert torch.equal(found.soft, targets.soft)


def test_cut_out_leaves_nothing_inside() -> None:
    images, targets = batch()
    images = images + 1
    mixed, found = CutOut(prob=1.0)(images, targets)
    hole = found.labels == 255
    assert hole.flatten(1).any(1).all() and not hole.all()
    assert found.valid.all()  # a hole is no padding
    assert (found.weights == (~hole)).all()
    assert torch.equal((mixed == 0).all(1), hole)
    assert (found.soft.sum(1)[hole] == 0).all()


def test_class_mix_keeps_half_of_the_classes() -> None:
    labels = torch.randint(0, 5, (6, 20, 20))
    labels[0] = 3  # one class alone: floor(1 / 2) = none stays
    labels[1] = 255  # nothing labeled
    labels[2, :10] = 255
    mask = ClassMix().draw_mask(Targets(labels))
    assert mask[0].all() and mask[1].all() and mask[2, :10].all()
    for label, other in zip(labels[2:], mask[2:]):
        kept = set(label[~other].unique().tolist())
        assert len(kept) == 2 and 255 not in kept
        assert not kept & set(label[other].unique().tolist())
    again = ClassMix().draw_mask(Targets(labels))
    assert not torch.equal(mask, again)


def test_half_precision_images() -> None:
    images, targets = batch()
    mixed, _ = CutMix(prob=1.0)(images.bfloat16(), targets)
    assert mixed.dtype == torch.bfloat16


@pytest.mark.parametrize(
    'cfg', [dict(box='square'), dict(partner='next'), dict(prob=1.5)]
)
def test_wrong_settings(cfg) -> None:
    with pytest.raises(ValueError, match=next(iter(cfg))):
        CutMix(**cfg)


@pytest.mark.parametrize(
    'mixing',
    [
        CutMix(prob=1.0),
        ClassMix(prob=1.0),
        AdaptiveCutMix(num_classes=4),
        CutOut(prob=1.0),
    ],
    ids=lambda mixing: type(mixing).__name__,
)
def test_what_another_network_says_moves_along(mixing) -> None:
    images, targets = batch()
    other = targets.change(labels=(targets.labels + 1) % 4)
    mixed, found = mixing(images + 1, targets.change(beside=other))
    assert found.beside.beside is None
    known = found.labels != 255
    assert known.any() and (mixed != images + 1).any()
    assert torch.equal(found.beside.labels != 255, known)
    assert ((found.labels + 1) % 4 == found.beside.labels)[known].all()
    assert torch.equal(found.beside.valid, found.valid)


def test_adaptive_boxes_outside_ael() -> None:
    """Confidence of a class: the mean where its label is, over batches."""
    mixing = AdaptiveCutMix(num_classes=5, momentum=0.5)
    images, targets = batch()
    valid = targets.valid.clone()
    valid[3] = False  # the only image of class 3
    confidence = targets.confidence.clone()
    confidence[2, :6] = 0.9
    targets = targets.change(valid=valid, confidence=confidence + 0.1)
    mixing(images, targets)
    first = torch.tensor([0.1, 0.35, 0.8, 0.0, 0.0])
    torch.testing.assert_close(mixing.confidence, first)
    mixing(images, targets.change(confidence=targets.confidence * 0))
    torch.testing.assert_close(mixing.confidence, first / 2)
    mixing.eval()(images, targets)
    torch.testing.assert_close(mixing.confidence, first / 2)
    assert 'confidence' in mixing.state_dict()
    assert not AdaptiveCutMix().state_dict()
    with pytest.raises(UsageError, match='num_classes'):
        AdaptiveCutMix()(images, targets)
