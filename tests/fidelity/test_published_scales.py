"""Images are as large as in the published training, whatever the data set."""

import numpy as np
import pytest

from mmsemi.registry import TRANSFORMS
from tests.configs import config
from tests.conftest import ROOT

FOLDERS = ('source_only', 'cbst', 'crst')
RESNET38 = [
    f'{path.parent.name}/{path.stem}'
    for folder in FOLDERS
    for path in sorted(ROOT.glob(f'configs/{folder}/*_*.py'))
    if not path.stem.startswith('camvid')
    and 'ResNet38' in str(config(f'{folder}/{path.stem}').model)
]
# Heights and widths of the published images,
# of a quarter of their size, since scales are relative to it.
GTA5, SYNTHIA, CITYSCAPES = (263, 478), (190, 320), (256, 512)


def pipelines(cfg):
    """Size of the images and pipeline of every training data set."""
    source = SYNTHIA if 'SYNTHIA' in str(cfg.train_dataloader) else GTA5
    yield source, cfg.train_dataloader.dataset.pipeline
    if 'semi_dataloader' in cfg:
        parts = cfg.semi_dataloader.dataset
        yield source, parts.labeled.pipeline
        yield CITYSCAPES, parts.unlabeled.dataset.pipeline


@pytest.mark.parametrize('name', RESNET38)
def test_resnet38_sees_images_at_070_to_130_of_their_size(name):
    """The crop is what the published code cuts out of an image of any size.

    There a square of 504 / rate pixels is cut out of the image as it is and
    resized to 504, with rate between 0.7 and 1.3.
    """
    np.random.seed(0)
    found = 0
    for (height, width), pipeline in pipelines(config(name)):
        before = []
        for step in pipeline:
            if step['type'] in ('RandomCrop', 'RareClassCrop'):
                break
            if step['type'] in ('RandomScale', 'Resize', 'TorchResize'):
                before.append(TRANSFORMS.build(dict(step)))
        factors = []
        for _ in range(60):
            results = dict(img=np.zeros((height, width), np.uint8))
            for step in before:
                results = step(results)
            factors.append(results['img'].shape[1] / width)
        assert 0.699 <= min(factors) < 0.75 and 1.25 < max(factors) <= 1.3
        found += 1
    assert found in (1, 3)


def test_every_config_of_this_network_is_looked_at():
    assert len(RESNET38) >= 7
    assert {'cbst/gta5_to_cityscapes_sp', 'source_only/gta5_resnet38'} < {
        *RESNET38
    }
