"""Loading is complete or an error, and exported heads find their way back."""

import copy

import pytest
import torch
from mmengine.config import Config, ConfigDict

from mmsemi.models.export import export_segmentor
from mmsemi.models.weights import load_weights
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.models.tiny import tiny_student

HEADS = dict(
    lateral_sum=dict(
        type='LateralSumHead',
        in_channels=[8, 16, 64],
        in_index=[0, 1, 3],
        channels=12,
        num_classes=4,
    ),
    deeplab_v2=dict(
        type='DeepLabV2Head', in_channels=64, in_index=3, num_classes=4
    ),
    deeplab_v3plus=dict(
        type='DeepLabV3PlusHead',
        in_channels=64,
        in_index=3,
        channels=8,
        c1_in_channels=8,
        c1_channels=4,
        num_classes=4,
        dilations=(1, 2),
    ),
)
VECTORS = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
WORDS = {
    f'words_{name}': dict(
        type='SemanticEmbeddingHead',
        num_seen=3,
        embeddings=VECTORS.tolist(),
        temperature=0.5,
        head={k: v for k, v in head.items() if k != 'num_classes'},
    )
    for name, head in HEADS.items()
}
REPRESENTING = dict(
    lateral_sum=dict(
        HEADS['lateral_sum'],
        type='LateralSumRepresentationHead',
        representation_head=dict(channels=8, out_channels=6),
    ),
    separable=dict(
        type='SepASPPRepresentationHead',
        in_channels=64,
        in_index=3,
        channels=8,
        c1_in_channels=8,
        c1_channels=4,
        num_classes=4,
        dilations=(1, 2),
        representation_head=dict(channels=8, out_channels=6),
    ),
    deeplab_v3plus=dict(
        HEADS['deeplab_v3plus'], representation_head=dict(out_channels=6)
    ),
)


def network(head: dict | None = None, **student) -> dict:
    """Config of a tiny segmentor with the given head."""
    plain = dict(tiny_student(), **student)
    if head:
        plain['decode_head'] = copy.deepcopy(head)
    return plain


def build(model: dict, seed: int):
    """A model with weights of its own, that predicts."""
    torch.manual_seed(seed)
    built = MODELS.build(ConfigDict(copy.deepcopy(model))).eval()
    for value in built.state_dict().values():
        if value.is_floating_point() and value.shape != VECTORS.shape:
            value.copy_(torch.rand_like(value) * 0.1 + 0.02)
    return built


def wrapper(kind: str, student: dict) -> dict:
    """Config of a segmentor that trains one like the student."""
    parts = dict(
        MeanTeacher=dict(
            pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.7),
            unsup_loss=dict(type='PseudoLabelCrossEntropyLoss'),
            semi_test_cfg=dict(predict_on='teacher'),
        ),
        SelfTrainingSegmentor=dict(
            objective=dict(type='DynamicSelfTrainingLoss', gamma=9)
        ),
        U2PL=dict(
            contrast=dict(
                num_anchors=8,
                num_negatives=4,
                capacity=20,
                low_rank=1,
                high_rank=4,
                positive_threshold=0.1,
            )
        ),
    )
    return dict(type=kind, student=student, **parts[kind])


@pytest.fixture
def exported(tmp_path):
    """Export a network; the network and the weights of the file."""

    def export(student: dict):
        model = build(student, seed=0)
        result = export_segmentor(
            Config(dict(model=copy.deepcopy(student))),
            model,
            tmp_path / 'segmentor.pth',
        )
        content = torch.load(result.checkpoint, weights_only=True)
        return model, content['state_dict']

    return export


def logits(model) -> torch.Tensor:
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator())
    with torch.no_grad():
        return model(images, mode='tensor')


