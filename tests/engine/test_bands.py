"""Images of five bands go the whole way: measure, train, predict, export."""

import copy

import numpy as np
import pytest
import tifffile
import torch
from mmengine.config import Config

from mmsemi.apis.inference import Predictor
from mmsemi.doctor.photos import examine
from mmsemi.engine.bands import of_bands
from mmsemi.engine.build import resolve
from mmsemi.engine.hooks.training_picture_hook import picture_of
from mmsemi.engine.pictures import as_picture
from mmsemi.models.input_bands import adapt_bands
from mmsemi.models.weights import load_weights
from mmsemi.prepare.band_statistics import (
    choose_loading,
    measure_range,
    measure_statistics,
)
from mmsemi.registry import MODELS, TRANSFORMS
from mmsemi.utils.errors import UsageError
from tests.conftest import ROOT
from tests.tiny import SIZE, make_tiny_set, train

CONTIG = dict(photometric='minisblack', planarconfig='contig')
BANDS = 5


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """The tiny set with images of five bands of 16 bits."""
    root = make_tiny_set(tmp_path_factory.mktemp('bands') / 'set')
    rng = np.random.default_rng(0)
    for path in (root / 'images').glob('*.png'):
        values = rng.normal(2000, 300, (*SIZE, BANDS)).clip(0, 4000)
        values[..., 4] += 3000
        tifffile.imwrite(
            path.with_suffix('.tif'), values.astype(np.uint16), **CONTIG
        )
        path.unlink()
    return root


@pytest.fixture(scope='module')
def photos(root):
    return [examine(str(p)) for p in sorted(root.glob('images/*.tif'))]


def own_config(root, tmp_path, **changes) -> Config:
    cfg = Config.fromfile(ROOT / 'tests/own_images.py')
    text = cfg.pretty_text.replace('data/my_data', str(root))
    (tmp_path / 'mine.py').write_text(text)
    cfg = Config.fromfile(tmp_path / 'mine.py')
    cfg.work_dir = str(tmp_path / 'work')
    cfg.merge_from_dict(
        {
            'data.labeled.img_suffix': '.tif',
            'data.crop_size': (64, 48),
            'data.num_workers': 0,
            'data.batch': dict(labeled=2, unlabeled=2),
            'data.strong': [
                dict(type='ColorJitter'),
                dict(type='RandomGaussianBlur', prob=1.0),
            ],
            'train_cfg.max_iters': 2,
            'train_cfg.val_interval': 2,
            **changes,
        }
    )
    return cfg


def test_loading_is_chosen_by_what_files_hold(photos) -> None:
    chosen = choose_loading(photos)
    load = chosen.facts['load']
    assert load['bands'] == BANDS and len(load['value_range']) == BANDS
    assert load['value_range'][4][0] > load['value_range'][0][0] + 1000
    for mean, std in zip(chosen.facts['mean'], chosen.facts['std']):
        assert abs(mean - 127) < 10 and 20 < std < 60
    assert '5 bands' in chosen.reason and 'more than 8 bits' in chosen.reason
    assert 0 < chosen.seconds < 20


def test_five_bands_train_predict_and_export(root, photos, tmp_path) -> None:
    facts = choose_loading(photos).facts
    cfg = own_config(
        root, tmp_path, **{f'data.{k}': v for k, v in facts.items()}
    )
    runner = train(cfg)
    assert runner.iter == 2
    network = runner.model.student
    first = next(
        m for m in network.modules() if isinstance(m, torch.nn.Conv2d)
    )
    assert first.in_channels == BANDS
    assert (tmp_path / 'work/pictures/training_iter_2.png').is_file()
    work = tmp_path / 'work'
    images = sorted((root / 'images').glob('*.tif'))
    for config, checkpoint in (
        (runner.cfg, work / 'iter_2.pth'),
        (Config.fromfile(work / 'segmentor.py'), work / 'segmentor.pth'),
    ):
        found = Predictor(config, checkpoint)(images[0])
        assert found['ids'].shape == SIZE
        assert found['photo'].shape == (*SIZE, 3)
    text = (work / 'segmentor.py').read_text()
    assert 'LoadAnyImage' in text and 'custom_imports' in text


def test_the_networks_of_a_config_take_the_bands(root, tmp_path) -> None:
    changes = {
        'data.load': dict(type='LoadAnyImage', bands=BANDS),
        'data.mean': [1.0, 2, 3, 4, 5],
        'data.std': [2.0] * 5,
        'data.strong': [
            dict(type='ColorJitter'),
            dict(type='RandomGrayscale', keep_channels=True),
        ],
    }
    cfg = resolve(own_config(root, tmp_path, **changes))
    text = str(cfg.train_dataloader)
    assert 'RandomGrayscale' not in text and 'ColorJitter' in text
    student = cfg.model.student
    assert student.data_preprocessor.mean == [1.0, 2, 3, 4, 5]
    assert student.data_preprocessor.bgr_to_rgb is False
    assert student.backbone.type == 'BackboneOfBands'
    dumped = resolve(Config(copy.deepcopy(cfg.to_dict())))
    assert dumped.to_dict() == cfg.to_dict()
    for loader in ('train_dataloader', 'val_dataloader'):
        assert str(cfg[loader]).count("'LoadAnyImage'") >= 1
        assert 'LoadImageFromFile' not in str(cfg[loader])
    assert cfg.test_pipeline[0].bands == BANDS


