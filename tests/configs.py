"""Configs as a run gets them."""

import copy
import functools

from mmengine.config import Config

from mmsemi.engine.build import resolve
from tests.conftest import ROOT

DATASETS = ROOT / 'configs/_base_/datasets'


@functools.cache
def _resolved(name: str, split: str | None) -> Config:
    return resolve(Config.fromfile(ROOT / f'configs/{name}.py'), split)


def config(name: str, split: str | None = None) -> Config:
    """A fresh copy of a resolved config, ``dst_cbc/voc_1464``."""
    return copy.deepcopy(_resolved(name, split))


def dataset_config(name: str, regime: str = 'rounds', **data) -> Config:
    """Loaders of a base data set file; lists are looked for now."""
    cfg = Config.fromfile(DATASETS / f'{name}.py')
    cfg.regime = regime
    cfg.merge_from_dict(dict(data=data))
    return resolve(cfg)
