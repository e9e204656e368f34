"""A network that was trained elsewhere."""

import copy

from mmengine.config import Config
from mmengine.runner import load_checkpoint
from torch import nn

from mmsemi.io.config_data import read_dumped_config
from mmsemi.registry import MODELS

from .build import resolve


def trained_network(
    checkpoint: str,
    config: str | None = None,
    dumped_config: str | None = None,
) -> nn.Module:
    """Build a model from a config and load a checkpoint of it.

    Args:
        checkpoint: every tensor of the model must be in it.
        config: path of the config.
        dumped_config: instead, one that a run wrote, which is read as data.
    """
    if dumped_config is not None:
        cfg = Config(read_dumped_config(dumped_config))
    else:
        cfg = Config.fromfile(config)
    resolve(cfg)
    model = MODELS.build(copy.deepcopy(cfg.model))
    load_checkpoint(model, checkpoint, map_location='cpu', strict=True)
    return model
