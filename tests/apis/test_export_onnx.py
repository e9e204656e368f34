"""ONNX files against PyTorch, and what is said where there can be none."""

import json
import sys

import numpy as np
import pytest
import torch
from mmseg.apis import inference_model, init_model

from mmsemi.apis import export
from mmsemi.apis import export_onnx as module
from mmsemi.utils.errors import UsageError

from .tiny_run import CLASSES, photo, write_segmentor

# Statistics of a few images let rounding errors grow in deep networks.
ROUGH = dict(calibrate=False)
BN = dict(type='BN', requires_grad=True)
MOBILENET = dict(
    backbone=dict(
        type='MobileNetV2', widen_factor=0.25, out_indices=(1, 2, 4, 6)
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=80,
        in_index=3,
        channels=8,
        num_convs=1,
        num_classes=3,
        norm_cfg=BN,
        dropout_ratio=0,
        align_corners=False,
    ),
)
DEEPLAB = dict(
    decode_head=dict(
        type='DepthwiseSeparableASPPHead',
        in_channels=64,
        in_index=3,
        channels=8,
        dilations=(1, 6, 12),
        c1_in_channels=8,
        c1_channels=4,
        num_classes=3,
        norm_cfg=BN,
        dropout_ratio=0,
        align_corners=True,
    )
)
UNET = dict(
    backbone=dict(
        type='UNet',
        base_channels=4,
        num_stages=3,
        strides=(2, 1, 1),
        enc_num_convs=(1, 1, 1),
        dec_num_convs=(1, 1),
        downsamples=(True, True),
        enc_dilations=(1, 1, 1),
        dec_dilations=(1, 1),
        norm_cfg=BN,
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=4,
        in_index=2,
        channels=4,
        num_convs=0,
        concat_input=False,
        num_classes=3,
        norm_cfg=BN,
        dropout_ratio=0,
        align_corners=False,
    ),
)
POOLING = dict(
    decode_head=dict(
        type='PSPHead',
        in_channels=64,
        in_index=3,
        channels=8,
        pool_scales=(1, 2),
        num_classes=3,
        norm_cfg=BN,
        dropout_ratio=0,
        align_corners=False,
    )
)


def needs_onnx():
    pytest.importorskip('onnx', reason='the extra "onnx" is not installed')
    return pytest.importorskip(
        'onnxruntime', reason='the extra "onnx" is not installed'
    )


@pytest.mark.parametrize('name', ['mobilenet', 'deeplab', 'divisor', 'unet'])
def test_logits_are_those_of_mmseg_at_any_size(tmp_path, name) -> None:
    onnxruntime = needs_onnx()
    changes = dict(
        mobilenet=MOBILENET, deeplab=DEEPLAB, divisor={}, unet=UNET
    )[name]
    write_segmentor(tmp_path, **changes, **ROUGH)
    if name in ('divisor', 'unet'):  # images are padded to multiples
        text = (tmp_path / 'segmentor.py').read_text()
        text = text.replace('std=[', 'test_cfg=dict(size_divisor=32), std=[')
        (tmp_path / 'segmentor.py').write_text(text)
    done = export(tmp_path, format='onnx')
    assert done.path == tmp_path / 'segmentor.onnx' and done.dynamic
    assert len(done.differences) == 2
    assert max(done.differences.values()) < 1e-4
    session = onnxruntime.InferenceSession(str(done.path))
    model = init_model(
        str(tmp_path / 'segmentor.py'),
        str(tmp_path / 'segmentor.pth'),
        device='cpu',
    )
    for size in ((64, 80), (51, 77)):
        image = photo(5, size)  # BGR
        feed = image[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32)
        (got,) = session.run(None, {'images': feed})
        want = inference_model(model, image).seg_logits.data.numpy()
        assert got.shape == (1, 3, *size)
        np.testing.assert_allclose(got[0], want, atol=1e-4)
        assert got.std() > 0.01
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about['classes']) == CLASSES
    assert 'red first' in about['input'] and 'logits' in about['output']
    types = [step['type'] for step in json.loads(about['pipeline'])]
    assert types == ['LoadImageFromFile', 'PackSegInputs']


def test_a_network_for_one_size_only(tmp_path, capsys) -> None:
    needs_onnx()
    write_segmentor(
        tmp_path,
        test_cfg=dict(mode='slide', crop_size=(48, 64), stride=(32, 32)),
        **POOLING,
        **ROUGH,
    )
    done = export(tmp_path, format='onnx', out=tmp_path / 'other.onnx')
    assert not done.dynamic and list(done.differences) == [(48, 64)]
    said = capsys.readouterr().out
    assert 'one size only: one image of 64x48' in said
    assert 'in windows of (48, 64)' in said


def test_a_model_that_differs_is_not_written(tmp_path, monkeypatch) -> None:
    needs_onnx()
    write_segmentor(tmp_path, **ROUGH)
    forward = module.OnnxGraph.forward
    monkeypatch.setattr(
        module.OnnxGraph, 'forward', lambda self, x: forward(self, x) + 0.01
    )
    with pytest.raises(UsageError, match='not written.*differ.*1.0e-02'):
        export(tmp_path, format='onnx')
    assert not list(tmp_path.glob('*.onnx*'))


def test_one_channel_for_two_classes(tmp_path) -> None:
    onnxruntime = needs_onnx()
    head = dict(
        MOBILENET['decode_head'],
        num_classes=2,
        out_channels=1,
        threshold=0.4,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True),
    )
    write_segmentor(tmp_path, **dict(MOBILENET, decode_head=head), **ROUGH)
    done = export(tmp_path, format='onnx')
    about = onnxruntime.InferenceSession(str(done.path)).get_modelmeta()
    assert 'above 0.4' in about.custom_metadata_map['output']


def test_the_extra_is_named_and_nothing_written_over(
    tmp_path, monkeypatch
) -> None:
    write_segmentor(tmp_path)
    with pytest.raises(UsageError, match='end with .onnx'):
        export(tmp_path, format='onnx', out=tmp_path / 'a.pth')
    with pytest.raises(UsageError, match='--out is missing'):
        export(tmp_path)
    with pytest.raises(UsageError, match='no such run'):
        export(tmp_path / 'no', format='onnx')
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, 'onnxruntime', None)
        with pytest.raises(UsageError, match=r'"mmsemi\[onnx\]"'):
            export(tmp_path, format='onnx')
    needs_onnx()
    (tmp_path / 'segmentor.onnx').write_text('precious')
    with pytest.raises(UsageError, match='segmentor.onnx exists'):
        export(tmp_path, format='onnx')
    assert (tmp_path / 'segmentor.onnx').read_text() == 'precious'
    assert torch.is_grad_enabled()
