"""Segmenting images of CamVid's test folder, against mmseg's own inference."""

import runpy
import shutil
import sys

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.apis import inference_model, init_model

from mmsemi.engine.build import resolve
from mmsemi.models.export import export_segmentor
from mmsemi.registry import MODELS
from tests.conftest import ROOT

pytestmark = pytest.mark.slow
CONFIG = ROOT / 'configs/u2pl/camvid_1-16.py'


@pytest.fixture(scope='module')
def files(tmp_path_factory, data_dir):
    """Three images, a checkpoint of U2PL that saw nothing, its teacher."""
    folder = tmp_path_factory.mktemp('camvid')
    (folder / 'images').mkdir()
    paths = sorted((data_dir / 'camvid/images/test').glob('*.jpg'))
    for path in (paths[0], paths[len(paths) // 2], paths[-1]):
        shutil.copy(path, folder / 'images')
    cfg = resolve(Config.fromfile(CONFIG))
    cfg.model.student.backbone.init_cfg = None
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmsemi'):
        model = MODELS.build(cfg.model)
    teacher = model.teacher
    # Statistics of real maps, else all pixels get one class.
    for module in teacher.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    torch.nn.init.normal_(teacher.decode_head.conv_seg.weight, std=1.0)
    photos = [
        torch.from_numpy(cv2.resize(cv2.imread(str(path)), (240, 180)))
        for path in (folder / 'images').iterdir()
    ]
    data = model.data_preprocessor(
        dict(inputs=[photo.permute(2, 0, 1) for photo in photos])
    )
    teacher.train()(data['inputs'], mode='tensor')
    torch.save(
        dict(state_dict=model.state_dict(), meta={}), folder / 'wrapper.pth'
    )
    export_segmentor(
        cfg, folder / 'wrapper.pth', folder / 'teacher.pth', 'teacher'
    )
    return folder


def labels(monkeypatch, files, out, config, checkpoint) -> dict:
    """What the command writes for the folder of images."""
    monkeypatch.setattr(
        sys,
        'argv',
        [
            'infer.py',
            str(files / 'images'),
            '--config',
            str(config),
            '--checkpoint',
            str(files / checkpoint),
            '--out',
            str(out),
            '--raw',
            '--device',
            'cpu',
        ],
    )
    runpy.run_path(str(ROOT / 'tools/infer.py'), run_name='__main__')
    return {
        path.stem: cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        for path in (out / 'ids').iterdir()
    }


def test_labels_are_those_of_mmseg(files, tmp_path, monkeypatch) -> None:
    model = init_model(
        str(files / 'teacher.py'), str(files / 'teacher.pth'), device='cpu'
    )
    plain = labels(
        monkeypatch,
        files,
        tmp_path / 'plain',
        files / 'teacher.py',
        'teacher.pth',
    )
    wrapper = labels(
        monkeypatch, files, tmp_path / 'wrapper', CONFIG, 'wrapper.pth'
    )
    assert len(plain) == len(wrapper) == 3
    for path in sorted((files / 'images').iterdir()):
        want = inference_model(model, str(path)).pred_sem_seg.data[0].numpy()
        assert want.shape == cv2.imread(str(path)).shape[:2]
        assert len(np.unique(want)) > 3
        assert np.array_equal(plain[path.stem], want)
        # mmseg has no head like ours; the one exported rounds differently.
        assert (wrapper[path.stem] == want).mean() > 0.9999
