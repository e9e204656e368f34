"""Networks of mmseg and mmpretrain as students, each named in one line."""

import copy
import importlib.util
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import OptimWrapper

from mmsemi.apis.config import load_config
from mmsemi.apis.inference import Predictor
from mmsemi.engine.student_config import resolve_student
from mmsemi.models.export import export_segmentor
from mmsemi.models.weights import load_weights
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.conftest import needs_mmseg_alone
from tests.models.tiny import batch

CLASSES = ('road', 'car', 'sky', 'tree')
SIZE = (56, 84)  # multiples of 14, which DINOv2 has as patches

SEGFORMER = 'mmseg::segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py'
DEEPLAB = (
    'mmseg::deeplabv3plus/deeplabv3plus_r18-d8_4xb2-80k_cityscapes-512x1024.py'
)
CONVNEXT = (
    'mmseg::convnext/convnext-tiny_upernet_8xb2-amp-160k_ade20k-512x512.py'
)
DINO = 'mmpretrain::dinov2/vit-small-p14_dinov2-pre_headless.py'
RANDOM = dict(init_cfg=None)  # no network, so no weights
# What keeps the tests short; the names alone are all that a person needs.
SMALLER = {
    SEGFORMER: dict(backbone=RANDOM, decode_head=dict(channels=32)),
    DEEPLAB: dict(
        pretrained=None,
        backbone=dict(base_channels=8, stem_channels=8),
        decode_head=dict(
            in_channels=64, channels=16, c1_in_channels=8, c1_channels=4
        ),
        auxiliary_head=dict(in_channels=32, channels=8),
    ),
    CONVNEXT: dict(
        backbone=dict(RANDOM, arch='atto'),
        decode_head=dict(in_channels=[40, 80, 160, 320], channels=16),
        auxiliary_head=dict(in_channels=160, channels=8),
    ),
    DINO: dict(backbone=RANDOM, decode_head=dict(channels=16)),
}
pretrained = pytest.mark.skipif(
    importlib.util.find_spec('mmpretrain') is None,
    reason='mmpretrain is not installed',
)
NAMES = [
    pytest.param(SEGFORMER, id='segformer'),
    pytest.param(DEEPLAB, id='deeplabv3plus'),
    pytest.param(CONVNEXT, id='upernet-convnext', marks=pretrained),
    pytest.param(DINO, id='dinov2', marks=pretrained),
]
METHODS = dict(
    mean_teacher=(
        dict(
            type='MeanTeacher',
            pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.1),
            unsup_loss=dict(type='PseudoLabelCrossEntropyLoss'),
        ),
        dict(sup=2, unsup_teacher=2, unsup_student=2),
    ),
    dst_cbc=(
        dict(
            type='SelfTrainingSegmentor',
            objective=dict(type='DynamicSelfTrainingLoss', gamma=9),
        ),
        dict(sup=2, pseudo=2),
    ),
)


def config(student: str | dict, method: str = 'dst_cbc') -> Config:
    """A method's config on images of four classes."""
    dataset = dict(
        type='BaseSegDataset',
        metainfo=dict(classes=CLASSES, palette=[[k, k, k] for k in range(4)]),
    )
    cfg = Config(
        dict(
            crop_size=SIZE,
            train_dataloader=dict(dataset=dataset),
            test_dataloader=dict(dataset=dataset),
            model=dict(METHODS[method][0], student=student),
        )
    )
    resolve_student(cfg)
    return cfg


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('name', NAMES)
def test_a_named_student_trains_predicts_and_comes_back(
    name, method, tmp_path
) -> None:
    cfg = config(dict(cfg=name, **copy.deepcopy(SMALLER[name])), method)
    torch.manual_seed(0)
    model = revert_sync_batchnorm(MODELS.build(copy.deepcopy(cfg.model)))
    model.init_weights()
    optimizer = OptimWrapper(torch.optim.SGD(model.student.parameters(), 0.01))
    before = copy.deepcopy(model.student.state_dict())
    data = batch(METHODS[method][1], SIZE, confidence=True)
    losses = model.train().train_step(data, optimizer)
    auxiliary = 'auxiliary_head' in cfg.model.student
    assert all(torch.isfinite(value).all() for value in losses.values())
    assert any('aux' in key for key in losses) == auxiliary
    moved = [
        key
        for key, value in model.student.named_parameters()
        if not torch.equal(value, before[key])
    ]
    assert {key.split('.')[0] for key in moved} >= {'backbone', 'decode_head'}

    image = str(tmp_path / 'image.png')
    pixels = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    cv2.imwrite(image, pixels)
    run = tmp_path / 'iter_1.pth'
    torch.save(dict(state_dict=model.state_dict(), meta={}), run)
    result = export_segmentor(cfg, run, tmp_path / 'segmentor.pth')
    assert not result.needs_mmsemi
    mine = Predictor(cfg, run)(image)
    plain = Predictor(Config.fromfile(result.config), result.checkpoint)(image)
    assert mine['ids'].shape == SIZE and mine['ids'].max() < len(CLASSES)
    np.testing.assert_allclose(mine['confidence'], plain['confidence'])

    again = revert_sync_batchnorm(MODELS.build(copy.deepcopy(cfg.model)))
    state = torch.load(result.checkpoint, weights_only=True)['state_dict']
    load_weights(again, state, 'segmentor.pth')
    torch.testing.assert_close(
        again.student.state_dict(), model.student.state_dict()
    )


