import numpy as np
import pytest
import torch
from mmengine.runner import autocast
from mmseg.registry import MODELS as MMSEG

from mmsemi.models.export import replace_heads
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import resize_labels
from tests.models.tiny import sample

DLV2 = dict(
    type='DeepLabV2Head',
    in_channels=4,
    in_index=0,
    used_branches=4,
    align_corners=False,
)
FCN = dict(
    type='FCNHead',
    in_channels=4,
    in_index=0,
    channels=6,
    num_convs=1,
    concat_input=False,
    norm_cfg=dict(type='BN'),
    align_corners=False,
)
LATERAL = dict(
    type='LateralSumHead',
    in_channels=[4, 3],
    in_index=[0, 1],
    channels=6,
    align_corners=False,
)
VECTORS = torch.nn.functional.normalize(
    torch.randn(5, 8, generator=torch.Generator().manual_seed(1))
)


def config(inner=FCN, **kwargs) -> dict:
    return dict(
        dict(
            type='SemanticEmbeddingHead',
            head=inner,
            num_seen=3,
            embeddings=VECTORS.tolist(),
        ),
        **kwargs,
    )


def build(inner=FCN, **kwargs):
    torch.manual_seed(0)
    head = MODELS.build(config(inner, **kwargs))
    head.init_weights()
    for value in head.head.parameters():
        value.data.normal_(std=0.3)
    return head


def inputs(seed=0):
    g = torch.Generator().manual_seed(seed)
    return [
        torch.randn(2, 4, 6, 7, generator=g),
        torch.randn(2, 3, 3, 4, generator=g),
    ]


def labels(seed=0, top=3):
    g = torch.Generator().manual_seed(seed)
    result = torch.randint(0, top, (2, 12, 14), generator=g)
    result[:, :2] = 255
    return result


@pytest.mark.parametrize('inner', [DLV2, FCN, LATERAL])
def test_any_head_ends_in_the_word_vectors(inner) -> None:
    head = build(inner, temperature=0.5).eval()
    features = head.head(inputs())
    want = torch.einsum('ndhw,cd->nchw', features, VECTORS) / 0.5
    torch.testing.assert_close(head(inputs()), want)
    torch.testing.assert_close(head(inputs(), slice(3, None)), want[:, 3:])
    torch.testing.assert_close(head(inputs(), [4, 0]), want[:, [4, 0]])
    assert (head.num_classes, head.out_channels) == (5, 5)
    # The inner head's own number of classes does not matter.
    same = build(dict(inner, num_classes=19), temperature=0.5).eval()
    torch.testing.assert_close(same(inputs()), want)
    # Permuted classes, permuted logits.
    other = build(
        inner, temperature=0.5, embeddings=VECTORS.flip(0).tolist()
    ).eval()
    torch.testing.assert_close(other(inputs()), want.flip(1))


def test_vectors_are_neither_trained_nor_saved() -> None:
    head = build()
    assert not any('embeddings' in k for k in head.state_dict())
    assert not any(p is head.embeddings for p in head.parameters())
    optim = torch.optim.SGD(head.parameters(), lr=1.0)
    head.loss(inputs(), [sample(y) for y in labels()], None)[
        'loss_ce'
    ].backward()
    assert all(p.grad.abs().sum() > 0 for p in head.head.conv_seg.parameters())
    optim.step()
    assert head.embeddings.grad is None
    torch.testing.assert_close(head.embeddings, VECTORS, rtol=0, atol=0)


def test_saved_vectors_come_with_the_checkpoint() -> None:
    saved = build(save_embeddings=True).state_dict()
    assert torch.equal(saved['embeddings'], VECTORS)
    bare = build(
        embeddings=None, classes='abcde', embedding_dim=8, save_embeddings=True
    )
    assert not bare.embeddings.any()
    bare.load_state_dict(dict(saved), strict=True)
    assert torch.equal(bare.embeddings, VECTORS)
    # Vectors of the config win where they are not saved; checkpoints of
    # either kind load into heads of either kind.
    other = build(embeddings=VECTORS.flip(0).tolist())
    other.load_state_dict(dict(saved), strict=True)
    assert torch.equal(other.embeddings, VECTORS.flip(0))
    build(save_embeddings=True).load_state_dict(
        other.state_dict(), strict=True
    )
    with pytest.raises(RuntimeError, match='embeddings'):
        bare.load_state_dict(other.state_dict(), strict=True)


def test_loss_compares_seen_classes_unless_asked() -> None:
    head = build().eval()
    samples = [sample(y) for y in labels()]
    got = head.loss(inputs(), samples, None)
    logits = torch.nn.functional.interpolate(
        head(inputs())[:, :3], (12, 14), mode='bilinear'
    )
    want = torch.nn.functional.cross_entropy(
        logits, labels(), ignore_index=255
    )
    torch.testing.assert_close(got['loss_ce'], want)
    valid = labels() != 255
    torch.testing.assert_close(
        got['acc_seg'],
        100 * (logits.argmax(1) == labels())[valid].float().mean(),
    )
    everything = (
        build(train_columns='all').eval().loss(inputs(), samples, None)
    )
    assert everything['loss_ce'] > got['loss_ce']


