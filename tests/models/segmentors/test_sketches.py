"""Two methods in a page: what the frame of online methods is good for.

UniMatch V1 (arXiv 2208.09910) has no teacher, two strong views and one whose
features are perturbed; CPS (arXiv 2106.01226) has two students. Both are held
against the outputs of the official code.
"""

import copy
import inspect

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper
from torch.nn import functional as F

from mmsemi.models.segmentors import Batch, OnlineSegmentor
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.models.segmentors.test_mean_teacher import data_of
from tests.models.tiny import sample, tiny_student
from tests.oracles.kinds import files


class UniMatch(OnlineSegmentor):
    """UniMatch V1: image-level and feature-level perturbations."""

    strong_views = 2

    def step(self, batch):
        n, m = len(batch.sup), len(batch.weak)
        other = self.label(self.look(self.student, batch.weak), batch)
        outputs = self.decode(
            self.student, batch.join(batch.weak), perturb=self.with_dropped
        )
        sup, rest = batch.split(outputs)
        clean, _, dropped = rest['decode'].split([m, n, m])
        own = self.label(clean, batch)
        mixed = [self.mix(view, own, other) for view in batch.strong]
        images = torch.cat([images for images, _ in mixed])
        strong = self.decode(self.student, images, auxiliary=False)
        first, second = strong['decode'].split(m)
        return {
            **self.sup(self.student, sup, batch),
            **self.unsup(first, mixed[0][1], 'unsup', 0.25),
            **self.unsup(second, mixed[1][1], 'unsup_2', 0.25),
            **self.unsup(dropped, own, 'unsup_fp', 0.5),
        }

    @staticmethod
    def with_dropped(feats):
        """Features, then the same with half of their channels dropped."""
        return tuple(torch.cat([x, F.dropout2d(x, 0.5)]) for x in feats)


class CPS(OnlineSegmentor):
    """Cross pseudo supervision: each of two students labels for the other."""

    sub_models = ('student', 'student_2')
    strong_views = 0

    def __init__(self, student, **kwargs):
        super().__init__(student, **kwargs)
        student = ConfigDict(copy.deepcopy(student), data_preprocessor=None)
        self.student_2 = MODELS.build(student)

    def step(self, batch):
        both = batch.change(
            weak=batch.join(batch.weak),
            valid=torch.cat([torch.ones_like(batch.labels) > 0, batch.valid]),
            samples=batch.sup_samples + batch.samples,
        )
        one = self.decode(self.student, both.weak)
        two = self.decode(self.student_2, both.weak)
        label_one = self.label(one['decode'], both)
        label_two = self.label(two['decode'], both)
        return {
            **self.sup(self.student, batch.split(one)[0], batch),
            **self.sup(self.student_2, batch.split(two)[0], batch, 'sup_2'),
            **self.unsup(one['decode'], label_two, 'unsup'),
            **self.unsup(two['decode'], label_one, 'unsup_2'),
        }


def config(threshold=0.0, num_classes=4, **changes):
    """Arguments of a method with a tiny student."""
    student = tiny_student(num_classes)
    student['decode_head']['loss_decode']['avg_non_ignore'] = True
    return dict(
        dict(
            student=student,
            pseudo_labeler=dict(
                type='ConfidencePseudoLabeler', threshold=threshold
            ),
            unsup_loss=dict(type='PseudoLabelCrossEntropyLoss'),
        ),
        **changes,
    )


def unimatch(cls=UniMatch, threshold=0.0, **changes):
    """UniMatch as published: half of each loss, CutMix with the flip."""
    torch.manual_seed(0)
    mixing = dict(
        type='CutMix', box='unimatch', per_image=True, partner='flip'
    )
    return cls(
        **config(
            threshold,
            mixing=mixing,
            semi_train_cfg=dict(sup_weight=0.5, unsup_weight=0.5),
            **changes,
        )
    ).train()


