import copy

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.runner import autocast, load_checkpoint

from mmsemi.apis.inference import Predictor
from mmsemi.apis.test import refuse_calibrated
from mmsemi.models.export import export_segmentor
from mmsemi.registry import MODELS, OPTIM_WRAPPER_CONSTRUCTORS
from mmsemi.utils.errors import UsageError
from tests.models.tiny import batch, tiny_student

SEEN, UNSEEN, DIM = 3, 2, 6
VECTORS = torch.nn.functional.normalize(
    torch.randn(SEEN + UNSEEN, DIM, generator=torch.Generator().manual_seed(0))
)


def student(auxiliary=False, num_seen=SEEN, **head) -> dict:
    plain = tiny_student(num_classes=SEEN, auxiliary=auxiliary)
    inner = dict(plain['decode_head'])
    del inner['num_classes'], inner['loss_decode']
    plain['decode_head'] = dict(
        dict(
            type='SemanticEmbeddingHead',
            head=inner,
            num_seen=num_seen,
            embeddings=VECTORS.tolist(),
        ),
        **head,
    )
    return plain


def build(
    type='ZeroLabelSegmentor',
    refresh=True,
    auxiliary=False,
    head=None,
    **kwargs,
):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(type=type, student=student(auxiliary, **(head or {})), **kwargs)
    )
    torch.nn.init.normal_(model.decode_head.head.conv_seg.weight, std=1.0)
    settle(model)
    if refresh and type == 'ZeroLabelSegmentor':
        model.refresh_generator()
    return model


@torch.no_grad()
def settle(model) -> None:
    """Running statistics of noise: outputs then differ from pixel to pixel.

    Weights of the generator stay as they are.
    """
    norms = [
        m
        for m in model.student.modules()
        if isinstance(m, torch.nn.BatchNorm2d)
    ]
    for norm in norms:
        norm.momentum = 1.0
    model.student.train()(torch.randn(2, 3, 32, 32))
    for norm in norms:
        norm.momentum = 0.1


def data(unlabeled=True, branches=None, seed=0):
    result = batch(branches or dict(sup=2), num_classes=SEEN, seed=seed)
    if unlabeled:
        for samples in result['data_samples'].values():
            for sample in samples:
                sample.gt_sem_seg.data[:, 10:] = 254
    return result


def losses_of(model, content=None):
    return model(
        **model.data_preprocessor(content or data(), True), mode='loss'
    )


def total(model, losses):
    return model.parse_losses(losses)[0]


def test_one_step_trains_the_student_alone() -> None:
    model = build(auxiliary=True).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    names = [k for k, _ in model.named_parameters()]
    assert names and all(k.startswith('student.') for k in names)
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    for seed in range(2):
        logs = model.train_step(data(seed=seed), optim)
    assert torch.isfinite(logs['loss'])
    assert {
        'decode.loss_ce',
        'aux.loss_ce',
        'pseudo_share',
        'view_agreement',
    } < set(logs)
    after = model.state_dict()
    assert all((after[k] != before[k]).any() for k in names)
    frozen = [k for k in after if k.startswith('generator.')]
    # Its keys are those of the student, statistics and all.
    assert {k.replace('generator.', 'student.') for k in frozen} == {
        k for k in after if k.startswith('student.')
    }
    assert all(torch.equal(after[k], before[k]) for k in frozen)
    assert not any(m.training for m in model.generator.modules())


def test_no_optimizer_knows_the_generator() -> None:
    model = build()
    for paramwise in (None, dict(custom_keys={'head': dict(lr_mult=10.0)})):
        constructor = OPTIM_WRAPPER_CONSTRUCTORS.build(
            dict(
                type='DefaultOptimWrapperConstructor',
                optim_wrapper_cfg=dict(
                    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1)
                ),
                paramwise_cfg=paramwise,
            )
        )
        groups = constructor(model).optimizer.param_groups
        known = {id(p) for group in groups for p in group['params']}
        assert known == {id(p) for p in model.student.parameters()}


