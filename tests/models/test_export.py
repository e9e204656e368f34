import copy
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import load_checkpoint

from mmsemi.apis.inference import Predictor
from mmsemi.models import plain_config
from mmsemi.models.export import export_segmentor
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.conftest import needs_mmseg_alone
from tests.models.tiny import tiny_student

CLASSES = ['road', 'car', 'sky', 'tree']
META = dict(
    dataset_meta=dict(
        classes=tuple(CLASSES), palette=[[k, k, k] for k in range(4)]
    )
)
# Runs mmseg where mmsemi cannot be imported, and saves the logits.
PLAIN_MMSEG = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] == 'mmsemi':
            raise ImportError('mmsemi is hidden from this process')

sys.meta_path.insert(0, Refuse())
import numpy as np
from mmseg.apis import inference_model, init_model

for name in sys.argv[1:]:
    model = init_model(name + '.py', name + '.pth', device='cpu')
    result = inference_model(model, np.load('image.npy'))
    np.savez(name, logits=result.seg_logits.data,
             pred=result.pred_sem_seg.data,
             classes=list(model.dataset_meta['classes']))
assert 'mmsemi' not in sys.modules
"""


def config(head=None, pipeline=None, **student) -> Config:
    plain = dict(tiny_student(), **student)
    plain['data_preprocessor'] = dict(plain['data_preprocessor'])
    criterion = dict(
        type='ClassBalancedCrossEntropyLoss',
        mode='sqrt_inverse',
        class_frequency='labeled',
    )
    plain['decode_head'] = head or dict(
        plain['decode_head'], loss_decode=criterion
    )
    return Config(
        dict(
            model=dict(
                type='SelfTrainingSegmentor',
                student=plain,
                objective=dict(
                    type='DynamicSelfTrainingLoss',
                    gamma=9,
                    criterion=criterion,
                ),
                data_preprocessor=dict(size=(40, 40)),
            ),
            test_pipeline=pipeline
            or [
                dict(type='LoadImageFromFile'),
                dict(type='Resize', scale=(48, 40)),
                dict(type='LoadAnnotations'),
                dict(type='PackSemiInputs'),
            ],
        )
    )


def trained(cfg: Config, tmp_path):
    """Model with weights of its own and its checkpoint."""
    torch.manual_seed(0)
    model = MODELS.build(copy.deepcopy(cfg.model)).eval()
    for value in model.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) * 0.1 + 0.02)
    path = tmp_path / 'iter_10.pth'
    torch.save(
        dict(state_dict=model.state_dict(), meta=META, optimizer={}), path
    )
    return model, path


def deeplab_v2() -> dict:
    return dict(
        type='DeepLabV2Head', in_channels=64, in_index=3, num_classes=4
    )


def lateral_sum() -> dict:
    return dict(
        type='LateralSumHead',
        in_channels=[8, 16, 64],
        in_index=[0, 1, 3],
        channels=12,
        num_classes=4,
        loss_decode=dict(type='ClassBalancedCrossEntropyLoss'),
    )


@needs_mmseg_alone
def test_mmseg_runs_it_without_mmsemi(tmp_path) -> None:
    from mmseg.apis import inference_model

    image = np.random.default_rng(0).integers(0, 256, (30, 44, 3), np.uint8)
    np.save(tmp_path / 'image.npy', image)
    wanted = {}
    heads = dict(fcn=None, deeplab_v2=deeplab_v2(), lateral_sum=lateral_sum())
    for name, head in heads.items():
        cfg = config(head)
        model, checkpoint = trained(cfg, tmp_path)
        result = export_segmentor(cfg, checkpoint, tmp_path / f'{name}.pth')
        assert not result.needs_mmsemi
        assert len(result.notes) == bool(head)
        model.cfg = cfg
        wanted[name] = inference_model(model, image)

    subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', PLAIN_MMSEG, *heads],
        check=True,
        cwd=tmp_path,
    )
    for name, want in wanted.items():
        got = np.load(tmp_path / f'{name}.npz')
        np.testing.assert_allclose(
            got['logits'],
            want.seg_logits.data,
            rtol=1e-4,
            atol=1e-4,
            err_msg=name,
        )
        assert got['pred'].shape == (1, 30, 44)
        assert got['classes'].tolist() == CLASSES


def test_safe_and_small_file_without_training_state(tmp_path) -> None:
    cfg = config()
    model, checkpoint = trained(cfg, tmp_path)
    result = export_segmentor(cfg, checkpoint, tmp_path / 'seg.pth')
    content = torch.load(result.checkpoint, weights_only=True)
    assert set(content) == {'meta', 'state_dict'}
    assert content['meta']['dataset_meta']['classes'] == CLASSES
    assert set(content['state_dict']) == set(model.student.state_dict())
    # It goes back into mmsemi like any checkpoint of mmseg.
    again = MODELS.build(copy.deepcopy(cfg.model))
    load_checkpoint(again, str(result.checkpoint), strict=True)
    plain = Config.fromfile(result.config)
    assert plain.default_scope == 'mmseg'
    assert plain.model.data_preprocessor.size == (40, 40)
    assert 'mmsemi' not in result.config.read_text()


def test_model_in_memory_and_plain_models(tmp_path) -> None:
    cfg = config()
    model, _ = trained(cfg, tmp_path)
    one = export_segmentor(cfg, model, tmp_path / 'one.pth')
    plain_cfg = Config(
        dict(model=cfg.model.student, test_pipeline=cfg.test_pipeline)
    )
    two = export_segmentor(plain_cfg, model.student, tmp_path / 'two.pth')
    states = [
        torch.load(x.checkpoint, weights_only=True)['state_dict']
        for x in (one, two)
    ]
    torch.testing.assert_close(*states)


def test_a_second_student_is_told_by_its_changes(tmp_path) -> None:
    cfg = config()
    changes = dict(decode_head=dict(dropout_ratio=0.3))
    cfg.model = dict(type='CPS', student=cfg.model.student, student_2=changes)
    cfg.model.student.decode_head.loss_decode = dict(type='CrossEntropyLoss')
    model, _ = trained(cfg, tmp_path)
    for name, ratio in (('student', 0), ('student_2', 0.3)):
        out = tmp_path / f'{name}.pth'
        exported = export_segmentor(cfg, model, out, predict_on=name)
        plain = Config.fromfile(exported.config).model
        assert plain.type == 'EncoderDecoder'
        assert plain.decode_head.dropout_ratio == ratio
        state = torch.load(out, weights_only=True)['state_dict']
        torch.testing.assert_close(
            state['decode_head.conv_seg.weight'],
            getattr(model, name).decode_head.conv_seg.weight.detach(),
        )


def test_nothing_is_overwritten_silently(tmp_path) -> None:
    cfg = config()
    model, _ = trained(cfg, tmp_path)
    for name in ('a.pth', 'a.py'):
        for other in tmp_path.glob('a.*'):
            other.unlink()
        (tmp_path / name).write_text('precious')
        with pytest.raises(UsageError, match='exists'):
            export_segmentor(cfg, model, tmp_path / 'a.pth')
        assert (tmp_path / name).read_text() == 'precious'
        assert len(list(tmp_path.glob('a.*'))) == 1
    export_segmentor(cfg, model, tmp_path / 'a.pth', overwrite=True)
    assert 'EncoderDecoder' in (tmp_path / 'a.py').read_text()


def test_transforms_of_ours_are_replaced_or_named(tmp_path) -> None:
    cfg = config(
        pipeline=[
            dict(type='LoadImageFromFile', to_float32=True),
            dict(type='TorchResize', scale=(48, 40)),
            dict(type='PadSegFields', size=(64, 64)),
            dict(type='mmsemi.PackSemiInputs'),
        ]
    )
    model, _ = trained(cfg, tmp_path)
    result = export_segmentor(cfg, model, tmp_path / 'a.pth')
    types = [t.type for t in Config.fromfile(result.config).test_pipeline]
    assert types == ['LoadImageFromFile', 'Resize', 'PackSegInputs']
    assert ['PadSegFields' in note for note in result.notes] == [True]


def test_parts_without_counterpart_are_named(tmp_path) -> None:

    @MODELS.register_module(name='ExportTestHead', force=True)
    class Head(MODELS.get('FCNHead')):
        """A head only mmsemi knows."""

    try:
        cfg = config(
            dict(tiny_student()['decode_head'], type='ExportTestHead')
        )
        model, _ = trained(cfg, tmp_path)
        result = export_segmentor(cfg, model, tmp_path / 'a.pth')
    finally:
        MODELS.module_dict.pop('ExportTestHead')
    assert result.needs_mmsemi == ['ExportTestHead']
    assert 'needs mmsemi installed' in result.notes[-1]
    plain = Config(dict(x=1)).fromfile(result.config)
    assert plain.default_scope == 'mmsemi'


def test_representation_is_left_out(tmp_path) -> None:
    head = dict(
        type='DeepLabV3PlusHead',
        in_channels=64,
        in_index=3,
        channels=8,
        c1_in_channels=8,
        c1_channels=4,
        num_classes=4,
        dilations=(1, 2),
        representation_head=dict(type='RepresentationHead', out_channels=6),
    )
    cfg = config(head)
    model, checkpoint = trained(cfg, tmp_path)
    result = export_segmentor(cfg, checkpoint, tmp_path / 'a.pth')
    # Each config goes with each checkpoint.
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((32, 32, 3), np.uint8))
    seen = [
        Predictor(c, k)(tmp_path / 'a.png')['confidence']
        for c in (cfg, Config.fromfile(result.config))
        for k in (checkpoint, result.checkpoint)
    ]
    assert all(np.array_equal(seen[0], other) for other in seen[1:])
    plain = MODELS.build(Config.fromfile(result.config).model).eval()
    assert plain.decode_head.representation_head is None
    load_checkpoint(plain, str(result.checkpoint), strict=True)
    images = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(
        plain(images, mode='tensor'), model.student(images, mode='tensor')
    )


def test_weights_that_do_not_fit_are_an_error(tmp_path) -> None:
    cfg = config()
    model, checkpoint = trained(cfg, tmp_path)
    with pytest.raises(UsageError, match="no 'teacher' in the checkpoint"):
        export_segmentor(cfg, checkpoint, tmp_path / 'a.pth', 'teacher')
    with pytest.raises(UsageError, match='gone.pth does not exist'):
        export_segmentor(cfg, tmp_path / 'gone.pth', tmp_path / 'a.pth')
    cfg.model.student.decode_head.num_classes = 5
    with pytest.raises(UsageError, match='iter_10.pth does not fit'):
        export_segmentor(cfg, checkpoint, tmp_path / 'a.pth')
    assert not list(tmp_path.glob('a.*'))


LOAD = dict(type='LoadImageFromFile', imdecode_backend='pillow')
LEAF = dict(
    type='BaseSegDataset',
    metainfo=dict(classes=('a', 'b'), palette=[[0, 0, 0], [1, 1, 1]]),
    pipeline=[LOAD, dict(type='LoadAnnotations'), dict(type='RandomFlip')],
)
NESTED = dict(
    type='SemiDataset',
    labeled=dict(
        type='RepeatDataset',
        dataset=dict(type='ConcatDataset', datasets=[LEAF, LEAF]),
    ),
    unlabeled=LEAF,
)


@pytest.mark.parametrize('dataset', [LEAF, NESTED])
@pytest.mark.parametrize('without', [dict(), dict(test_dataloader=None)])
def test_a_config_without_validation_set(dataset, without):
    cfg = Config(
        dict(
            train_dataloader=dict(dataset=dataset),
            val_dataloader=None,
            **without,
        )
    )
    assert plain_config.test_pipeline(cfg) == [
        LOAD,
        dict(type='PackSegInputs'),
    ]
    assert plain_config.dataset_meta(cfg, {})['classes'] == ['a', 'b']
    cfg.val_dataloader = dict(dataset=dataset)
    assert plain_config.test_pipeline(cfg) == LEAF['pipeline']
