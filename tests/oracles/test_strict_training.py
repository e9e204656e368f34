"""Views, agreement, losses and schedule of the official zero-label code."""

import numpy as np
import pytest
import torch
from mmengine.model import BaseModule

from mmsemi.models.pseudo_labelers import Views
from mmsemi.registry import MODELS
from mmsemi.utils.labels import UNLABELED
from tests.models.tiny import sample
from tests.oracles.kinds import cases, files, load
from tests.oracles.poly import poly_rates


@MODELS.register_module(force=True)
class StrictToyBackbone(BaseModule):
    """The stored convolutions, each followed by tanh."""

    def __init__(self, weights):
        super().__init__()
        self.convs = torch.nn.ModuleList()
        for weight, bias in weights:
            stride = 8 if weight.shape[-1] == 7 else 1
            conv = torch.nn.Conv2d(
                weight.shape[1],
                weight.shape[0],
                weight.shape[2],
                stride,
                weight.shape[2] // 2,
            )
            conv.weight.data = torch.tensor(weight)
            conv.bias.data = torch.tensor(bias)
            self.convs.append(conv)

    def forward(self, x):
        for conv in self.convs:
            x = conv(x).tanh()
        return (x,)


def toy_segmentor(case, wrapper, num_seen, branches, **kwargs):
    """The toy network of a file as the student of a wrapper.

    Args:
        branches: (weight, bias) of each branch of the head.
    """
    weights = [
        (case[f'conv{k}_w'], case[f'conv{k}_b'])
        for k in (1, 2)
        if f'conv{k}_w' in case
    ]
    head = dict(
        type='DeepLabV2Head',
        in_channels=len(weights[-1][1]),
        dilations=range(1, len(branches) + 1),
        used_branches=len(branches),
        align_corners=False,
    )
    student = dict(
        type='EncoderDecoder',
        backbone=dict(type='StrictToyBackbone', weights=weights),
        decode_head=dict(
            type='SemanticEmbeddingHead',
            head=head,
            num_seen=num_seen,
            embeddings=case['class_emb'],
            loss_resolution='logits',
        ),
        test_cfg=dict(mode='whole'),
    )
    model = MODELS.build(dict(type=wrapper, student=student, **kwargs))
    for conv, (weight, bias) in zip(model.decode_head.head.convs, branches):
        conv.weight.data = torch.tensor(weight)
        conv.bias.data = torch.tensor(bias)
    return model


def record(owner, name):
    """List of (arguments, result) of all further calls of a method."""
    calls, method = [], getattr(owner, name)

    def recorder(*args):
        calls.append((args, method(*args)))
        return calls[-1][1]

    setattr(owner, name, recorder)
    return calls


def to_labels(target, rest=UNLABELED):
    """Official training labels in our code: -1 becomes ``rest``."""
    target = torch.from_numpy(target)
    return target.masked_fill(target == -1, rest)


def to_target(labels):
    """Our labels in the official code."""
    return labels.masked_fill(labels >= UNLABELED, -1).numpy()


def test_spnet_multi_scale_loss(oracle_dir):
    for path in files(oracle_dir, 'strict', 'spnet_msc_loss'):
        case = load(path)
        branches = [(case['aspp_w'], case['aspp_b'])]
        model = toy_segmentor(
            case,
            'SPNet',
            len(case['class_emb']),
            branches,
            semi_test_cfg=dict(scales=(0.5, 0.75)),
        )
        images = torch.from_numpy(case['img'])
        head = model.decode_head
        calls = record(head, 'loss_by_labels')
        losses = model.loss(
            images, [sample(y) for y in to_labels(case['target'])]
        )
        for k, ((output, _), _) in enumerate(calls):
            np.testing.assert_allclose(
                output.detach(), case[f'out{k}'], rtol=0, atol=1e-4
            )
        assert len(calls) == len(case.like(r'out\d+'))
        loss, _ = model.parse_losses(losses)
        loss.backward()
        np.testing.assert_allclose(
            loss.item(), case['loss_sum'], rtol=0, atol=1e-4
        )
        np.testing.assert_allclose(
            head.head.convs[0].weight.grad,
            case['grad_aspp_w'],
            rtol=0,
            atol=1e-4,
        )
        np.testing.assert_allclose(
            model(images).detach(), case['eval_max'], rtol=0, atol=1e-4
        )