@pytest.mark.parametrize(
    'changes, message',
    [
        ({}, 'needs data.mean and data.std'),
        ({'data.mean': [1.0] * 3, 'data.std': [1.0] * 5}, 'has 3 numbers'),
        *(
            (
                {
                    'data.mean': [1.0] * 5,
                    'data.std': [1.0] * 5,
                    'data.strong': [dict(type=name)],
                },
                f'{name} is for images of three colors',
            )
            for name in ('PhotoMetricDistortion', 'RandomIntensityAug')
        ),
    ],
)
def test_what_bands_need_is_said(root, tmp_path, changes, message) -> None:
    load = {'data.load': dict(type='LoadAnyImage', bands=BANDS)}
    with pytest.raises(UsageError, match=message):
        resolve(own_config(root, tmp_path, **load, **changes))


def test_measured_colors_are_red_first(tmp_path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / 'a.png'), np.full((9, 9, 3), (10, 20, 30.0)))
    found = measure_statistics([str(tmp_path / 'a.png')])
    assert found.mean == [30, 20, 10] and found.images == 1
    with pytest.raises(UsageError, match='no images'):
        measure_statistics([])
    deep = np.arange(10000, dtype=np.uint16).reshape(100, 100)
    cv2.imwrite(str(tmp_path / 'b.png'), deep)
    low, high = measure_range([str(tmp_path / 'b.png')], 3)
    assert abs(low - 10) < 1 and abs(high - 9989) < 1


def test_images_with_other_bands_are_named(photos, tmp_path) -> None:
    tifffile.imwrite(
        tmp_path / 'x.tif', np.zeros((9, 9, 6), np.uint8), **CONTIG
    )
    other = examine(str(tmp_path / 'x.tif'))
    with pytest.raises(UsageError, match='x.tif: image with 6 bands, but'):
        choose_loading([*photos, other])


def test_weights_for_colors_are_repeated_and_scaled() -> None:
    weight = torch.rand(4, 3, 3, 3)
    assert torch.equal(adapt_bands(weight, 1), weight.sum(1, keepdim=True))
    found = adapt_bands(weight, 5)
    for band, color in enumerate((0, 1, 2, 0, 1)):
        assert torch.allclose(found[:, band], weight[:, color] * 0.6)
    # Equal bands give what equal colors give.
    assert torch.allclose(adapt_bands(weight, 6).sum(1), weight.sum(1))


BACKBONES = dict(
    MobileNetV2=dict(out_indices=(1,)),
    MobileNetV3=dict(arch='small'),
    ResNetV1c=dict(depth=18),
    UNet=dict(base_channels=4),
    BiSeNetV2=dict(),
    MixVisionTransformer=dict(embed_dims=8, num_layers=[1, 1, 1, 1]),
)


@pytest.mark.parametrize('kind', BACKBONES)
@pytest.mark.parametrize('bands', [1, 5])
def test_backbones_take_bands_and_weights_for_colors(kind, bands) -> None:
    config = dict(type=f'mmseg.{kind}', **BACKBONES[kind])
    colors = MODELS.build(copy.deepcopy(config))
    network = MODELS.build(of_bands(copy.deepcopy(config), bands))
    assert type(network) is type(colors)
    colors.eval()
    network.eval()
    load_weights(network, colors.state_dict(), 'colors')
    size = (64, 64)
    images = torch.rand(1, 1, *size)
    with torch.no_grad():
        found = network(images.expand(-1, bands, -1, -1))
        wanted = colors(images.expand(-1, 3, -1, -1))
    if bands == 1:  # the sum of the weights: the very same
        for a, b in zip(found, wanted):
            assert torch.allclose(a, b, atol=1e-4)
    with pytest.raises(UsageError, match='of another shape'):
        load_weights(network, colors.state_dict(), 'colors', training=False)


@pytest.mark.parametrize('shape', [(9, 7), (9, 7, 1), (9, 7, 2), (9, 7, 6)])
@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
def test_strong_views_of_any_bands(shape, dtype) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(60, 120, shape).astype(dtype)
    np.random.seed(0)
    jitter = TRANSFORMS.build(dict(type='ColorJitter', prob=1.0))
    blur = TRANSFORMS.build(dict(type='RandomGaussianBlur', prob=1.0))
    changed = jitter(dict(img=image.copy()))['img']
    assert changed.shape == image.shape and changed.dtype == dtype
    assert not np.array_equal(changed, image)
    # One line for all bands: neither saturation nor hue was touched.
    slope, shift = np.polyfit(image.ravel(), changed.ravel(), 1)
    assert abs(changed - (slope * image + shift)).max() < 1
    blurred = blur(dict(img=image.copy()))['img']
    assert blurred.shape == image.shape and blurred.std() < image.std()


@pytest.mark.parametrize('bands', [1, 2, 3, 5])
def test_pictures_show_any_bands(bands) -> None:
    preprocessor = MODELS.build(
        dict(
            type='BandsDataPreprocessor', mean=[9.0] * bands, std=[2.0] * bands
        )
    )
    image = torch.arange(1.0, bands + 1).view(-1, 1, 1).expand(-1, 4, 6)
    shown = picture_of(image, preprocessor)
    wanted = {1: (11, 11, 11), 2: (11, 11, 11), 3: (15, 13, 11)}
    assert shown.shape == (4, 6, 3)
    assert tuple(shown[0, 0]) == wanted.get(bands, (11, 13, 15))
    # Pictures of rounds show images as they are loaded.
    wanted = {1: (1, 1, 1), 2: (1, 1, 1), 3: (3, 2, 1)}
    shown = as_picture(image)
    assert shown.shape == (4, 6, 3) and shown.dtype == np.uint8
    assert tuple(shown[0, 0]) == wanted.get(bands, (1, 2, 3))
