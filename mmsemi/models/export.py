"""Plain MMSegmentation models out of mmsemi checkpoints and configs."""

import copy
import os
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmengine.model import is_model_wrapper
from mmengine.registry import DefaultScope, Registry
from mmengine.runner.checkpoint import load_state_dict
from torch import Tensor, nn

from mmsemi.registry import DATASETS, MODELS, TRANSFORMS
from mmsemi.utils.checkpoints import read_checkpoint
from mmsemi.utils.errors import UsageError

# Our transforms with a counterpart of mmseg that does the same to images.
COUNTERPARTS = dict(PackSemiInputs='PackSegInputs', TorchResize='Resize')
# What leaving one out means; any other means another input.
LEFT_OUT = dict(
    MapZeroLabels='it concerns labels, not predictions',
    SetOriShape='predictions have the size of the image file',
    PadSegFields='images run unpadded, which may change their border',
)


class Exported(NamedTuple):
    """Result of :func:`export_segmentor`.

    Attributes:
        checkpoint: file with ``state_dict`` and plain ``meta``.
        config: config file beside it.
        notes: what differs from the training config, for people.
        needs_mmsemi: parts without a counterpart in mmseg. Where there are
            any, the config imports mmsemi.
    """

    checkpoint: Path
    config: Path
    notes: list[str]
    needs_mmsemi: list[str]


def export_segmentor(
    cfg: Config,
    source: str | Path | nn.Module,
    out_path: str | Path,
    predict_on: str = 'student',
    overwrite: bool = False,
) -> Exported:
    """Write a checkpoint and a config that mmseg runs without mmsemi.

    The weights are loaded strictly into the network the config describes,
    so a file that does not fit is an error. Heads of mmsemi become mmseg
    heads with equal output, losses of mmsemi plain cross entropy (they play
    no part in inference). Transforms of mmsemi in the test pipeline are
    replaced or left out, each with a note.

    Args:
        cfg: config of the training run, or of a plain mmseg model.
        source: checkpoint file, or the model itself.
        out_path: checkpoint to write; the config gets the same name with
            ``.py``.
        predict_on: which sub-model of a wrapper to take.
        overwrite: replace files that exist.

    Raises:
        UsageError: if a file exists or the weights do not fit.
    """
    out_path = Path(out_path)
    config_path = out_path.with_suffix('.py')
    refuse_existing([out_path, config_path], overwrite)
    model_cfg = plain_model_config(cfg.model, predict_on)
    state, meta = read_weights(source, predict_on)
    notes: list[str] = []
    scales = test_scales(cfg)
    if scales:
        notes.append(
            f'semi_test_cfg.scales={scales}: mmsemi predicts with the maximum '
            'of several scales, the exported model with one'
        )
    with DefaultScope.overwrite_default_scope('mmsemi'):
        replace_losses(model_cfg)
        state = leave_out_representation(model_cfg, state)
        model = MODELS.build(copy.deepcopy(model_cfg))
        try:
            load_state_dict(model, state, strict=True)
        except RuntimeError as error:
            raise UsageError(
                f'the weights do not fit the model of the config: {error}'
            ) from error
        state = replace_heads(model, model_cfg, notes)
        pipeline = plain_pipeline(test_pipeline(cfg), notes)
        needs = foreign_types(model_cfg, MODELS)
        classes = dataset_meta(cfg, meta)

    plain = dict(
        default_scope='mmsemi' if needs else 'mmseg',
        model=model_cfg,
        test_pipeline=pipeline,
    )
    if needs:
        plain['custom_imports'] = dict(
            imports=['mmsemi'], allow_failed_imports=False
        )
        notes.append(
            f'{", ".join(needs)}: no counterpart in mmseg, so the '
            'exported config needs mmsemi installed'
        )
    save_checkpoint(out_path, state, dict(dataset_meta=classes), overwrite)
    Config(plain).dump(str(config_path))
    return Exported(out_path, config_path, notes, needs)


def refuse_existing(paths: list[Path], overwrite: bool) -> None:
    """Stop before anything that exists is written over."""
    for path in paths:
        if path.exists() and not overwrite:
            raise UsageError(
                f'{path} exists; give another name, or ask for overwriting'
            )


