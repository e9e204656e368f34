"""A finished cell is measured apart from its training."""

import numpy as np
import pytest
from mmengine.config import Config

from mmsemi.apis.compare_measure import WholeImages, audit
from mmsemi.apis.compare_methods import resolved
from mmsemi.io.files import write_png
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


def test_a_bad_mask_of_an_unlabeled_image_costs_the_figure_alone(
    tmp_path, capsys
) -> None:
    """The run has its result, as it needs no such mask."""
    folder = write_configs(tmp_path)
    cfg = resolved(Config.fromfile(folder / 'mean_teacher/tiny.py'), None)
    for key in ('train_dataloader', 'train_cfg'):
        cfg[f'its_{key}'] = cfg.pop(key)
    model = MODELS.build(cfg.model)
    found = audit(cfg, model, tmp_path / 'run')
    assert found['images'] == 9 and 0 <= found['precision'] <= 1
    name = (folder / 'splits/tiny/unlabeled.txt').read_text().split()[1]
    mask = folder / f'data/masks/{name}.png'
    write_png(mask.parent, mask.name, np.full((32, 48), 200, np.uint8))
    assert audit(cfg, model, tmp_path / 'run') is None
    assert f'{mask} cannot be compared' in capsys.readouterr().out
    mask.write_bytes(b'no picture')
    assert audit(cfg, model, tmp_path / 'run') is None