@pytest.mark.parametrize('head', [*HEADS, *WORDS])
@pytest.mark.parametrize(
    'kind', ['plain', 'MeanTeacher', 'SelfTrainingSegmentor']
)
def test_an_exported_head_comes_back(exported, head, kind) -> None:
    student = network({**HEADS, **WORDS}[head])
    model, state = exported(student)
    cfg = student if kind == 'plain' else wrapper(kind, student)
    again = build(cfg, seed=1)
    before = logits(again)
    load_weights(again, state, 'segmentor.pth')
    if head in HEADS:
        assert torch.equal(logits(again), logits(model))
    else:  # word vectors were folded in and taken out: rounding remains
        torch.testing.assert_close(
            logits(again), logits(model), rtol=1e-5, atol=1e-5
        )
    assert not torch.allclose(before, logits(again))


@pytest.mark.parametrize('head', REPRESENTING)
def test_what_export_leaves_out_is_missed_when_it_is_needed(
    exported, head
) -> None:
    student = network(REPRESENTING[head])
    model, state = exported(student)
    u2pl = build(wrapper('U2PL', student), seed=1)
    with pytest.raises(
        UsageError,
        match=r'segmentor.pth does not fit the model; weights are \d+ missing '
        r'\(decode_head.representation_head.*load_except="\['
        r'decode_head.representation_head',
    ):
        load_weights(u2pl, state, 'segmentor.pth')
    u2pl = build(wrapper('U2PL', student), seed=1)
    start = u2pl.student.decode_head.representation_head.state_dict()
    start = {key: value.clone() for key, value in start.items()}
    load_weights(u2pl, state, 'segmentor.pth', leave_out='representation_head')
    assert torch.equal(logits(u2pl), logits(model))
    torch.testing.assert_close(
        u2pl.student.decode_head.representation_head.state_dict(), start
    )
    # A model that predicts does without.
    tested = build(wrapper('U2PL', student), seed=1)
    load_weights(tested, state, 'segmentor.pth', training=False)
    assert torch.equal(logits(tested), logits(model))


def test_a_trained_head_of_mmseg_is_not_taken_for_an_exported_one(
    exported,
) -> None:
    student = network(HEADS['lateral_sum'])
    _, state = exported(student)
    state['decode_head.convs.0.conv.weight'][0, 0, 0, 0] = 1.0
    with pytest.raises(UsageError, match='missing .*laterals.0.weight'):
        load_weights(build(student, seed=1), state, 'segmentor.pth')


@pytest.mark.parametrize(
    'kind', ['plain', 'MeanTeacher', 'SelfTrainingSegmentor']
)
def test_other_classes_are_an_error_that_names_the_way_out(kind) -> None:
    state = build(tiny_student(num_classes=5), seed=0).state_dict()
    cfg = tiny_student()
    cfg = cfg if kind == 'plain' else wrapper(kind, cfg)
    with pytest.raises(UsageError) as caught:
        load_weights(build(cfg, seed=1), state, 'checkpoint a.pth')
    assert str(caught.value) == (
        'checkpoint a.pth does not fit the model; weights are 2 of another '
        'shape (decode_head.conv_seg.weight: (5, 8, 1, 1) in the file, '
        '(4, 8, 1, 1) in the model, decode_head.conv_seg.bias: (5,) in the '
        'file, (4,) in the model). Take the config saved beside the file, '
        'or, if these parts shall start without the file, '
        '--cfg-options load_except="[decode_head.conv_seg]"'
    )
    model = build(cfg, seed=1)
    load_weights(model, state, 'a.pth', leave_out=['decode_head.conv_seg'])
    loaded = getattr(model, 'student', model).state_dict()
    for key, value in state.items():
        same = 'conv_seg' not in key
        assert torch.equal(loaded[key], value) == same, key


