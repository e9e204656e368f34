import pytest
import torch

from mmsemi.models.pseudo_labelers import Views
from mmsemi.models.pseudo_labelers.view_agreement import (
    agreeing_votes,
    votes_of,
)
from mmsemi.registry import MODELS


def build(**kwargs):
    return MODELS.build(dict(type='ViewAgreementPseudoLabeler', **kwargs))


def views(count=4, classes=3, seed=0, size=(2, 9, 11)):
    g = torch.Generator().manual_seed(seed)
    n, h, w = size
    shared = torch.randn(1, n, classes, h, w, generator=g)
    return shared + 0.7 * torch.randn(count, n, classes, h, w, generator=g)


def test_equals_the_rule_written_as_a_loop() -> None:
    x = views()
    got = build(label_offset=10)(x)
    agreeing = agreeing_votes(votes_of(x))
    for n, i, j in torch.cartesian_prod(
        *(torch.arange(s) for s in x[:, :, 0].shape[1:])
    ):
        votes = [int(view[n, :, i, j].argmax()) for view in x]
        agree = len(set(votes)) == 1
        assert got.labels[n, i, j] == (10 + votes[0] if agree else 255)
        assert got.weights[n, i, j] == float(agree)
        assert agreeing[n, i, j] == votes.count(votes[0])
    assert 0 < got.weights.mean() < 1
    torch.testing.assert_close(got.confidence, x[0].softmax(1).amax(1))


def test_order_of_views_and_form_do_not_matter() -> None:
    x = views()
    labels = build()(x).labels
    assert torch.equal(build()(x.flip(0)).labels, labels)
    assert torch.equal(build()(list(x)).labels, labels)
    assert torch.equal(build(from_logits=False)(x.softmax(2)).labels, labels)


def test_more_views_label_less_and_equal_ones_the_same() -> None:
    x = views(6)
    kept = [build()(x[:k]).weights for k in (1, 2, 4, 6)]
    assert kept[0].all()
    assert all((a >= b).all() for a, b in zip(kept, kept[1:]))
    assert kept[-1].sum() < kept[1].sum()
    same = build()(x[:1].expand(4, -1, -1, -1, -1))
    assert torch.equal(same.labels, build()(x[:1]).labels)


def test_fewer_views_may_be_asked_for() -> None:
    x = views()
    votes = x.argmax(2)
    got = build(min_views=3)(x)
    assert torch.equal(got.labels != 255, (votes == votes[0]).sum(0) >= 3)
    with pytest.raises(ValueError, match='only 4 views'):
        build(min_views=5)(x)
    with pytest.raises(ValueError, match='at least 1'):
        build(min_views=0)


def test_one_class_one_image_and_bf16() -> None:
    got = build()(views(6, classes=1, size=(1, 1, 1)))
    assert (got.labels == 0).all() and (got.confidence == 1).all()
    low = views().bfloat16()
    got = build()(low)
    assert torch.equal(got.labels, build()(low.float()).labels)
    assert got.confidence.dtype == torch.float32


class Counter:
    """A network that is equivariant to nothing, and counts its passes."""

    def __init__(self):
        torch.manual_seed(0)
        self.conv = torch.nn.Conv2d(3, 4, 3, 2, 1)
        self.shapes = []

    def __call__(self, x):
        self.shapes.append(tuple(x.shape))
        return self.conv(x)


def run(images, size=None, **kwargs):
    network = Counter()
    with torch.no_grad():
        return Views(**kwargs)(network, images, size), network


def test_mirror_undoes_the_flip() -> None:
    images = torch.rand(2, 3, 16, 24, generator=torch.manual_seed(0))
    both, network = run(images, scales='none')
    want = network.conv(images), network.conv(images.flip(-1)).flip(-1)
    torch.testing.assert_close(both, torch.stack(want))
    assert network.shapes[0] == (4, 3, 16, 24)
    # The views of a mirrored batch swap their roles.
    swapped, _ = run(images.flip(-1), scales='none')
    torch.testing.assert_close(swapped, both.flip(0).flip(-1))


@pytest.mark.parametrize(
    'scales, sizes',
    [
        ('none', [(16, 24)]),
        ('down', [(16, 24), (8, 12), (12, 18)]),
        ('up', [(16, 24), (24, 36), (28, 42)]),
        ((2.0,), [(16, 24), (32, 48)]),
    ],
)
@pytest.mark.parametrize('mirror', [False, True])
def test_passes_and_shapes(scales, sizes, mirror) -> None:
    images = torch.rand(2, 3, 16, 24)
    got, network = run(images, scales=scales, mirror=mirror)
    assert [s[2:] for s in network.shapes] == sizes
    assert {s[0] for s in network.shapes} == {4 if mirror else 2}
    assert got.shape == (len(sizes) * (1 + mirror), 2, 4, 8, 12)
    assert len(Views(mirror, scales)) == len(got)
    full, _ = run(images, size=(16, 24), scales=scales, mirror=mirror)
    assert full.shape[-2:] == (16, 24)


def test_wrong_scales_are_refused() -> None:
    with pytest.raises(ValueError, match='sideways'):
        Views(scales='sideways')
    with pytest.raises(ValueError, match='positive'):
        Views(scales=(0.0,))


def test_padding_gets_no_label_and_one_view_is_enough() -> None:
    (one,) = views(count=1)
    valid = torch.ones(2, 9, 11, dtype=torch.bool)
    valid[:, -3:] = False
    got = build()(one, valid, 0.5)
    assert torch.equal(got.labels[:, :-3], one.argmax(1)[:, :-3])
    assert (got.labels[:, -3:] == 255).all() and got.weights.any()
    assert torch.equal(got.weights > 0, valid)
    assert torch.equal(got.valid, valid)
