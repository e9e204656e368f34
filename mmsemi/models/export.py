"""Plain MMSegmentation models out of mmsemi checkpoints and configs."""

import copy
from pathlib import Path
from typing import NamedTuple

from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from mmsemi.io.files import write_text, write_torch
from mmsemi.registry import MODELS, TRANSFORMS
from mmsemi.utils.errors import UsageError, WriteError

from .plain_config import (
    dataset_meta,
    foreign_types,
    plain_model_config,
    plain_pipeline,
    replace_losses,
    test_pipeline,
    test_scales,
)
from .weights import load_weights, not_finite, read_weights


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
        load_weights(
            model,
            state,
            'the model' if isinstance(source, nn.Module) else str(source),
        )
        state = replace_heads(model, model_cfg, notes)
        pipeline = plain_pipeline(test_pipeline(cfg), notes)
        needs = foreign_types(model_cfg, MODELS)
        needs += foreign_types(pipeline, TRANSFORMS)
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
    there = out_path.exists()
    save_checkpoint(out_path, state, dict(dataset_meta=classes), overwrite)
    text = Config(plain).pretty_text
    try:
        write_text(config_path.parent, config_path.name, text)
    except WriteError:
        if not there:  # half of the two would be in the way of the next try
            out_path.unlink()
        raise
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
    # Clones: a view would drag its whole storage into the file.
    state = {k: v.detach().cpu().clone() for k, v in state.items()}
    spoiled = not_finite(state)
    if spoiled:
        raise UsageError(
            f'{path} was not written: {len(spoiled)} of {len(state)} tensors '
            f'hold NaN or infinite values, such as {spoiled[0]}. Training has '
            'diverged; take an earlier checkpoint'
        )
    write_torch(path.parent, path.name, dict(meta=meta, state_dict=state))


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
