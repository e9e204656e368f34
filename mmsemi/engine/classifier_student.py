"""A segmentor around the backbone of one of mmpretrain's classifiers."""

import copy
import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.fileio import load
from torch import Tensor

from mmsemi.registry import MODELS, bare_name
from mmsemi.utils.errors import UsageError

# Arguments, where a backbone has them, for maps instead of one vector, and
# for maps smaller than the windows of attention.
_MAPS = dict(
    out_type='featmap', gap_before_final_norm=False, pad_small_map=True
)


def is_classifier(model: dict) -> bool:
    """Whether a model config is one of mmpretrain's classifiers."""
    return bare_name(model.get('type')).endswith('ImageClassifier')


def segmentor_of(model: dict, cfg: Config) -> dict:
    """Config of an ``EncoderDecoder`` with the backbone of a classifier.

    Backbones with maps of several sizes get mmseg's ``UPerHead``, those with
    one (plain vision transformers) an ``FCNHead`` on it, both of 256
    channels. The weights are those mmpretrain lists for the config.

    Args:
        model: config of the classifier.
        cfg: the whole config it is from.

    Raises:
        UsageError: if the backbone gives no maps.
    """
    backbone = copy.deepcopy(dict(model['backbone']))
    backbone['type'] = f'mmpretrain.{bare_name(backbone["type"])}'
    accepted = accepted_arguments(backbone['type'])
    backbone.update(
        {key: value for key, value in _MAPS.items() if key in accepted}
    )
    if 'out_type' not in accepted and 'out_indices' in accepted:
        backbone['out_indices'] = (0, 1, 2, 3)
    weights = listed_weights(cfg.filename)
    if weights and not backbone.get('init_cfg'):
        backbone['init_cfg'] = dict(
            type='Pretrained', checkpoint=weights, prefix='backbone.'
        )
    maps = feature_maps(backbone)
    channels = [x.shape[1] for x in maps]
    several = len({x.shape[-1] for x in maps}) > 1
    head: dict[str, Any] = dict(
        type='UPerHead',
        in_channels=channels,
        in_index=list(range(len(maps))),
        pool_scales=(1, 2, 3, 6),
    )
    if not several:
        head = dict(
            type='FCNHead',
            in_channels=channels[-1],
            in_index=len(maps) - 1,
            num_convs=1,
            concat_input=False,
        )
    head.update(
        channels=256,
        dropout_ratio=0.1,
        num_classes=2,  # set from the data
        norm_cfg=dict(type='SyncBN', requires_grad=True),
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss'),
    )
    given = cfg.get('data_preprocessor') or {}
    return dict(
        type='EncoderDecoder',
        data_preprocessor=dict(
            type='SegDataPreProcessor',
            mean=given.get('mean', [123.675, 116.28, 103.53]),
            std=given.get('std', [58.395, 57.12, 57.375]),
            bgr_to_rgb=bool(given.get('to_rgb', True)),
            pad_val=0,
            seg_pad_val=255,
        ),
        backbone=backbone,
        decode_head=head,
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    )


def accepted_arguments(kind: str) -> set[str]:
    """Names of the arguments of a backbone and of its base classes."""
    import_module('mmpretrain.models')
    found = MODELS.get(kind)
    if found is None:
        raise UsageError(f'{kind} is unknown to the installed mmpretrain')
    return {
        name
        for base in found.__mro__
        if '__init__' in vars(base) and base.__module__.startswith('mmpre')
        for name in inspect.signature(base.__init__).parameters
    }


@torch.no_grad()
def feature_maps(backbone: dict) -> list[Tensor]:
    """What a backbone gives for an empty image of 224x224.

    Raises:
        UsageError: if these are no maps (N, C, h, w).
    """
    plain = {k: v for k, v in backbone.items() if k != 'init_cfg'}
    state = torch.get_rng_state()
    try:
        network = MODELS.build(plain)
        network.eval()
        maps = network(torch.zeros(1, 3, 224, 224))
    finally:
        torch.set_rng_state(state)
    if not isinstance(maps, (list, tuple)) or any(
        not isinstance(x, Tensor) or x.ndim != 4 for x in maps
    ):
        raise UsageError(
            f'{backbone["type"]} gives no feature maps, which a segmentor '
            'needs. Name the config of a segmentor instead'
        )
    return list(maps)


def listed_weights(config: str | None) -> str | None:
    """Weights that the metafile beside a config lists for it."""
    metafile = Path(config or '').parent / 'metafile.yml'
    if config is None or not metafile.is_file():
        return None
    for model in load(metafile).get('Models') or []:
        if Path(str(model.get('Config'))).name == Path(config).name:
            return model.get('Weights')
    return None
