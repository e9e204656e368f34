import copy

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config, ConfigDict
from mmengine.optim import OptimWrapper
from mmengine.runner import autocast, load_checkpoint

from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS
from tests.models.tiny import batch, tiny_student

DST = dict(type='DynamicSelfTrainingLoss', gamma=2)


def build(auxiliary=False, objective=DST, **kwargs):
    torch.manual_seed(0)
    cfg = dict(
        type='SelfTrainingSegmentor',
        student=tiny_student(auxiliary=auxiliary),
        objective=objective,
        **kwargs,
    )
    model = MODELS.build(cfg)
    # Distinct outputs for distinct inputs: the heads start near zero.
    for head in (model.decode_head,):
        torch.nn.init.normal_(head.conv_seg.weight, std=1.0)
    return model


def losses_of(model, branches, training=True, **kwargs):
    data = model.data_preprocessor(batch(branches, **kwargs), training)
    return model(**data, mode='loss')


def test_one_step_trains_every_parameter() -> None:
    model = build(auxiliary=True)
    model.train()
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    before = {k: v.clone() for k, v in model.named_parameters()}
    logs = model.train_step(batch(dict(sup=2, pseudo=2)), optim)
    assert torch.isfinite(logs['loss'])
    torch.testing.assert_close(
        logs['loss'], logs['decode.loss_seg'] + logs['aux.loss_seg']
    )
    moved = [k for k, v in model.named_parameters() if (v != before[k]).any()]
    assert moved == list(before)


def test_branches_share_one_forward_and_its_batch_statistics() -> None:
    model = build()
    model.train()
    calls = []
    model.student.backbone.register_forward_hook(
        lambda module, args, out: calls.append(len(args[0]))
    )
    losses_of(model, dict(sup=2, pseudo=3))
    assert calls == [5]


def test_loss_is_that_of_the_upsampled_logits() -> None:
    model = build().eval()
    data = model.data_preprocessor(batch(dict(sup=1, pseudo=2)), True)
    losses = model(**data, mode='loss')
    images = torch.cat(list(data['inputs'].values()))
    logits = F.interpolate(
        model(images), (32, 32), mode='bilinear', align_corners=False
    )
    labels = torch.stack(
        [
            s.gt_sem_seg.data[0]
            for part in data['data_samples'].values()
            for s in part
        ]
    )
    want = model.objective(
        logits, Targets(labels, pseudo=torch.tensor([False, True, True]))
    )
    torch.testing.assert_close(losses['decode.loss_seg'], want['loss_seg'])
    torch.testing.assert_close(losses['pseudo_weight'], want['pseudo_weight'])


def test_order_of_branches_does_not_matter() -> None:
    model = build().eval()
    data = batch(dict(sup=1, pseudo=2))
    swapped = {k: dict(reversed(v.items())) for k, v in data.items()}
    one, other = (
        model(**model.data_preprocessor(copy.deepcopy(d), True), mode='loss')
        for d in (data, swapped)
    )
    for key in one:
        torch.testing.assert_close(one[key], other[key])


def test_plain_batches_and_single_branches() -> None:
    model = build().eval()
    data = batch(dict(sup=2))
    plain = {key: value['sup'] for key, value in data.items()}
    one = model(
        **model.data_preprocessor(copy.deepcopy(plain), True), mode='loss'
    )
    other = model(**model.data_preprocessor(data, True), mode='loss')
    torch.testing.assert_close(one, other)
    # No figures about pseudo-labels where there are none.
    assert not any('pseudo' in key for key in one)
    assert 'pseudo_weight' in losses_of(model, dict(pseudo=2))


def test_auxiliary_head_takes_the_objective_times_its_weight() -> None:
    model = build(auxiliary=True).eval()
    losses = losses_of(model, dict(sup=2, pseudo=1))
    factor = model.student.auxiliary_head.loss_decode.loss_weight
    model.student.auxiliary_head.loss_decode.loss_weight = 2 * factor
    again = losses_of(model, dict(sup=2, pseudo=1))
    torch.testing.assert_close(
        again['aux.loss_seg'], 2 * losses['aux.loss_seg']
    )
    torch.testing.assert_close(
        again['decode.loss_seg'], losses['decode.loss_seg']
    )


def test_stored_confidence_reaches_the_objective() -> None:
    mutual = dict(type='DynamicMutualLoss', gamma1=1, gamma2=1)
    model = build(objective=mutual).eval()
    losses = losses_of(
        model, dict(sup=1, pseudo=2), size=(20, 30), confidence=True
    )
    assert losses['pseudo_live_wins'] > 0
    with pytest.raises(ValueError, match='keep_confidence=True'):
        losses_of(model, dict(sup=1, pseudo=2))
    # A labeled-only round needs none.
    losses_of(model, dict(sup=2))


def test_bf16_autocast() -> None:
    model = build().train()
    with autocast(device_type='cpu', dtype=torch.bfloat16):
        losses = losses_of(model, dict(sup=2, pseudo=2))
    assert losses['decode.loss_seg'].dtype == torch.float32
    want = losses_of(build().train(), dict(sup=2, pseudo=2))
    torch.testing.assert_close(
        losses['decode.loss_seg'],
        want['decode.loss_seg'],
        rtol=0.05,
        atol=0.02,
    )
    model.parse_losses(losses)[0].backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_unequal_image_sizes_are_refused() -> None:
    model = build(data_preprocessor=dict(size=None, size_divisor=1))
    data = batch(dict(sup=1, pseudo=1))
    data['inputs']['sup'] = [torch.zeros(3, 16, 16, dtype=torch.uint8)]
    data['data_samples']['sup'] = batch(dict(sup=1), size=(16, 16))[
        'data_samples'
    ]['sup']
    with pytest.raises(ValueError, match='one image size'):
        model(**model.data_preprocessor(data, True), mode='loss')