def test_unlabeled_pixels_have_no_effect() -> None:
    head = build().eval()
    y = labels()
    y[:, 5:8] = 254
    z = y.masked_fill(y == 254, 255)
    one, other = (head.loss_by_labels(head(inputs()), t) for t in (y, z))
    torch.testing.assert_close(one, other)
    nothing = head.loss_by_labels(head(inputs()), torch.full_like(y, 254))
    nothing['loss_ce'].backward()
    assert nothing['loss_ce'] == 0 and nothing['acc_seg'] == 0
    assert all(
        not p.grad.any() for p in head.head.parameters() if p.grad is not None
    )


def test_loss_at_the_resolution_of_the_logits() -> None:
    head = build(loss_resolution='logits').eval()
    logits = head(inputs())
    got = head.loss_by_labels(logits, labels())['loss_ce']
    want = torch.nn.functional.cross_entropy(
        logits, labels()[:, ::2, ::2], ignore_index=255
    )
    torch.testing.assert_close(got, want)


def test_resized_labels_are_the_nearest() -> None:
    y = torch.arange(35).view(1, 5, 7)
    for size in ((5, 7), (2, 3), (1, 1), (9, 8)):
        want = torch.nn.functional.interpolate(y[None].double(), size)[0]
        assert torch.equal(resize_labels(y, size), want.long())


def test_calibration_lowers_seen_classes() -> None:
    meta = [dict(img_shape=(12, 14))] * 2
    plain = build().eval().predict(inputs(), meta, {})
    unseen = []
    for gamma in (0.0, 0.2, 0.6, 1.0):
        scores = build(gamma=gamma).eval().predict(inputs(), meta, {})
        unseen.append(scores.argmax(1) >= 3)
        if gamma:
            torch.testing.assert_close(scores[:, 3:], plain.softmax(1)[:, 3:])
        else:
            torch.testing.assert_close(scores, plain)
    assert all((b | ~a).all() for a, b in zip(unseen, unseen[1:]))
    assert not unseen[0].all() and unseen[-1].all()


def test_bf16_autocast_projects_in_float32() -> None:
    head = build().eval()
    with autocast(device_type='cpu', dtype=torch.bfloat16):
        features = head.head(inputs())
        logits = head(inputs())
    assert (features.dtype, logits.dtype) == (torch.bfloat16, torch.float32)
    torch.testing.assert_close(
        logits, torch.einsum('ndhw,cd->nchw', features.float(), VECTORS)
    )


@pytest.mark.parametrize('inner', [DLV2, FCN, LATERAL])
def test_becomes_a_head_of_mmseg_with_equal_output(inner) -> None:
    cfg = config(inner, temperature=2.0, save_embeddings=True)
    head = build(inner, temperature=2.0, save_embeddings=True).eval()
    holder = torch.nn.Module()
    holder.decode_head = head
    model_cfg, notes = dict(decode_head=cfg), []
    state = replace_heads(holder, model_cfg, notes)
    assert not model_cfg['decode_head']['type'].startswith('Semantic')
    plain = MMSEG.build(model_cfg['decode_head']).eval()
    plain.load_state_dict(
        {k.removeprefix('decode_head.'): v for k, v in state.items()},
        strict=True,
    )
    torch.testing.assert_close(
        plain(inputs()), head(inputs()), rtol=1e-4, atol=1e-5
    )


def test_vectors_from_a_file(tmp_path) -> None:
    np.savez(
        tmp_path / 'v.npz',
        class_names=['b', 'a'],
        embeddings=VECTORS[:2].numpy(),
    )
    head = build(
        num_seen=1, classes=['a', 'b'], embeddings=str(tmp_path / 'v.npz')
    )
    torch.testing.assert_close(head.embeddings, VECTORS[:2].flip(0))
    with pytest.raises(UsageError, match='no vector of c'):
        build(classes=['a', 'c'], embeddings=str(tmp_path / 'v.npz'))


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(num_seen=6), 'num_seen'),
        (dict(train_columns='none'), 'train_columns'),
        (dict(loss_resolution='half'), 'loss_resolution'),
        (dict(temperature=0), 'temperature'),
        (dict(gamma=-1), 'gamma'),
        (dict(classes=['a']), '1 classes'),
        (dict(embeddings=None), 'save_embeddings=True'),
        (dict(embeddings='x.npz'), 'names of the classes'),
    ],
)
def test_wrong_settings_are_refused(changes, message) -> None:
    with pytest.raises(ValueError, match=message):
        build(**changes)
