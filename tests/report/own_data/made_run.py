"""A folder as ``mmsemi fit`` leaves it, of a few tiny images."""

import json
import shutil
from pathlib import Path

import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope

from mmsemi.registry import MODELS
from tests.tiny import CLASSES, COLORS, make_tiny_set, tiny_model


def write_pair(folder: Path, seed: int, bias: int | None = None) -> None:
    """A plain mmseg pair of a network that was not trained.

    Args:
        folder: for ``segmentor.py`` and ``segmentor.pth``.
        seed: of its weights.
        bias: class it predicts everywhere, any by default.
    """
    folder.mkdir(parents=True)
    model = tiny_model()['student']
    model['decode_head']['loss_decode'] = dict(type='CrossEntropyLoss')
    meta = dict(classes=CLASSES, palette=COLORS.tolist())
    cfg = Config(
        dict(
            default_scope='mmseg',
            model=model,
            test_pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='PackSegInputs'),
            ],
            test_dataloader=dict(
                dataset=dict(type='BaseSegDataset', metainfo=meta)
            ),
        )
    )
    cfg.dump(str(folder / 'segmentor.py'))
    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope('mmseg'):
        network = MODELS.build(ConfigDict(model))
    if bias is not None:
        torch.nn.init.zeros_(network.decode_head.conv_seg.weight)
        network.decode_head.conv_seg.bias.data[bias] = 9.0
    torch.save(
        dict(state_dict=network.state_dict(), meta=dict(dataset_meta=meta)),
        folder / 'segmentor.pth',
    )


def write_run(root: Path, classes=CLASSES, names=None) -> Path:
    """A run of 4 labeled, 5 held-out and 6 unlabeled images.

    Args:
        root: for images, masks and the run.
        classes: names to show.
        names: of the images instead of ``00``, ``01``, ...
    """
    data = make_tiny_set(root / 'data', labeled=4, unlabeled=6, val=5)
    run = root / 'run'
    (run / 'data/masks').mkdir(parents=True)
    parts = dict(labeled='labeled', val='holdout', unlabeled='unlabeled')
    for part, name in parts.items():
        stems = (data / f'{part}.txt').read_text().split()
        called = [(names or {}).get(stem, stem) for stem in stems]
        lines = ''.join(f'{new}.png\n' for new in called)
        (run / f'data/{name}.txt').write_text(lines)
        for stem, new in zip(stems, called):
            if new != stem:
                (data / f'images/{stem}.png').rename(
                    data / f'images/{new}.png'
                )
            if part != 'unlabeled':
                shutil.copy(
                    data / f'masks/{stem}.png',
                    run / f'data/masks/{new}.png.png',
                )
    facts = dict(
        version='0.1.0',
        command='mmsemi fit photos masks',
        images=str(data / 'images'),
        masks=str(data / 'masks'),
        seed=7,
        date='2026-01-31',
        versions=dict(mmsemi='0.1.0', torch='2.13.0'),
        machine=dict(cpu='some', cores=2),
        settings=[
            dict(name='crop', value=[32, 48], reason='images are so large')
        ],
        classes=list(classes),
        palette=COLORS.tolist(),
        encoding='data/encoding.json',
        findings=[
            dict(
                severity='warning',
                sentence='00.png: the first of its kind. Look at it',
            )
        ],
        numbers=dict(labeled=4, holdout=5, unlabeled=6),
    )
    (run / 'fit.json').write_text(json.dumps(facts))
    return run