def test_predicts_as_the_student_alone() -> None:
    model = build().eval()
    student = MODELS.build(ConfigDict(tiny_student())).eval()
    student.load_state_dict(model.student.state_dict())
    data = batch(dict(sup=2), size=(20, 28))
    plain = {key: value['sup'] for key, value in data.items()}
    with torch.no_grad():
        got = model.test_step(copy.deepcopy(plain))
        want = student.test_step(plain)
    for a, b in zip(got, want):
        torch.testing.assert_close(a.seg_logits.data, b.seg_logits.data)
    x = torch.rand(1, 3, 32, 32)
    meta = [dict(img_shape=(32, 32), ori_shape=(32, 32))]
    torch.testing.assert_close(model(x), student(x))
    torch.testing.assert_close(
        model.encode_decode(x, meta), student.encode_decode(x, meta)
    )
    assert (model.num_classes, model.out_channels, model.align_corners) == (
        4,
        4,
        False,
    )


def test_test_time_augmentation_on_the_wrapper() -> None:
    tta = MODELS.build(dict(type='SegTTAModel', module=build().eval()))
    plain, flipped = (batch(dict(sup=1)) for _ in range(2))
    flipped['inputs']['sup'] = [x.flip(2) for x in flipped['inputs']['sup']]
    samples = [d['data_samples']['sup'][0] for d in (plain, flipped)]
    for sample, flip in zip(samples, (False, True)):
        sample.set_metainfo(
            dict(flip=flip, flip_direction='horizontal', img_path='x')
        )
    data = dict(
        inputs=[d['inputs']['sup'] for d in (plain, flipped)],
        data_samples=[[s] for s in samples],
    )
    with torch.no_grad():
        (result,) = tta.test_step(data)
    assert result.pred_sem_seg.shape == (32, 32)


def test_config_idiom_wraps_a_plain_model(tmp_path) -> None:
    """The comment in configs/_base_/models/lateral-sum_mobilenetv2.py."""
    base = tmp_path / 'supervised.py'
    Config(dict(model=tiny_student())).dump(str(base))
    (tmp_path / 'method.py').write_text(
        "_base_ = ['supervised.py']\n"
        "model = dict(_delete_=True, type='SelfTrainingSegmentor',\n"
        '    student=_base_.model, data_preprocessor=dict(size=(48, 40)),\n'
        "    objective=dict(type='DynamicSelfTrainingLoss', gamma=9))\n"
    )
    (tmp_path / 'variant.py').write_text(
        "_base_ = ['method.py']\n"
        'model = dict(student=dict(decode_head=dict(num_classes=7)),\n'
        '    objective=dict(gamma=2))\n'
    )
    cfg = Config.fromfile(str(tmp_path / 'variant.py'))
    assert set(cfg.model) == {
        'type',
        'student',
        'data_preprocessor',
        'objective',
    }
    text = cfg.pretty_text
    for _ in range(2):
        model = MODELS.build(cfg.model)
        assert (model.num_classes, model.objective.gamma) == (7, 2)
        inner = model.data_preprocessor.data_preprocessor
        assert inner.size == (48, 40)
        assert inner.std.flatten().tolist() == [255.0] * 3
    # Building has not written into the config.
    assert cfg.pretty_text == text
    assert Config.fromfile(str(base)).model.type == 'EncoderDecoder'


def test_pretrained_is_written_into_a_copy_only() -> None:
    """mmseg's segmentor sets backbone.pretrained in what it is given."""
    student = Config(dict(x=tiny_student())).x
    student.pretrained = 'nowhere.pth'
    before = copy.deepcopy(student)
    for _ in range(2):
        model = MODELS.build(
            dict(type='SelfTrainingSegmentor', student=student, objective=DST)
        )
        assert model.student.backbone.init_cfg['checkpoint'] == 'nowhere.pth'
        assert student == before and 'pretrained' not in student.backbone


def test_plain_checkpoints_load_strictly(tmp_path) -> None:
    model, plain = build(), MODELS.build(tiny_student())
    torch.save(dict(state_dict=plain.state_dict()), tmp_path / 'plain.pth')
    load_checkpoint(model, str(tmp_path / 'plain.pth'), strict=True)
    for key, value in plain.state_dict().items():
        torch.testing.assert_close(model.state_dict()[f'student.{key}'], value)
    other = build()
    other.load_state_dict(plain.state_dict(), strict=True)
    # Its own checkpoints, too, whatever the keys of the student are.
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'own.pth')
    load_checkpoint(other, str(tmp_path / 'own.pth'), strict=True)


def test_checkpoints_that_fit_nothing_are_an_error() -> None:
    with pytest.raises(RuntimeError, match='fits no part'):
        build().load_state_dict({'conv1.weight': torch.zeros(1)}, strict=False)


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValueError, match='predict_on'):
        build(semi_test_cfg=dict(predict_on='teacher'))
    cascade = tiny_student()
    cascade['type'] = 'CascadeEncoderDecoder'
    cascade['num_stages'] = 1
    cascade['decode_head'] = [cascade['decode_head']]
    with pytest.raises(TypeError, match='cascades'):
        MODELS.build(
            dict(type='SelfTrainingSegmentor', student=cascade, objective=DST)
        )
