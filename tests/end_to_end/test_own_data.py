"""The config to copy for images of one's own."""

import numpy as np
from mmengine.config import Config
from mmseg.apis import inference_model, init_model

from tests.conftest import ROOT
from tests.tiny import make_tiny_set, train

CONFIGS = ROOT / 'configs'


def test_config_to_copy(tmp_path) -> None:
    root = make_tiny_set(tmp_path / 'set')
    text = (CONFIGS / 'mean_teacher/own_data.py').read_text()
    for old, new in (
        ("'data/my_data'", repr(str(root))),
        ("'.jpg'", "'.png'"),
        ('(512, 512)', '(40, 32)'),
        ('max_iters = 20000', 'max_iters = 4'),
        ('val_interval=2000', 'val_interval=4'),
        ("'../_base_", f"'{CONFIGS}/_base_"),
    ):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / 'mine.py').write_text(text)
    cfg = Config.fromfile(tmp_path / 'mine.py')
    cfg.work_dir = str(tmp_path / 'work')
    cfg.data.num_workers = 0
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