def test_target_keeps_labels_and_adds_unseen_classes_where_views_agree():
    model = build().train()
    content = model.data_preprocessor(data(), True)
    images, _, labels = model.unpack(
        content['inputs'], content['data_samples']
    )
    target, figures = model.make_target(images, labels)
    open_ = labels == 254
    assert torch.equal(target[~open_], labels[~open_])
    got = target[open_]
    assert {254} < set(got.tolist()) <= {3, 4, 254}
    views = model.views(model.unseen_logits, images, labels.shape[-2:])
    votes = views.argmax(2)
    agree = (votes == votes[:1]).all(0)
    assert views.shape == (6, 2, UNSEEN, 32, 32)
    assert torch.equal(target[open_ & agree], votes[0][open_ & agree] + SEEN)
    assert (target[open_ & ~agree] == 254).all()
    torch.testing.assert_close(
        figures['view_agreement'], agree[open_].float().mean()
    )
    torch.testing.assert_close(
        figures['pseudo_share'], (agree & open_).float().mean()
    )


@pytest.mark.parametrize('resolution', ['labels', 'logits'])
def test_loss_is_one_mean_over_all_classes(resolution) -> None:
    model = build(head=dict(loss_resolution=resolution)).eval()
    losses = losses_of(model)
    content = model.data_preprocessor(data(), True)
    images, _, labels = model.unpack(
        content['inputs'], content['data_samples']
    )
    logits = model(images)
    if resolution == 'logits':
        labels = labels[:, ::8, ::8]
    else:
        logits = torch.nn.functional.interpolate(
            logits, (32, 32), mode='bilinear'
        )
    target, _ = model.make_target(images, labels)
    assert logits.shape[1] == SEEN + UNSEEN
    want = torch.nn.functional.cross_entropy(
        logits, target.masked_fill(target == 254, 255), ignore_index=255
    )
    torch.testing.assert_close(losses['decode.loss_ce'], want)


def test_before_the_first_refresh_it_is_spnet() -> None:
    got = losses_of(build(refresh=False, auxiliary=True).eval())
    spnet = build('SPNet', auxiliary=True).eval()
    want = losses_of(spnet)
    assert set(want) == {
        'decode.loss_ce',
        'decode.acc_seg',
        'scale_0.5.loss_ce',
        'scale_0.75.loss_ce',
        'scale_max.loss_ce',
        'aux.loss_ce',
        'aux.acc_seg',
    }
    for key, value in want.items():
        torch.testing.assert_close(got[key], value)
    spnet.semi_train_cfg['scales'] = ()
    plain = losses_of(spnet)
    assert not any('scale' in key for key in plain)
    torch.testing.assert_close(plain['decode.loss_ce'], want['decode.loss_ce'])


def test_spnet_predicts_with_the_maximum_of_scales() -> None:
    model = build('SPNet', semi_test_cfg=dict(scales=(0.5, 0.75))).eval()
    plain = build('SPNet').eval()
    content = data(unlabeled=False)
    content = {key: value['sup'] for key, value in content.items()}
    with torch.no_grad():
        got = model.test_step(copy.deepcopy(content))
        one = plain.test_step(copy.deepcopy(content))
    for a, b in zip(got, one):
        assert a.seg_logits.data.shape == (SEEN + UNSEEN, 32, 32)
        assert (a.seg_logits.data != b.seg_logits.data).any()
    images = model.data_preprocessor(content)['inputs']
    outputs = [plain(images)] + [
        torch.nn.functional.interpolate(
            plain(
                torch.nn.functional.interpolate(images, size, mode='bilinear')
            ),
            (4, 4),
            mode='bilinear',
        )
        for size in ((16, 16), (24, 24))
    ]
    torch.testing.assert_close(model(images), torch.stack(outputs).amax(0))


def test_one_view_labels_every_unlabeled_pixel() -> None:
    model = build(views=dict(mirror=False, scales='none')).eval()
    losses = losses_of(model)
    assert losses['view_agreement'] == 1
    torch.testing.assert_close(losses['pseudo_share'], torch.tensor(22 / 32))


def test_background_is_labeled_where_views_agree_and_stays_elsewhere():
    model = build(semi_train_cfg=dict(background=0)).eval()
    content = model.data_preprocessor(data(), True)
    images, _, labels = model.unpack(
        content['inputs'], content['data_samples']
    )
    target, _ = model.make_target(images, labels)
    open_ = (labels == 0) | (labels == 254)
    assert {0} < set(target[open_].tolist()) <= {0, 3, 4}
    assert torch.equal(target[~open_], labels[~open_])
    assert (target == 255).any()


