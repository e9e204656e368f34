"""The figure that is made late is the one of mmseg; files are whole."""

import errno

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer

from mmsemi.apis.test import save_drawings
from mmsemi.engine.visualizer import LazyVisualizer
from mmsemi.registry import VISUALIZERS
from mmsemi.utils.errors import WriteError
from tests.full_disk import FullDisk

META = dict(classes=('a', 'b'), palette=[[255, 0, 0], [0, 0, 255]])


def test_pictures_are_those_of_mmseg() -> None:
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    labels = torch.arange(600).reshape(1, 20, 30) // 300
    sample = SegDataSample(pred_sem_seg=PixelData(data=labels))
    drawn = []
    for kind in (SegLocalVisualizer, LazyVisualizer):
        visualizer = kind(name=f'test_{kind.__name__}')
        assert (visualizer.ax_save is None) == (kind is LazyVisualizer)
        visualizer.dataset_meta = META
        for number in range(2):  # the second on the same figure
            visualizer.add_datasample(
                'image', image, sample, draw_gt=False, step=number
            )
            drawn.append(visualizer.get_image())
        visualizer.draw_bboxes(torch.tensor([[2, 2, 9, 9]]))
        drawn.append(visualizer.get_image())
    assert drawn[0].shape == image.shape and np.ptp(drawn[0]) > 0
    for mine, theirs in zip(drawn[3:], drawn[:3]):
        assert np.array_equal(mine, theirs)


def test_a_full_disk_leaves_no_piece_of_the_config(
    tmp_path, monkeypatch
) -> None:
    def full(config, path) -> None:
        open(path, 'w').close()
        raise OSError(errno.ENOSPC, 'No space left on device')

    visualizer = LazyVisualizer(
        'test_full', str(tmp_path), vis_backends=[dict(type='LocalVisBackend')]
    )
    monkeypatch.setattr(Config, 'dump', full)
    with pytest.raises(WriteError, match='vis_data/config.py .* disk is full'):
        visualizer.add_config(Config(dict(a=1)))
    assert not list((tmp_path / 'vis_data').iterdir())
    monkeypatch.undo()
    visualizer.add_config(Config(dict(a=1)))
    assert Config.fromfile(tmp_path / 'vis_data/config.py').a == 1


def test_a_drawing_is_whole_or_an_error(tmp_path) -> None:
    """OpenCV, by which mmengine writes them, says nothing."""
    cfg = Config(dict(default_scope='mmsemi'))
    save_drawings(cfg, str(tmp_path))
    visualizer = VISUALIZERS.build(cfg.visualizer)
    image = np.zeros((4, 5, 3), np.uint8)
    image[..., 0] = 200
    with FullDisk(tmp_path).after(0):
        with pytest.raises(WriteError, match='a_3.png .* disk is full'):
            visualizer.add_image('a', image, 3)
    assert not list(tmp_path.rglob('*.png*'))
    visualizer.add_image('a', image, 3)
    (path,) = tmp_path.rglob('*.png')
    assert path.parts[-2:] == ('vis_image', 'a_3.png')
    assert np.array_equal(cv2.imread(str(path))[..., ::-1], image)
