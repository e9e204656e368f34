"""A finished cell is measured apart from its training."""

from functools import partial

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmsemi.apis.compare_measure import WholeImages, audit
from mmsemi.apis.compare_methods import resolved
from mmsemi.datasets.transforms.load_mask import LoadMask
from mmsemi.evaluation import PseudoLabelQuality
from mmsemi.io.image_files import show_file
from mmsemi.registry import MODELS, TRANSFORMS
from tests.compare.tiny_facts import write_configs


@pytest.mark.parametrize('load', [{}, dict(type='LoadAnyImage')])
def test_whole_images_are_loaded_as_the_training_does(tmp_path, load) -> None:
    folder = write_configs(tmp_path)
    cfg = Config.fromfile(folder / 'mean_teacher/tiny.py')
    cfg.data.load = load
    cfg = resolved(cfg, None)
    for key in ('train_dataloader', 'train_cfg'):
        cfg[f'its_{key}'] = cfg.pop(key)
    labeler = WholeImages(MODELS.build(cfg.model), cfg)
    path = str(next((folder / 'data/images').iterdir()))
    labels = labeler(dict(img_path=path))
    assert labels.shape == show_file(path).shape[:2]


@pytest.fixture
def audited(tmp_path):
    """An unfinished method, and the mask of an unlabeled image of its."""
    folder = write_configs(tmp_path)
    cfg = resolved(Config.fromfile(folder / 'mean_teacher/tiny.py'), None)
    for key in ('train_dataloader', 'train_cfg'):
        cfg[f'its_{key}'] = cfg.pop(key)
    # Labels for all pixels, so that all of a mask is looked at.
    cfg.model.pseudo_labeler.threshold = 0.0
    name = (folder / 'splits/tiny/unlabeled.txt').read_text().split()[1]
    mask = folder / f'data/masks/{name}.png'
    return partial(audit, cfg, MODELS.build(cfg.model), tmp_path), mask


def bad_value():
    return png(np.full((32, 48), 200, np.uint8))


def colors():
    return png(np.zeros((32, 48, 3), np.uint8))


def damaged():
    return png(np.eye(32, 48, dtype=np.uint8))[:90]


def png(array):
    return cv2.imencode('.png', array)[1].tobytes()


@pytest.mark.parametrize(
    'content, words',
    [
        (bad_value, 'value 200, and classes are 0 to '),
        (colors, '3 numbers for each pixel'),
        (damaged, 'cannot be read'),
        (lambda: b'no picture', 'cannot be read'),
        (lambda: b'', 'cannot be read'),
    ],
)
def test_a_bad_mask_of_an_unlabeled_image_costs_the_figure_alone(
    audited, capsys, content, words
) -> None:
    """The run has its result, as it needs no such mask."""
    measured, mask = audited
    found = measured()
    assert found['images'] == 9 and 0 <= found['precision'] <= 1
    mask.write_bytes(content())
    assert measured() is None
    (told,) = [
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith('warning: ')
    ]
    assert str(mask) in told and words in told
    assert 'quality of pseudo-labels is not measured' in told


@TRANSFORMS.register_module(force=True)
class ForgetHighLabels:
    def __call__(self, results):
        labels = results['gt_seg_map']
        labels[labels > 2] = 255
        return results


def test_masks_are_read_as_the_config_says(audited) -> None:
    measured, mask = audited
    mask.write_bytes(bad_value())
    unlabeled = measured.args[0].its_train_dataloader.dataset.unlabeled
    unlabeled.audit_pipeline = [
        dict(type='LoadMask'),
        dict(type='ForgetHighLabels'),
    ]
    assert measured()['images'] == 9


def test_mistakes_that_are_no_fault_of_a_mask_are_errors(
    audited, monkeypatch
) -> None:
    measured, _ = audited

    def mistake(*_):
        raise AttributeError('of ours')

    monkeypatch.setattr(LoadMask, '_load_seg_map', mistake)
    with pytest.raises(AttributeError, match='of ours'):
        measured()
    monkeypatch.undo()
    monkeypatch.setattr(PseudoLabelQuality, 'compare', mistake)
    with pytest.raises(AttributeError, match='of ours'):
        measured()
    monkeypatch.undo()
    monkeypatch.setattr(
        WholeImages, '__call__', lambda *_: np.full((32, 48), 9, np.uint8)
    )
    with pytest.raises(ValueError, match='labels reach 9'):
        measured()
