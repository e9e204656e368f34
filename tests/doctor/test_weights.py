import argparse

import pytest
import torch
from mmengine.config import Config

from mmsemi.doctor.weights import check_weights
from mmsemi.io.checkpoints import trusting_checkpoints
from mmsemi.utils.errors import UsageError


def with_init(path, **part):
    init = dict(type='Pretrained', checkpoint=path)
    backbone = dict(type='ResNet', init_cfg=init, **part)
    student = dict(type='EncoderDecoder', backbone=backbone)
    return Config(dict(model=dict(student=student)))


WANTED = {
    'load_from': lambda path: Config(dict(load_from=path)),
    'init_cfg of ResNet': with_init,
    'pretrained of ResNet': lambda path: Config(
        dict(model=dict(type='ResNet', pretrained=path))
    ),
    'labeling_model': lambda path: Config(
        dict(custom_hooks=[dict(labeling_model=dict(checkpoint=path))])
    ),
}


@pytest.mark.parametrize('place', WANTED)
def test_weights_are_there_and_can_be_read(tmp_path, place):
    path = tmp_path / 'x.pth'
    cfg = WANTED[place](str(path))
    with pytest.raises(UsageError, match=f'^{place}: .* does not exist'):
        check_weights(cfg)
    path.write_bytes(b'')
    with pytest.raises(UsageError, match=f'^{place}: .*x.pth is empty'):
        check_weights(cfg)
    torch.save(dict(meta=dict(iter=3)), path)
    with pytest.raises(UsageError, match=f'^{place}: .* no weights.*meta'):
        check_weights(cfg)
    torch.save(dict(state_dict=dict(a=torch.ones(2))), path)
    check_weights(cfg)
    torch.save(dict(a=torch.ones(2), b=argparse.Namespace()), path)
    with pytest.raises(UsageError, match=f'^{place}: .*Namespace'):
        check_weights(cfg)
    with trusting_checkpoints():
        check_weights(cfg)


def test_weights_from_elsewhere_are_not_looked_at():
    check_weights(with_init('open-mmlab://resnet50_v1c'))
    check_weights(with_init(None))
    check_weights(Config(dict(model=None)))