def test_missing_and_unexpected_weights_are_counted_and_named() -> None:
    state = build(tiny_student(auxiliary=True), seed=0).state_dict()
    state.pop('backbone.layer1.0.conv1.weight')
    model = build(wrapper('SelfTrainingSegmentor', tiny_student()), seed=1)
    with pytest.raises(
        UsageError,
        match=r'1 missing \(backbone.layer1.0.conv1.weight\); 8 unknown to '
        r'the model \(auxiliary_head.conv_seg.weight, .* and 5 more\).*'
        r'load_except="\[backbone.layer1,auxiliary_head.conv_seg,'
        r'auxiliary_head.convs\]"',
    ):
        load_weights(model, state, 'a.pth')


def test_a_run_with_a_teacher_is_no_plain_network_in_silence() -> None:
    state = build(wrapper('MeanTeacher', tiny_student()), seed=0).state_dict()
    plain = build(tiny_student(), seed=1)
    with pytest.raises(UsageError, match=r'\d+ missing \(backbone.*unknown'):
        load_weights(plain, state, 'a.pth')
    student = build(wrapper('SelfTrainingSegmentor', tiny_student()), seed=1)
    with pytest.raises(UsageError, match=r'unknown to the model \(teacher'):
        load_weights(student, state, 'a.pth')
    load_weights(student, state, 'a.pth', leave_out='teacher')
    assert torch.equal(
        student.student.decode_head.conv_seg.weight,
        state['student.decode_head.conv_seg.weight'],
    )


def test_weights_of_a_backbone_are_no_segmentor() -> None:
    state = {'layer1.0.conv1.weight': torch.zeros(3)}
    model = build(wrapper('SelfTrainingSegmentor', tiny_student()), seed=1)
    with pytest.raises(UsageError, match='a.pth'):
        load_weights(model, state, 'a.pth')


def test_a_part_that_does_not_exist_is_an_error() -> None:
    model = build(tiny_student(), seed=0)
    with pytest.raises(
        UsageError, match='neither the model nor a.pth has a part conv_sge'
    ):
        load_weights(model, model.state_dict(), 'a.pth', ['conv_sge'])


def test_the_network_of_test_time_augmentation_is_filled() -> None:
    source = build(tiny_student(), seed=0)
    averaged = MODELS.build(
        dict(type='SegTTAModel', module=ConfigDict(tiny_student()))
    )
    load_weights(averaged, source.state_dict(), 'a.pth', training=False)
    torch.testing.assert_close(
        averaged.module.state_dict(), source.state_dict()
    )


def replaced(name, change):
    state = MODELS.build(tiny_student()).state_dict()
    state[name] = change(state[name])
    return state


BIAS = 'decode_head.conv_seg.bias'
ODD = {
    'int8': (lambda v: v.to(torch.int8), 'of type int8'),
    'complex': (lambda v: v + 1j, 'of type complex64'),
    'float8': (lambda v: v.to(torch.float8_e4m3fn), 'float8'),
    'sparse': (torch.Tensor.to_sparse, 'a sparse tensor'),
    'no values': (lambda v: v.to('meta'), 'without values'),
    'text': (lambda v: 'x', 'no tensor but a str'),
    # Numbers are looked at only where the shape is right.
    'huge view': (lambda v: v[:1].expand(10**5, 10**7), 'of another shape'),
}


@pytest.mark.parametrize('kind', ODD)
def test_tensors_that_copying_would_change_are_refused(kind):
    change, words = ODD[kind]
    model = MODELS.build(tiny_student())
    with pytest.raises(UsageError, match=words) as info:
        load_weights(model, replaced(BIAS, change), 'x.pth')
    assert str(info.value).startswith('x.pth') and BIAS in str(info.value)


@pytest.mark.parametrize('dtype', [torch.float16, torch.float64])
def test_other_precisions_are_taken(dtype):
    model = MODELS.build(tiny_student())
    state = {
        k: v.to(dtype) if v.is_floating_point() else v
        for k, v in MODELS.build(tiny_student()).state_dict().items()
    }
    load_weights(model, state, 'x.pth')
    assert torch.equal(model.state_dict()[BIAS], state[BIAS].float())
