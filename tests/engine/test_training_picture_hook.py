"""Pictures of unlabeled images, which training must not notice."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData

from mmsemi.engine.hooks import TrainingPictureHook
from mmsemi.engine.hooks.training_picture_hook import picture_of, training_rows
from mmsemi.models.segmentors.online import Record
from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS
from tests.engine.test_online_training import online_config
from tests.models.segmentors.peers import UniMatch, cps, unimatch
from tests.models.segmentors.test_mean_teacher import data_of
from tests.models.tiny import batch, sample, tiny_student
from tests.tiny import make_tiny_set, train


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('set'))


def test_pictures_and_the_same_training(root, tmp_path):
    weights = []
    for name in ('with', 'without'):
        cfg = online_config(root, tmp_path / name, audit=True)
        cfg.model.mixing = dict(type='CutMix', box='u2pl', prob=0.5)
        cfg.train_cfg.max_iters = 4
        cfg.custom_hooks.pop(0)
        if name == 'with':
            cfg.custom_hooks.append(
                dict(type='TrainingPictureHook', interval=3)
            )
        cfg.pop('val_cfg'), cfg.pop('val_dataloader')
        cfg.pop('val_evaluator')
        runner = train(cfg)
        weights.append(runner.model.state_dict())
    for key, value in weights[0].items():
        assert torch.equal(value, weights[1][key]), key
    found = sorted(p.name for p in (tmp_path / 'with/pictures').iterdir())
    # The first iteration is warm-up; the last is shown whatever the interval.
    assert found == [f'training_iter_{k}.png' for k in (2, 3, 4)]
    picture = cv2.imread(str(tmp_path / 'with/pictures/training_iter_2.png'))
    # Five columns and two rows.
    assert picture.shape[1] > 1.5 * picture.shape[0]
    assert not (tmp_path / 'without/pictures').exists()


def unlabeled_rows(number=3, **changes):
    """Rows of a batch of a segmentor, with what the loss got."""
    init_default_scope('mmsemi')
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            dict(
                type='MeanTeacher',
                student=tiny_student(),
                pseudo_labeler=dict(
                    type='ConfidencePseudoLabeler', threshold=0.26
                ),
                unsup_loss=dict(type='PseudoLabelCrossEntropyLoss'),
            ),
            **changes,
        )
    ).train()
    model.set_progress(0, 10)
    model.recording = True
    data = batch(dict(sup=1, unsup_teacher=2, unsup_student=2))
    data = model.data_preprocessor(data, True)
    model.loss(data['inputs'], data['data_samples'])
    seen = model.records
    rows = training_rows(seen, model.data_preprocessor, number)
    model.loss(data['inputs'], data['data_samples'])
    assert model.records is None  # asked for once
    return model, seen['learned'][0].targets, rows


def test_rows_are_what_the_loss_gets():
    model, target, rows = unlabeled_rows(
        mixing=dict(type='CutMix', box='u2pl', prob=1.0)
    )
    assert len(rows) == 2 and len(rows[0]) == 9
    for i, row in enumerate(rows):
        expected = (
            target.labels[i].masked_fill(target.weights[i] == 0, 255).numpy()
        )
        assert (row['target'] == expected).all()
        assert 0 < (row['target'] != 255).mean() < 1
        assert (row['pseudo'][:2] == 255).all()
        assert (row['pseudo'][2:] < 4).all()
        # A mixed view is made of the strong views of both images.
        one, two = row['strong'], rows[1 - i]['strong']
        own = (row['mixed'] == one).all(2)
        assert (own | (row['mixed'] == two).all(2)).all()
        assert 0 < own.mean() < 1


def test_without_mixing_there_is_no_mixed_view():
    _, _, rows = unlabeled_rows(1)
    assert len(rows) == 1 and 'mixed' not in rows[0]
    assert (rows[0]['pseudo'][2:] < 4).all()


def recorded(model, branches):
    """Rows and records of a step of a model."""
    data = model.data_preprocessor(data_of(branches), True)
    model.recording = True
    model(**data, mode='loss')
    return training_rows(model.records, model.data_preprocessor, 4), data


class FirstViewLast(UniMatch):
    """Learns from the first strong view in the end."""

    def step(self, batch):
        losses = super().step(batch)
        self.records['learned'].reverse()
        return losses


@pytest.mark.parametrize('method', [UniMatch, FirstViewLast])
def test_of_two_views_image_and_labels_belong_together(method):
    model = unimatch(method)
    masks = torch.zeros(2, 2, 32, 32, dtype=torch.bool)
    masks[0, :, :, :10], masks[1, :, :, 20:] = True, True
    left, right = masks
    drawn = [left, right]
    model.mixing.draw = lambda targets: drawn.pop(0)
    branches = dict(sup=2, unsup_teacher=2, unsup_student=2, unsup_student_2=2)
    rows, data = recorded(model, branches)
    own, other = (record.targets for record in model.records['labeled'])
    assert (other.labels != own.labels).any()
    views = data['inputs']['unsup_student']
    for i, row in enumerate(rows):
        assert (row['pseudo'] == own.labels[i].numpy()).all()
        one, two = (
            picture_of(views[k], model.data_preprocessor) for k in (i, 1 - i)
        )
        pasted = left[i].numpy()
        assert (row['strong'] == one).all()
        mixed = np.where(pasted[..., None], two, one)
        assert (row['mixed'] == mixed).all()
        labels = np.where(pasted, other.labels[1 - i], own.labels[i])
        assert (row['target'] == labels).all()


def test_two_students_without_a_strong_view():
    model = cps()
    rows, _ = recorded(model, dict(sup=1, unsup_teacher=2))
    learned = model.records['learned'][0].targets
    assert len(rows) == 3 and 'strong' not in rows[0]
    for row, labels in zip(rows, learned.labels):
        # The first student learns what the second one sees.
        assert (row['pseudo'] == labels.numpy()).all()
        assert (row['target'] == labels.numpy()).all()


def test_labels_dropped_by_entropy():
    student = tiny_student()
    _, target, rows = unlabeled_rows(
        type='U2PL',
        student=student,
        pseudo_labeler=dict(type='EntropyPercentilePseudoLabeler'),
        unsup_loss=dict(type='EntropyFilteredCrossEntropyLoss'),
        mixing=dict(type='CutMix', box='u2pl', prob=1.0),
    )
    assert (rows[0]['target'] == target.labels[0].numpy()).all()
    assert 0 < (rows[0]['target'] == 255).mean() < 1
    # Every pixel has a label before, but for the padding.
    assert (rows[0]['pseudo'][2:] < 4).all()


def test_words_on_audited_labels():
    item = sample(torch.zeros(4, 6), img_path='a/one.png')
    item.gt_audit = PixelData(data=torch.ones(1, 4, 5).long())
    labels = torch.ones(1, 4, 6).long()
    labels[0, :, 0], labels[0, :, 1] = 255, 2
    target = Targets(
        labels, torch.full((1, 4, 6), 0.5), torch.zeros(1, 4, 6).bfloat16()
    )
    images = torch.zeros(1, 3, 4, 6).bfloat16()
    records = dict(
        labeled=[Record(images, target, [item])],
        strong=[Record(images, target, [])],
        learned=[Record(None, target, [])],
    )
    (row,) = training_rows(records, torch.nn.Identity(), 4)
    assert row['captions']['pseudo'] == 'mean confidence 0.50, 75% right'
    assert row['captions']['target'] == '0% have a weight'
    assert (row['target'] == 255).all() and row['stem'] == 'one'


@pytest.mark.parametrize('rgb', [True, False])
def test_images_come_back(rgb):
    init_default_scope('mmsemi')
    preprocessor = MODELS.build(
        dict(
            type='SegDataPreProcessor',
            mean=[1.0, 2.0, 3.0],
            std=[50.0, 60.0, 70.0],
            bgr_to_rgb=rgb,
            size=(8, 8),
        )
    )
    image = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8)
    data = preprocessor(
        dict(inputs=[image], data_samples=[sample(torch.zeros(8, 8))]), True
    )
    again = picture_of(data['inputs'][0], preprocessor)
    assert (again == image.flip(0).permute(1, 2, 0).numpy()).all()
    assert again.dtype == np.uint8


def test_off_is_off():
    hook = TrainingPictureHook(interval=0)
    hook.before_train_iter(SimpleNamespace(iter=0), 0)
    assert not hook.due
    with pytest.raises(ValueError, match='interval'):
        TrainingPictureHook(interval=-1)