def test_generator_views(oracle_dir):
    for path in files(oracle_dir, 'strict', 'generator_views'):
        shared = load(path)
        for name, case in cases(path).items():
            scales = name.removesuffix('_mirror')
            scales = 'none' if name in ('none', 'mirror') else scales
            settings = dict(mirror='mirror' in name, scales=scales)
            if scales == 'random':
                settings['scales'] = case['drawn_scales'].tolist()
            branches = [
                (shared[f'aspp{k}_w'], shared[f'aspp{k}_b'])
                for k in range(len(shared.like(r'aspp\d+_w')))
            ]
            num_seen = int(shared['n_seen'])
            model = toy_segmentor(
                shared,
                'ZeroLabelSegmentor',
                num_seen,
                branches,
                views=settings,
            )
            model.refresh_generator()
            model.train()
            images = torch.from_numpy(shared['img'])
            labels = to_labels(shared['target'])

            passes = record(model, 'unseen_logits')
            with torch.no_grad():
                views = model.views(model.unseen_logits, images)
            sizes = [args[0].shape for args, _ in passes]
            np.testing.assert_allclose(
                views, case['views'], rtol=0, atol=1e-4, err_msg=name
            )
            assert len(views) == len(model.views)
            # Views of one size go through the network together.
            assert len(sizes) == len({s[-1] for s in sizes})

            calls = record(model.decode_head, 'loss_by_labels')
            loss, _ = model.parse_losses(
                model.loss(images, [sample(y) for y in labels])
            )
            loss.backward()
            logits, target = calls[0][0]
            np.testing.assert_allclose(
                logits.detach(), shared['student_logits'], rtol=0, atol=1e-4
            )
            assert (to_target(target) == case['merged_target']).all(), name
            np.testing.assert_allclose(
                loss.item(), case['loss'], rtol=0, atol=1e-4
            )
            np.testing.assert_allclose(
                model.decode_head.head.convs[0].weight.grad,
                case['grad_aspp0_w'],
                rtol=0,
                atol=1e-4,
            )


def test_drawn_scales_are_uniform():
    views = Views(scales='random')
    assert len(views) == 6
    torch.manual_seed(0)
    drawn = np.array([views.draw() for _ in range(500)])
    assert drawn.shape == (500, 2)
    assert 0.5 <= drawn.min() < 0.52 and 1.73 < drawn.max() < 1.75
    assert abs(drawn.mean() - 1.125) < 0.04
    torch.manual_seed(0)
    assert views.draw() == drawn[0].tolist()


@pytest.mark.filterwarnings('ignore:with one unseen class')
def test_pseudo_label_merge(oracle_dir):
    for path in files(oracle_dir, 'strict', 'pseudo_label_merge'):
        for name, case in cases(path).items():
            seen, unseen, bkg, consistent, n_views = case['meta'].tolist()
            model = merging_segmentor(case, seen + unseen, seen, bool(bkg))
            assert len(model.views) == (n_views if consistent else 1)
            # Official labels are unlabeled at -1; with a background it is
            # that one, and -1 stays ignored.
            labels = to_labels(case['target'], 255 if bkg else UNLABELED)
            logits = torch.from_numpy(case['student_logits'])
            logits.requires_grad_()
            model.student.backbone.output = [logits]
            calls = record(model, 'make_target')
            losses = model.loss(
                torch.zeros(len(labels), 3, 8, 8), [sample(y) for y in labels]
            )
            loss, _ = model.parse_losses(losses)
            loss.backward()
            ((target, _),) = [result for _, result in calls]
            assert (to_target(target) == case['merged_target']).all(), name
            np.testing.assert_allclose(
                loss.item(), case['loss'], rtol=0, atol=1e-5, err_msg=name
            )
            np.testing.assert_allclose(
                logits.grad, case['grad'], rtol=0, atol=1e-6, err_msg=name
            )


def merging_segmentor(case, classes, num_seen, background):
    """A segmentor whose networks return stored logits."""
    consistent = bool(case['meta'][3])
    stored = torch.from_numpy(case['views'])
    stored = stored if consistent else stored[:1]
    head = dict(
        type='SemanticEmbeddingHead',
        num_seen=num_seen,
        head=dict(type='DeepLabV2Head', in_channels=3, align_corners=False),
        embeddings=np.eye(classes),
        loss_resolution='logits',
    )
    model = MODELS.build(
        dict(
            type='ZeroLabelSegmentor',
            student=dict(
                type='EncoderDecoder',
                backbone=dict(type='StrictToyBackbone', weights=[]),
                decode_head=head,
            ),
            semi_train_cfg=dict(background=0 if background else None),
        )
    )
    model.student.backbone = Stored()
    model.student.decode_head.head = Select()
    model.views = StoredViews(stored)
    model.self_training = True
    return model


class Stored(torch.nn.Module):
    """A backbone without parameters: features that were put into it."""

    def forward(self, images):
        return self.output


class Select(torch.nn.Module):
    """A head without parameters: the last input is the output."""

    def forward(self, inputs):
        return inputs[-1]


class StoredViews:
    """Stored logits in the place of views of a network."""

    def __init__(self, views):
        self.views = views

    def __len__(self):
        return len(self.views)

    def __call__(self, network, images, size):
        assert tuple(size) == self.views.shape[-2:]
        return self.views


def test_poly_lr(oracle_dir):
    """mmengine's PolyLR is the formula; theirs holds it for a period."""
    for path in files(oracle_dir, 'strict', 'poly_lr'):
        case = load(path)
        period, power = int(case['period']), float(case.get('power', 0.9))
        base = float(case['base_lr']) * np.array([1, 10, 20])
        for key in case.like(r'iters_\d+'):
            length = int(key.removeprefix('iters_'))
            rates = case[f'lrs_{length}']
            updated = case[key] // period * period
            held = (1 - updated / length) ** power
            np.testing.assert_allclose(
                rates, base * held[:, None], rtol=0, atol=1e-12
            )
            ours = poly_rates(base, length, power, updated)
            np.testing.assert_allclose(ours, rates, rtol=0, atol=1e-12)