PLAIN_MMSEG = """
import sys
import numpy as np
sys.modules['mmsemi'] = None
from mmseg.apis import inference_model, init_model
for name in sys.argv[1:]:
    model = init_model(f'{name}.py', f'{name}.pth', device='cpu')
    result = inference_model(model, 'image.png')
    np.save(f'{name}.npy', result.pred_sem_seg.data[0])
"""


@needs_mmseg_alone
def test_mmseg_alone_runs_exported_students(tmp_path) -> None:
    image = tmp_path / 'image.png'
    pixels = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    cv2.imwrite(str(image), pixels)
    students = dict(deeplab=DEEPLAB)
    if importlib.util.find_spec('mmpretrain'):
        students['convnext'] = CONVNEXT
    wanted = {}
    for short, name in students.items():
        cfg = config(dict(cfg=name, **copy.deepcopy(SMALLER[name])))
        model = revert_sync_batchnorm(MODELS.build(copy.deepcopy(cfg.model)))
        path = tmp_path / f'{short}.pth'
        export_segmentor(cfg, model, path)
        wanted[short] = Predictor(cfg, path)(image)['ids']
    subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', PLAIN_MMSEG, *students],
        check=True,
        cwd=tmp_path,
    )
    for short, ids in wanted.items():
        assert np.array_equal(np.load(tmp_path / f'{short}.npy'), ids), short


def test_what_the_data_decide_is_set_and_the_rest_is_kept() -> None:
    student = config(DEEPLAB).model.student
    assert student.decode_head.num_classes == len(CLASSES)
    assert student.auxiliary_head.num_classes == len(CLASSES)
    assert student.data_preprocessor.size == SIZE
    assert student.pretrained == 'open-mmlab://resnet18_v1c'
    assert student.backbone.norm_cfg.type == 'SyncBN'
    assert (
        config(dict(cfg=DEEPLAB, num_classes=7))
        .model.student['decode_head']
        .num_classes
        == 7
    )


def test_a_backbone_of_one_size_gets_that_of_the_crops() -> None:
    student = config(
        'mmseg::beit/beit-base_upernet_8xb2-160k_ade20k-640x640.py'
    ).model.student
    assert student.backbone.img_size == SIZE
    assert student.test_cfg.crop_size == SIZE
    assert student.test_cfg.stride == (37, 56)


def test_a_model_can_be_named_without_a_wrapper() -> None:
    cfg = Config(
        dict(
            model=SEGFORMER,
            train_dataloader=dict(dataset=dict(type='CamVidDataset')),
        )
    )
    resolve_student(cfg)
    assert cfg.model.decode_head.num_classes == 11
    assert cfg.model.backbone.type == 'MixVisionTransformer'


def test_naming_a_student_replaces_the_inline_one_of_a_base(tmp_path) -> None:
    (tmp_path / 'base.py').write_text(
        "model = dict(type='SelfTrainingSegmentor', student=dict("
        "type='EncoderDecoder', backbone=dict(type='UNet', depth=3), "
        "decode_head=dict(type='FCNHead', num_convs=2)))\n"
    )
    for line in (
        f'student={SEGFORMER!r}',
        f'student=dict(cfg={SEGFORMER!r}, decode_head=dict(channels=32))',
    ):
        path = tmp_path / 'mine.py'
        path.write_text(f"_base_ = 'base.py'\nmodel = dict({line})\n")
        cfg = Config.fromfile(path)
        cfg.merge_from_dict({'model.student.decode_head.dropout_ratio': 0.3})
        resolve_student(cfg)
        student = cfg.model.student
        assert student.backbone.type == 'MixVisionTransformer'
        assert 'depth' not in student.backbone
        assert 'num_convs' not in student.decode_head
        assert student.decode_head.dropout_ratio == 0.3
        assert student.decode_head.channels == (32 if 'dict' in line else 256)