def test_void_is_labeled_only_when_merged() -> None:
    labels = torch.full((2, 32, 32), 255)
    images = torch.rand(2, 3, 32, 32)
    hard = dict(mirror=False, scales='none')
    target, figures = build(views=hard).make_target(images, labels)
    assert (target == 255).all() and figures['view_agreement'] == 0
    target, figures = build(
        views=hard, semi_train_cfg=dict(merge_ignore=True)
    ).make_target(images, labels)
    assert (target >= SEEN).all() and figures['view_agreement'] == 1


@pytest.mark.parametrize('value', [254, 255])
def test_nothing_to_learn_from_is_zero(value) -> None:
    """All views disagree, or everything is ignored; one image."""
    model = build().train()
    content = data(branches=dict(sup=1))
    content['data_samples']['sup'][0].gt_sem_seg.data.fill_(value)

    class Never(torch.nn.Module):
        def forward(self, views):
            plain = model.plain_labeler(views)
            return plain.change(labels=torch.full_like(plain.labels, 255))

    model.plain_labeler, model.pseudo_labeler = model.pseudo_labeler, Never()
    loss = total(model, losses_of(model, content))
    loss.backward()
    assert loss == 0
    assert all(
        p.grad is None or not p.grad.any() for p in model.student.parameters()
    )


def test_no_unlabeled_pixel_is_plain_cross_entropy() -> None:
    model = build().eval()
    losses = losses_of(model, data(unlabeled=False))
    assert losses['pseudo_share'] == 0 and losses['view_agreement'] == 0
    everything = build(
        'SPNet', head=dict(train_columns='all'), semi_train_cfg=dict(scales=())
    ).eval()
    want = losses_of(everything, data(unlabeled=False))
    torch.testing.assert_close(
        losses['decode.loss_ce'], want['decode.loss_ce']
    )


def test_one_unseen_class_warns_and_none_is_refused() -> None:
    with pytest.warns(UserWarning, match='one unseen class'):
        model = build(head=dict(num_seen=4)).eval()
    assert losses_of(model)['view_agreement'] == 1
    with pytest.raises(ValueError, match='no unseen class'):
        build(head=dict(num_seen=5))


def test_bf16_autocast() -> None:
    model = build().train()
    with autocast(device_type='cpu', dtype=torch.bfloat16):
        losses = losses_of(model)
    assert losses['decode.loss_ce'].dtype == torch.float32
    total(model, losses).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_annotations_of_unseen_classes_are_refused() -> None:
    for type in ('SPNet', 'ZeroLabelSegmentor'):
        content = data()
        content['data_samples']['sup'][1].gt_sem_seg.data[0, 5, 5] = 4
        with pytest.raises(UsageError, match=r'hold \[4\]'):
            losses_of(build(type), content)


def test_annotations_are_looked_at_again_in_a_new_round() -> None:
    model = build()
    losses_of(model)
    content = data()
    content['data_samples']['sup'][1].gt_sem_seg.data[0, 5, 5] = 4
    model.refresh_generator()
    with pytest.raises(UsageError, match=r'hold \[4\]'):
        losses_of(model, content)


def test_refresh_takes_the_student_as_it_is() -> None:
    model = build()
    with torch.no_grad():
        for value in model.student.state_dict().values():
            value.mul_(2)
    model.refresh_generator()
    for key, value in model.student.state_dict().items():
        assert torch.equal(value, model.generator.state_dict()[key])
        assert value.data_ptr() != model.generator.state_dict()[key].data_ptr()
    x = torch.rand(1, 3, 32, 32)
    model.eval()
    # Columns of a smaller product may be summed in another order.
    torch.testing.assert_close(
        model.unseen_logits(x), model(x)[:, SEEN:], rtol=1e-5, atol=1e-5
    )


def test_initialization_reaches_both() -> None:
    model = build(refresh=False)
    model.init_weights()
    for key, value in model.student.state_dict().items():
        assert torch.equal(value, model.generator.state_dict()[key]), key
    assert not any('generator' in k for k, _ in model.named_parameters())