def save_checkpoint(
    path: Path, state: dict[str, Tensor], meta: dict, overwrite: bool = False
) -> None:
    """Write a checkpoint that torch's safe loading reads, atomically."""
    path = Path(path)
    refuse_existing([path], overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Clones: a view would drag its whole storage into the file.
    state = {k: v.detach().cpu().clone() for k, v in state.items()}
    partial = path.with_name(path.name + '.partial')
    torch.save(dict(meta=meta, state_dict=state), partial)
    os.replace(partial, path)


def plain_model_config(model_cfg: dict, predict_on: str) -> dict:
    """Config of the predicting network alone, without initialization."""
    from mmsemi.models.segmentors.semi_base import multi_branch_preprocessor

    cfg = Config(dict(model=copy.deepcopy(model_cfg))).model.to_dict()
    if 'student' in cfg:
        plain = cfg.get(predict_on) or cfg['student']
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
    return cfg


def test_scales(cfg: Config) -> tuple[float, ...]:
    """Scales besides 1 that an :class:`SPNet` predicts with, if any."""
    test_cfg = cfg.model.get('semi_test_cfg') or {}
    return tuple(test_cfg.get('scales') or ())


def read_weights(
    source: str | Path | nn.Module, predict_on: str
) -> tuple[dict[str, Tensor], dict]:
    """State dict of the predicting network alone, and the meta data."""
    if isinstance(source, nn.Module):
        model = source.module if is_model_wrapper(source) else source
        state, meta = model.state_dict(), {}
    else:
        checkpoint = read_checkpoint(source)
        state = checkpoint.get('state_dict', checkpoint)
        meta = checkpoint.get('meta', {})
    prefix = f'{predict_on}.'
    if any(key.startswith('student.') for key in state):
        part = {
            k[len(prefix) :]: v
            for k, v in state.items()
            if k.startswith(prefix)
        }
        if not part:
            raise UsageError(
                f'no {predict_on!r} in the checkpoint, only '
                f'{sorted({k.split(".")[0] for k in state})}'
            )
        return part, meta
    return dict(state), meta


def is_ours(name: Any, registry: Registry) -> bool:
    """Whether a ``type`` is registered by mmsemi itself."""
    registry.import_from_location()
    return (
        isinstance(name, str)
        and name.split('.')[-1] in registry.module_dict
        and not name.startswith('mmseg.')
    )


def leave_out_representation(
    model_cfg: dict, state: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Take away what serves training only, where a head can do without.

    Args:
        model_cfg: config of a segmentor, changed in place.
        state: its weights, with or without those of the representation.
    """
    for name in ('decode_head', 'auxiliary_head'):
        cfg = model_cfg.get(name)
        if isinstance(cfg, dict) and not hasattr(
            MODELS.get(cfg['type']), 'to_mmseg'
        ):
            cfg.pop('representation_head', None)
            state = {
                k: v
                for k, v in state.items()
                if not k.startswith(f'{name}.representation_head.')
            }
    return state


def replace_losses(node: Any) -> None:
    """Put plain cross entropy in place of losses of mmsemi."""
    for value in node.values() if isinstance(node, dict) else node:
        if isinstance(value, (dict, list, tuple)):
            replace_losses(value)
    if isinstance(node, dict) and 'loss_decode' in node:
        losses = node['loss_decode']
        losses = losses if isinstance(losses, (list, tuple)) else [losses]
        if any(is_ours(loss.get('type'), MODELS) for loss in losses):
            node['loss_decode'] = dict(type='CrossEntropyLoss')


def replace_heads(
    model: nn.Module, model_cfg: dict, notes: list[str]
) -> dict[str, Tensor]:
    """Turn heads of mmsemi into mmseg's; the state dict that goes with it."""
    state = model.state_dict()
    for name in ('decode_head', 'auxiliary_head'):
        head, cfg = getattr(model, name, None), model_cfg.get(name)
        if not isinstance(cfg, dict) or not hasattr(head, 'to_mmseg'):
            continue
        model_cfg[name], weights = head.to_mmseg(cfg)
        state = {
            k: v for k, v in state.items() if not k.startswith(f'{name}.')
        }
        state.update({f'{name}.{k}': v for k, v in weights.items()})
        notes.append(
            f'{name}: {cfg["type"]} became '
            f'{model_cfg[name]["type"]} of mmseg with equal output'
        )
    return state


def test_pipeline(cfg: Config) -> list[dict]:
    """Test pipeline of a config, wherever it stands."""
    found = cfg.get('test_pipeline')
    if found is None:
        dataset = cfg.get('test_dataloader', {}).get('dataset', {})
        found = dataset.get('pipeline')
    if found is None:
        found = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    return Config(dict(x=copy.deepcopy(list(found)))).to_dict()['x']


def plain_pipeline(pipeline: list[dict], notes: list[str]) -> list[dict]:
    """Test pipeline with transforms of mmseg and mmcv only."""
    plain = []
    for transform in pipeline:
        name = transform['type'].split('.')[-1]
        if not is_ours(transform['type'], TRANSFORMS):
            plain.append(transform)
        elif name in COUNTERPARTS:
            plain.append(dict(transform, type=COUNTERPARTS[name]))
        else:
            effect = LEFT_OUT.get(
                name, 'the input differs from evaluation with mmsemi'
            )
            notes.append(
                f'test_pipeline: {name} of mmsemi has no counterpart'
                f' in mmseg and is left out; {effect}'
            )
    return plain


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
    """Class names and palette, from the checkpoint or the test dataset."""
    found = meta.get('dataset_meta')
    if not found or 'classes' not in found:
        dataset: Any = cfg.get('test_dataloader', {}).get('dataset', {})
        while 'dataset' in dataset:
            dataset = dataset['dataset']
        if 'type' not in dataset:
            return None
        found = dict(getattr(DATASETS.get(dataset['type']), 'METAINFO', {}))
        found.update(dataset.get('metainfo') or {})
    return {
        key: to_plain(found[key])
        for key in ('classes', 'palette')
        if found.get(key) is not None
    }


def to_plain(value: Any) -> Any:
    """Lists, numbers and strings only, as safe loading demands."""
    if isinstance(value, (list, tuple)):
        return [to_plain(v) for v in value]
    return value.item() if hasattr(value, 'item') else value
