"""Pictures of what views labeled, which training must not notice."""

import cv2
import numpy as np
import pytest
import torch

from mmsemi.engine.hooks.view_picture_hook import (
    spread,
    training_images,
    view_names,
    view_row,
)
from mmsemi.models.pseudo_labelers.views import Views
from mmsemi.registry import MODELS
from tests.tiny import make_tiny_set, train
from tests.tiny_zero_label import NUM_SEEN, tiny_zero_label_config

HOOK = dict(type='ViewPictureHook', num_images=2)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('set'))


def test_a_picture_for_every_round_and_the_same_training(root, tmp_path):
    weights = []
    for name, hooks in (('with', [HOOK]), ('without', [])):
        cfg = tiny_zero_label_config(root, tmp_path / name)
        cfg.model.views = dict(scales='random', mirror=False)
        # In front of the refresh, as a user may list them.
        cfg.custom_hooks = hooks + cfg.custom_hooks
        runner = train(cfg)
        weights.append(runner.model.student.state_dict())
    for key, value in weights[0].items():
        assert torch.equal(value, weights[1][key]), key
    found = sorted(p.name for p in (tmp_path / 'with/pictures').iterdir())
    assert found == ['views_round_1.png', 'views_round_2.png']
    picture = cv2.imread(str(tmp_path / 'with/pictures/views_round_1.png'))
    # Six columns: image, annotation, three views, agreement.
    assert picture.shape[1] > picture.shape[0]
    assert not (tmp_path / 'without/pictures').exists()


@pytest.mark.parametrize('resolution', ['labels', 'logits'])
def test_rows_say_what_training_does(root, tmp_path, resolution):
    cfg = tiny_zero_label_config(root, tmp_path)
    cfg.model.student.decode_head.loss_resolution = resolution
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    given, truth = training_images(cfg)
    row = view_row(model, given[0], truth[0])
    size = (32, 48) if resolution == 'labels' else (4, 6)
    assert row['agreed'].shape == row['truth'].shape == size
    assert row['views'].shape == (6, *size)
    # What no annotation says is known to the captions alone.
    assert (row['truth'][row['candidates']] == NUM_SEEN).all()
    assert (row['labels'][row['candidates']] == 254).all()
    agree = (row['views'] == row['views'][0]).all(0)
    assert (row['agreed'] == np.where(agree, row['views'][0], 255)).all()
    assert set(np.unique(row['views'])) <= set(range(NUM_SEEN, 3))
    # The same pixels that the target of training labels.
    images = model.data_preprocessor(
        dict(
            inputs=[given[0]['inputs']],
            data_samples=[given[0]['data_samples']],
        ),
        False,
    )['inputs']
    labels = torch.from_numpy(row['labels'])[None].long()
    target, _ = model.make_target(images, labels)
    expected = np.where(
        row['candidates'] & (row['agreed'] != 255),
        row['agreed'],
        row['labels'],
    )
    assert (target[0].numpy() == expected).all()


def test_a_picture_that_fails_is_a_warning(root, tmp_path, caplog):
    cfg = tiny_zero_label_config(
        root,
        tmp_path,
        custom_hooks=[dict(type='GeneratorRefreshHook'), dict(HOOK)],
    )
    cfg.train_cfg.portions = (1.0,)
    # Nothing says which pixels are unlabeled.
    cfg.val_dataloader.dataset.pipeline.pop(2)
    runner = train(cfg)
    assert runner.iter == 4
    assert not (tmp_path / 'pictures').exists()


def test_names_of_views():
    assert view_names(Views()) == (
        'as it is',
        'mirrored',
        '1.5 times the size',
        '1.5 times the size, mirrored',
        '1.75 times the size',
        '1.75 times the size, mirrored',
    )
    assert view_names(Views(mirror=False, scales='none')) == ('as it is',)
    for kwargs in (dict(scales='random'), dict(scales='down', mirror=False)):
        assert len(view_names(Views(**kwargs))) == len(Views(**kwargs))


def test_spread_begins_wide_apart():
    indices = spread(101, 8)
    assert len(set(indices)) == 8 and max(indices) == 100
    assert abs(indices[0] - indices[1]) > 20
    assert spread(2, 8) in ([0, 1], [1, 0]) and spread(1, 8) == [0]