INLINE = (
    "student=dict(type='EncoderDecoder', backbone=dict(type='UNet', depth=3), "
    "decode_head=dict(type='FCNHead', num_convs=2))"
)


@pytest.mark.parametrize(
    'base, line',
    [
        (  # a wrapper around what stood there
            "model = dict(type='EncoderDecoder', backbone=dict(type='ResNet', "
            "depth=50), decode_head=dict(type='ASPPHead'))\n",
            f"type='SelfTrainingSegmentor', {INLINE}",
        ),
        (  # another student
            "model = dict(type='SelfTrainingSegmentor', student=dict("
            "type='EncoderDecoder', pretrained='a.pth', backbone=dict("
            "type='ResNet', style='pytorch'), decode_head=dict("
            "type='ASPPHead', dilations=(1, 2))))\n",
            INLINE,
        ),
        (  # `_delete_` may be said all the same
            "model = dict(type='EncoderDecoder', decode_head=dict(x=1))\n",
            f"_delete_=True, type='SelfTrainingSegmentor', {INLINE}",
        ),
    ],
)
def test_an_inline_network_replaces_another(tmp_path, base, line) -> None:
    (tmp_path / 'base.py').write_text(base)
    path = tmp_path / 'mine.py'
    path.write_text(f"_base_ = 'base.py'\nmodel = dict({line})\n")
    assert Config.fromfile(path).model == dict(
        type='SelfTrainingSegmentor',
        student=dict(
            type='EncoderDecoder',
            backbone=dict(type='UNet', depth=3),
            decode_head=dict(type='FCNHead', num_convs=2),
        ),
    )


def test_changes_of_an_inline_student_are_merged(tmp_path) -> None:
    (tmp_path / 'base.py').write_text(f'model = dict({INLINE})\n')
    path = tmp_path / 'mine.py'
    path.write_text(
        "_base_ = 'base.py'\n"
        'model = dict(student=dict(backbone=dict(depth=4)))\n'
    )
    student = Config.fromfile(path).model.student
    assert student.backbone == dict(type='UNet', depth=4)
    assert student.decode_head.num_convs == 2


def test_a_student_is_named_on_the_command_line(tmp_path) -> None:
    option = {'model.student': DEEPLAB}
    cfg = load_config('configs/dst_cbc/shapes.py', option)
    student = cfg.model.student
    assert student.decode_head.type == 'DepthwiseSeparableASPPHead'
    assert student.decode_head.num_classes == 8
    # What a run leaves in its folder names nothing any more.
    (tmp_path / 'dumped.py').write_text(cfg.dump())
    assert load_config(tmp_path / 'dumped.py').model == cfg.model


def test_a_preprocessor_beside_the_model_is_the_students() -> None:
    beside = dict(type='SegDataPreProcessor', mean=[1.0] * 3, std=[2.0] * 3)
    cfg = Config.fromfile('mmseg::_base_/models/fcn_unet_s5-d16.py')
    cfg.model.pop('data_preprocessor')
    cfg = Config(
        dict(
            data_preprocessor=beside,
            model=dict(METHODS['dst_cbc'][0], student=cfg.model.to_dict()),
        )
    )
    resolve_student(cfg)
    assert 'data_preprocessor' not in cfg
    assert cfg.model.student.data_preprocessor == beside


def test_modules_a_student_needs_are_imported_with_the_config(
    tmp_path,
) -> None:
    (tmp_path / 'student.py').write_text(
        f"_base_ = {SEGFORMER!r}\ncustom_imports = dict(imports='colorsys')\n"
    )
    cfg = Config(
        dict(
            custom_imports=dict(imports=['mmsemi']),
            model=dict(
                METHODS['dst_cbc'][0], student=str(tmp_path / 'student.py')
            ),
        )
    )
    resolve_student(cfg)
    assert cfg.custom_imports.imports == ['mmsemi', 'colorsys']


@pytest.mark.parametrize(
    'student, message',
    [
        ('mmseg::segformer/none.py', 'mmseg has no such config'),
        ('nowhere/student.py', 'student nowhere/student.py: no such config'),
        (
            'mmseg::_base_/default_runtime.py',
            'default_runtime.py: the config has no model',
        ),
        pytest.param(
            CONVNEXT,
            'it needs mmpretrain, which cannot be imported .*'
            '`pip install (onedl-)?mmpretrain torchvision`',
            marks=pytest.mark.skipif(
                importlib.util.find_spec('mmpretrain') is not None,
                reason='mmpretrain is installed',
            ),
        ),
    ],
)
def test_a_student_that_cannot_be_had_is_one_sentence(
    student, message
) -> None:
    with pytest.raises(UsageError, match=message):
        config(student)