def cps(cls=CPS, weight=1.5, **changes):
    """CPS with the weight of the VOC experiments."""
    torch.manual_seed(0)
    return cls(
        **config(semi_train_cfg=dict(unsup_weight=weight), **changes)
    ).train()


@pytest.mark.parametrize('method', [UniMatch, CPS])
def test_a_method_is_a_page(method):
    lines = inspect.getsource(method).splitlines()
    assert len(lines) <= 45


@pytest.mark.parametrize(
    'build, branches',
    [
        (
            unimatch,
            dict(sup=2, unsup_teacher=3, unsup_student=3, unsup_student_2=3),
        ),
        (cps, dict(sup=2, unsup_teacher=3)),
    ],
)
def test_both_train_a_step(build, branches):
    model = build()
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    before = {k: v.clone() for k, v in model.named_parameters()}
    logs = model.train_step(data_of(branches), optim)
    parts = [v for k, v in logs.items() if k.startswith('loss_')]
    torch.testing.assert_close(logs['loss'], sum(parts))
    assert all(v > 0 for v in parts)
    moved = {k for k, v in model.named_parameters() if (v != before[k]).any()}
    assert moved == set(before)


def test_a_labeled_batch_alone_trains_them():
    data = data_of(dict(sup=2))
    for model in (unimatch(), cps()):
        losses = model(**model.data_preprocessor(data, True), mode='loss')
        assert losses['loss_sup_ce'] > 0


class PlayedUniMatch(UniMatch):
    """The step as it is, with recorded logits, padding and boxes."""

    def play(self, z):
        self.z = {k: torch.from_numpy(z[k]) for k in z.files}
        self.leaves = {
            k: self.z[k].clone().requires_grad_()
            for k in ('pred_x', 'pred_u_w', 'pred_u_w_fp')
            + ('pred_u_s1', 'pred_u_s2')
        }
        boxes = [self.z['cutmix_box1'] > 0, self.z['cutmix_box2'] > 0]
        self.mixing.draw = lambda targets: boxes.pop(0)
        self.learned = []

    def look(self, network, images, training=False):
        # The recorded ones are those of the partners, so before the flip.
        return self.z['pred_u_w_mix'].flip(0)

    def decode(self, network, images, auxiliary=True, perturb=None):
        leaves = self.leaves
        if perturb is None:
            names = ['pred_u_s1', 'pred_u_s2']
            return dict(decode=torch.cat([leaves[k] for k in names]))
        # Nothing uses the perturbed logits of labeled images.
        names = ['pred_x', 'pred_u_w', 'pred_x', 'pred_u_w_fp']
        return dict(decode=torch.cat([leaves[k] for k in names]))

    def label(self, logits, batch):
        if not logits.requires_grad:
            valid = self.z['ignore_mask_mix'].flip(0) != 255
            batch = batch.change(valid=valid)
        return super().label(logits, batch)

    def unsup(self, logits, targets, *args):
        self.learned.append(targets)
        return super().unsup(logits, targets, *args)


def played(labels):
    """Labeled samples of recorded label maps."""
    return [sample(torch.from_numpy(label)) for label in labels]


