"""Configs of mmsemi as plain mmseg has them."""

import copy
from typing import Any

from mmengine.config import Config
from mmengine.registry import Registry

from mmsemi.registry import DATASETS, MODELS, TRANSFORMS, bare_name

from .norms import share_statistics

# Our transforms with a counterpart of mmseg that does the same to images.
COUNTERPARTS = dict(
    LoadMask='LoadAnnotations',
    PackSemiInputs='PackSegInputs',
    TorchResize='Resize',
)
# Of no meaning where there are no labels to compare with.
FOR_LABELS = ('MapZeroLabels', 'SetOriShape')
# What leaving one out means; any other means another input.
LEFT_OUT = dict(
    PadSegFields='images run unpadded, which may change their border'
)


def plain_model_config(model_cfg: dict, predict_on: str) -> dict:
    """Config of the predicting network alone, without initialization."""
    from mmsemi.models.segmentors.semi_base import multi_branch_preprocessor

    cfg = Config(dict(model=copy.deepcopy(model_cfg))).model.to_dict()
    if 'student' in cfg:
        network = Config(dict(model=cfg['student']))
        if predict_on != 'student':  # a second student: changes of the first
            network.merge_from_dict(dict(model=cfg.get(predict_on) or {}))
        plain = network.model.to_dict()
        wrapped = multi_branch_preprocessor(
            plain.pop('data_preprocessor', None), cfg.get('data_preprocessor')
        )
        plain['data_preprocessor'] = wrapped['data_preprocessor']
        cfg = plain
    cfg.pop('pretrained', None)
    cfg.pop('init_cfg', None)
    if isinstance(cfg.get('backbone'), dict):
        cfg['backbone'].pop('init_cfg', None)
        cfg['backbone'].pop('pretrained', None)
    # A trained network runs in one process, and also on a CPU.
    return share_statistics(cfg, False)


def test_scales(cfg: Config) -> tuple[float, ...]:
    """Scales besides 1 that an :class:`SPNet` predicts with, if any."""
    test_cfg = cfg.model.get('semi_test_cfg') or {}
    return tuple(test_cfg.get('scales') or ())


def replace_losses(node: Any) -> None:
    """Put plain cross entropy in place of losses of mmsemi."""
    for value in node.values() if isinstance(node, dict) else node:
        if isinstance(value, (dict, list, tuple)):
            replace_losses(value)
    if isinstance(node, dict) and 'loss_decode' in node:
        losses = node['loss_decode']
        losses = losses if isinstance(losses, (list, tuple)) else [losses]
        if any(is_ours(loss.get('type'), MODELS) for loss in losses):
            # Ours are means over the pixels with a label, too.
            node['loss_decode'] = dict(
                type='CrossEntropyLoss', avg_non_ignore=True
            )


def test_pipeline(cfg: Config) -> list[dict]:
    """Test pipeline of a config, wherever it stands.

    A config without validation and test data loads as its training does.
    """
    found = cfg.get('test_pipeline')
    for key in ('test_dataloader', 'val_dataloader'):
        if found is None:
            found = leaf_dataset(cfg, key).get('pipeline')
    if found is None:
        steps = leaf_dataset(cfg, 'train_dataloader').get('pipeline', [])
        load = [
            step
            for step in steps[:1]
            if 'Image' in bare_name(step.get('type'))
        ] or [dict(type='LoadImageFromFile')]
        found = load + [dict(type='PackSegInputs')]
    return Config(dict(x=copy.deepcopy(list(found)))).to_dict()['x']


def plain_pipeline(pipeline: list[dict], notes: list[str]) -> list[dict]:
    """Test pipeline with transforms of mmseg and mmcv only.

    Loading of deep images or of many bands stays: no transform of theirs
    gives the same.

    Args:
        pipeline: of a config.
        notes: what is said of transforms that are left out is added here.
    """
    plain = []
    for transform in pipeline:
        name = bare_name(transform['type'])
        if not is_ours(transform['type'], TRANSFORMS):
            plain.append(transform)
        elif name == 'LoadAnyImage':
            plain.append(_plain_loading(transform, notes))
        elif name in COUNTERPARTS:
            plain.append(dict(transform, type=COUNTERPARTS[name]))
        elif name not in FOR_LABELS:
            effect = LEFT_OUT.get(
                name, 'the input differs from evaluation with mmsemi'
            )
            notes.append(
                f'test_pipeline: {name} of mmsemi has no counterpart'
                f' in mmseg and is left out; {effect}'
            )
    return plain


def _plain_loading(transform: dict, notes: list[str]) -> dict:
    bands, limits = transform.get('bands', 3), transform.get('value_range')
    if bands != 3 or limits or transform.get('select'):
        return transform
    notes.append(
        'test_pipeline: LoadAnyImage became LoadImageFromFile, which reads '
        'images of 8 bits alike'
    )
    kept = ('ignore_orientation', 'to_float32', 'backend_args')
    given = {key: transform[key] for key in kept if key in transform}
    return dict(type='LoadImageFromFile', **given)


def foreign_types(node: Any, registry: Registry) -> list[str]:
    """Types of mmsemi named anywhere in a config."""
    found: list[str] = []
    if isinstance(node, dict):
        if is_ours(node.get('type'), registry):
            found.append(node['type'])
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for value in node:
            found += foreign_types(value, registry)
    return sorted(set(found))


def dataset_meta(cfg: Config, meta: dict) -> dict | None:
    """Class names and palette, from the checkpoint or a dataset."""
    found = meta.get('dataset_meta')
    if not found or 'classes' not in found:
        keys = ('test_dataloader', 'val_dataloader', 'train_dataloader')
        datasets = [leaf_dataset(cfg, key) for key in keys]
        dataset = next((d for d in datasets if 'type' in d), None)
        if dataset is None:
            return None
        found = dict(getattr(DATASETS.get(dataset['type']), 'METAINFO', {}))
        found.update(dataset.get('metainfo') or {})
    return {
        key: to_plain(found[key])
        for key in ('classes', 'palette')
        if found.get(key) is not None
    }


def leaf_dataset(cfg: Config, key: str) -> dict:
    """The first dataset below the wrappers of a loader; empty without."""
    dataset: Any = (cfg.get(key) or {}).get('dataset', {})
    while True:
        inner = dataset.get('labeled') or dataset.get('dataset')
        joined = dataset.get('datasets')
        if isinstance(inner, dict):
            dataset = inner
        elif joined:
            dataset = joined[0]
        else:
            return dataset


def to_plain(value: Any) -> Any:
    """Lists, numbers and strings only, as safe loading demands."""
    if isinstance(value, (list, tuple)):
        return [to_plain(v) for v in value]
    return value.item() if hasattr(value, 'item') else value


def is_ours(name: Any, registry: Registry) -> bool:
    """Whether a ``type`` is registered by mmsemi itself."""
    registry.import_from_location()
    return (
        isinstance(name, str)
        and name.split('.')[-1] in registry.module_dict
        and not name.startswith('mmseg.')
    )
