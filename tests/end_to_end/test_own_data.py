"""What README and the config to copy tell those with images of their own."""

import re

import numpy as np
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.apis import inference_model, init_model

from tests.conftest import ROOT
from tests.tiny import make_tiny_set, train

CONFIGS = ROOT / 'configs'
STUDENT = """
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375], bgr_to_rgb=True, pad_val=0,
        seg_pad_val=255),
    backbone=dict(
        type='ResNetV1c', depth=18, base_channels=8, stem_channels=8,
        num_stages=4, out_indices=(0, 1, 2, 3), norm_cfg=norm_cfg),
    decode_head=dict(
        type='FCNHead', in_channels=64, in_index=3, channels=8, num_convs=1,
        num_classes=150, norm_cfg=norm_cfg, align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss')))
"""


def test_config_to_copy(tmp_path) -> None:
    root = make_tiny_set(tmp_path / 'set')
    text = (CONFIGS / 'mean_teacher/own_data.py').read_text()
    for old, new in (
        ("'data/my_data'", repr(str(root))),
        ("'.jpg'", "'.png'"),
        ('(512, 512)', '(40, 32)'),
        ('max_iters = 20000', 'max_iters = 4'),
        ('val_interval=2000', 'val_interval=4'),
        ('num_workers=4', 'num_workers=0'),
        ("'../_base_", f"'{CONFIGS}/_base_"),
    ):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / 'mine.py').write_text(text)
    cfg = Config.fromfile(tmp_path / 'mine.py')
    cfg.work_dir = str(tmp_path / 'work')
    runner = train(cfg)
    assert runner.iter == 4
    assert (tmp_path / 'work/pictures/training_iter_1.png').is_file()
    model = init_model(
        str(tmp_path / 'work/segmentor.py'),
        str(tmp_path / 'work/segmentor.pth'),
        device='cpu',
    )
    assert list(model.dataset_meta['classes']) == [
        'background',
        'scratch',
        'dent',
    ]
    result = inference_model(model, np.zeros((32, 48, 3), np.uint8))
    assert result.seg_logits.data.shape == (3, 32, 48)


def test_example_of_the_readme(tmp_path) -> None:
    """Any mmseg model as the student: the text builds a runner."""
    (text,) = (
        block
        for block in re.findall(
            r'```python\n(.*?)```', (ROOT / 'README.md').read_text(), re.S
        )
        if 'my_mmseg_model.py' in block
    )
    (tmp_path / 'my_mmseg_model.py').write_text(STUDENT)
    (tmp_path / 'mine.py').write_text(
        text.replace("'../_base_", f"'{CONFIGS}/_base_")
    )
    cfg = Config.fromfile(tmp_path / 'mine.py')
    cfg.work_dir = str(tmp_path / 'work')
    runner = Runner.from_cfg(cfg)
    assert runner.model.teacher.num_classes == 11
    assert runner.model.data_preprocessor.data_preprocessor.size == (288, 352)