def test_terms_of_unimatch_are_the_official_ones(oracle_dir):
    for path in files(oracle_dir, 'unimatch', 'v1_loss'):
        z = np.load(path)
        n, classes, height, width = z['pred_x'].shape
        model = unimatch(
            PlayedUniMatch, float(z['conf_thresh']), num_classes=classes
        )
        model.play(z)
        image = torch.zeros(n, 3, height, width)
        losses = model.step(
            Batch(
                image,
                played(z['mask_x']),
                image,
                [image, image],
                torch.from_numpy(z['ignore_mask']) != 255,
            )
        )
        for key, term, factor in (
            ('loss_sup_ce', 'loss_x', 0.5),
            ('loss_unsup', 'loss_u_s1', 0.125),
            ('loss_unsup_2', 'loss_u_s2', 0.125),
            ('loss_unsup_fp', 'loss_u_w_fp', 0.25),
        ):
            # Where every pixel is ignored the official terms are NaN.
            wanted = np.nan_to_num(z[term]) * factor
            found = losses[key].detach().numpy()
            np.testing.assert_allclose(found, wanted, 1e-5, 1e-6, err_msg=key)
        assert ('all_ignore' in path.name) == bool(np.isnan(z['loss']))
        for k, targets in enumerate(model.learned[:2], 1):
            valid = z[f'ignore_mask_cutmixed{k}'] != 255
            assert (targets.valid.numpy() == valid).all()
            labels = z[f'mask_u_w_cutmixed{k}']
            assert (targets.labels.numpy() == labels)[valid].all()
            np.testing.assert_allclose(
                targets.confidence, z[f'conf_u_w_cutmixed{k}'], 1e-6
            )
        sum(v for k, v in losses.items() if k.startswith('loss')).backward()
        assert model.leaves['pred_u_w'].grad is None or not (
            model.leaves['pred_u_w'].grad.any()
        )
        for name, leaf in model.leaves.items():
            if name != 'pred_u_w':
                wanted = np.nan_to_num(z[f'grad_{name}'])
                np.testing.assert_allclose(leaf.grad, wanted, 1e-5, 1e-6)


class PlayedCPS(CPS):
    """The step as it is, with recorded logits."""

    def decode(self, network, images, auxiliary=True, perturb=None):
        side = 'l' if network is self.student else 'r'
        names = (f'pred_sup_{side}', f'pred_unsup_{side}')
        return dict(decode=torch.cat([self.leaves[k] for k in names]))


def test_terms_of_cps_are_the_official_ones(oracle_dir):
    for path in files(oracle_dir, 'unimatch', 'cps'):
        z = np.load(path)
        n, classes, height, width = z['pred_sup_l'].shape
        model = cps(PlayedCPS, float(z['cps_weight']), num_classes=classes)
        model.leaves = {
            k: torch.from_numpy(z[k]).requires_grad_()
            for k in z.files
            if k.startswith('pred')
        }
        image = torch.zeros(n, 3, height, width)
        valid = torch.ones(n, height, width) > 0
        losses = model.step(
            Batch(image, played(z['gt']), image, [], valid, [])
        )
        crossed = losses['loss_unsup'] + losses['loss_unsup_2']
        for found, wanted in (
            (losses['loss_sup_ce'], z['loss_sup_l']),
            (losses['loss_sup_2_ce'], z['loss_sup_r']),
            (crossed, z['cps_loss_weighted']),
        ):
            np.testing.assert_allclose(found.detach(), wanted, 1e-5, 1e-6)
        sum(v for k, v in losses.items() if k.startswith('loss')).backward()
        for name, leaf in model.leaves.items():
            np.testing.assert_allclose(
                leaf.grad, z[f'grad_{name}'], 1e-5, 1e-6
            )


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
    assert any(
        not torch.equal(value, before[key])
        for key, value in model.student.state_dict().items()
    )


def test_either_student_predicts():
    for name in CPS.sub_models:
        model = cps(semi_test_cfg=dict(predict_on=name))
        assert model.predictor is getattr(model, name)
    with pytest.raises(ValueError, match='teacher'):
        cps(semi_test_cfg=dict(predict_on='teacher'))
    with pytest.raises(ValueError, match='student_2'):
        unimatch(semi_test_cfg=dict(predict_on='student_2'))


def test_a_view_too_many_or_too_few_is_named():
    all_views = dict(
        sup=2, unsup_teacher=2, unsup_student=2, unsup_student_2=2
    )
    for model, branches, name in (
        (
            cps(),
            dict(sup=2, unsup_teacher=2, unsup_student=2),
            'unsup_student',
        ),
        (unimatch(), dict(all_views, unsup_student_3=2), 'unsup_student_3'),
        (
            unimatch(),
            dict(sup=2, unsup_teacher=2, unsup_student=2),
            'unsup_student_2',
        ),
    ):
        data = model.data_preprocessor(data_of(branches), True)
        with pytest.raises(UsageError, match=name):
            model(**data, mode='loss')