def test_checkpoints_of_a_plain_model_and_of_a_student(tmp_path) -> None:
    plain = MODELS.build(Config(dict(model=student())).model)
    spnet = build('SPNet')
    with torch.no_grad():
        next(spnet.student.parameters()).add_(1)
    for source in (plain, spnet):
        path = tmp_path / 'weights.pth'
        torch.save(dict(state_dict=source.state_dict()), path)
        model = build()
        load_checkpoint(model, str(path), strict=True)
        want = getattr(source, 'student', source).state_dict()
        for name in ('student', 'generator'):
            got = getattr(model, name).state_dict()
            assert all(torch.equal(got[k], v) for k, v in want.items())


def test_own_checkpoints_keep_the_generator_and_exports_leave_it(tmp_path):
    model = build()
    with torch.no_grad():
        next(model.student.parameters()).add_(1)
    path = tmp_path / 'iter_1.pth'
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    other = build()
    load_checkpoint(other, str(path), strict=True)
    for key, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[key], value), key

    cfg = Config(
        dict(model=dict(type='ZeroLabelSegmentor', student=student()))
    )
    done = export_segmentor(cfg, path, tmp_path / 'plain.pth')
    assert not done.needs_mmsemi
    plain_cfg = Config.fromfile(str(done.config)).model
    assert plain_cfg.decode_head.type == 'FCNHead'
    plain = MODELS.build(plain_cfg).eval()
    state = torch.load(done.checkpoint)['state_dict']
    assert not any('generator' in k or 'embeddings' in k for k in state)
    plain.load_state_dict(state, strict=True)
    x = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(plain(x), model.eval()(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('gamma', [0.0, 0.3])
def test_files_are_predicted_as_images_are_tested(tmp_path, gamma) -> None:
    cfg = Config(
        dict(
            model=dict(
                type='SPNet',
                student=student(gamma=gamma),
                semi_test_cfg=dict(scales=(0.5, 0.75)),
            ),
            test_pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='PackSemiInputs'),
            ],
        )
    )
    model = build(
        'SPNet', head=dict(gamma=gamma), semi_test_cfg=dict(scales=(0.5, 0.75))
    ).eval()
    path, image = tmp_path / 'model.pth', tmp_path / 'image.png'
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    cv2.imwrite(str(image), pixels)
    got = Predictor(cfg, path)(image)
    with torch.no_grad():
        want = model.test_step(
            dict(
                inputs=[torch.from_numpy(pixels).permute(2, 0, 1)],
                data_samples=[batch(dict(one=1))['data_samples']['one'][0]],
            )
        )[0]
    assert (got['ids'] == want.pred_sem_seg.data[0].numpy()).all()
    assert len(np.unique(got['ids'])) > 1
    logits = want.seg_logits.data.clone()
    if gamma:
        logits[:SEEN] += gamma  # probabilities again
        torch.testing.assert_close(logits.sum(0), torch.ones(32, 32))
    else:
        logits = logits.softmax(0)
    np.testing.assert_allclose(
        got['confidence'],
        np.take_along_axis(logits.numpy(), got['ids'][None].astype(int), 0)[0],
        rtol=1e-5,
    )
    notes = export_segmentor(cfg, path, tmp_path / 'plain.pth').notes
    assert any('one' in n and '(0.5, 0.75)' in n for n in notes)


def test_averages_of_calibrated_scores_are_refused() -> None:
    cfg = Config(dict(model=dict(type='SPNet', student=student(gamma=0.3))))
    with pytest.raises(UsageError, match='gamma=0.3'):
        refuse_calibrated(cfg)
    cfg.model.student.decode_head.gamma = 0.0
    refuse_calibrated(cfg)


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(semi_train_cfg=dict(backgrund=0)), 'no backgrund'),
        (dict(semi_train_cfg=dict(background=3)), 'no seen class'),
        (dict(semi_test_cfg=dict(predict_on='teacher')), 'predict_on'),
        (dict(views=dict(scales='big')), 'big'),
    ],
)
def test_wrong_settings_are_refused(changes, message) -> None:
    with pytest.raises(ValueError, match=message):
        build(**changes)


def test_other_heads_are_refused() -> None:
    with pytest.raises(TypeError, match='SemanticEmbeddingHead'):
        MODELS.build(dict(type='SPNet', student=tiny_student()))
