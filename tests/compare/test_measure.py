"""A finished cell is measured apart from its training."""

import pytest
from mmengine.config import Config

from mmsemi.apis.compare_measure import WholeImages
from mmsemi.apis.compare_methods import resolved
from mmsemi.io.image_files import show_file
from mmsemi.registry import MODELS
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
