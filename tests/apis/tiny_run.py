"""A small folder as ``fit`` leaves it, with a network of random weights."""

import copy
import json
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmsemi.models.export import export_segmentor
from mmsemi.registry import MODELS
from tests.models.tiny import tiny_student

CLASSES = ['soil', 'leaf', 'bug']
PALETTE = [[10, 20, 30], [0, 200, 0], [200, 0, 90]]
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]


def photo(seed: int, size=(40, 56)) -> np.ndarray:
    """(H, W, 3) uint8, large areas of colors."""
    blocks = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
    return cv2.resize(blocks, size[::-1])


def write_photos(folder: Path, names, size=(40, 56)) -> None:
    for seed, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            cv2.imencode(path.suffix.lower(), photo(seed, size))[1].tobytes()
        )


def network(seed: int = 0, pipeline=None, **changes) -> tuple[Config, object]:
    """A segmentor that finds every class somewhere, and its config."""
    calibrate = changes.pop('calibrate', True)
    student = tiny_student(num_classes=changes.pop('num_classes', 3))
    student['data_preprocessor'].update(size=None, size_divisor=8)
    student.update(changes)
    cfg = Config(
        dict(
            default_scope='mmseg',
            model=student,
            test_pipeline=pipeline or PIPELINE,
        )
    )
    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope('mmsemi'):
        model = MODELS.build(copy.deepcopy(cfg.model))
    torch.nn.init.normal_(model.decode_head.conv_seg.weight, std=1.0)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = float(calibrate)
    images = np.stack([photo(k) for k in range(4)]).transpose(0, 3, 1, 2)
    images = torch.from_numpy(images[:, ::-1] / 255.0).float()
    blocks = torch.rand(4, 3, 7, 9)
    edges = torch.nn.functional.interpolate(blocks, images.shape[2:])
    images = torch.cat([images, edges])
    with torch.no_grad():
        model.train()(images, mode='tensor')
        # Small ones: of networks that were never trained they vary a lot.
        largest = model.eval()(images, mode='tensor').abs().max()
        model.decode_head.conv_seg.weight.mul_(4 / largest)
    return cfg, model.eval()


def write_segmentor(folder: Path, seed: int = 0, **changes) -> None:
    """``segmentor.pth`` and ``.py``, with class names and colors."""
    folder.mkdir(parents=True, exist_ok=True)
    cfg, model = network(seed, **changes)
    path = folder / 'state.pth'
    meta = dict(dataset_meta=dict(classes=CLASSES, palette=PALETTE))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    export_segmentor(cfg, path, folder / 'segmentor.pth', overwrite=True)
    path.unlink()


def write_run(folder: Path, images: Path | None = None, **facts) -> Path:
    """A run of ``fit``; its facts name the folder of images."""
    write_segmentor(folder)
    (folder / 'data').mkdir()
    facts = dict(
        images=str(images),
        classes=CLASSES,
        palette=PALETTE,
        encoding='data/encoding.json',
        **facts,
    )
    (folder / 'fit.json').write_text(json.dumps(facts))
    return folder
