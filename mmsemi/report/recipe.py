"""What a run is: its method, what was overridden, its length."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmsemi.io.config_data import flat_config
from mmsemi.registry import bare_name
from mmsemi.utils.errors import UsageError

# Parts of a config that decide what a run learns.
KEYS = (
    'model',
    'train_cfg',
    'optim_wrapper',
    'param_scheduler',
    'train_dataloader',
    'semi_dataloader',
    'label_dataloader',
    'custom_hooks',
    'val_dataloader',
    'val_evaluator',
)
# Where data lies, which images a split holds and how fast they are loaded:
# runs that differ in these alone are runs of one method.
PLACES = (
    'ann_file',
    'data_root',
    'img_path',
    'seg_map_path',
    'num_workers',
    'persistent_workers',
    'pin_memory',
    'prefetch_factor',
    'checkpoint',
    'seed',
)
# Parts of a model that tell methods apart, in the order they are named.
PARTS = ('objective', 'unsup_loss', 'pseudo_labeler', 'mixing', 'contrast')


def recipe(cfg: Config | dict) -> dict[str, Any]:
    """Settings that decide what a run learns, without seed and split.

    Returns:
        Plain values by their path, such as ``'train_cfg.max_iters'``.
    """
    flat: dict[str, Any] = {}
    for key in KEYS:
        flat.update(flat_config(cfg.get(key), key))
    # Of the weights a run starts from only whether there are any.
    flat['load_from'] = bool(cfg.get('load_from'))
    return {
        path: value
        for path, value in flat.items()
        if path.rsplit('.', 1)[-1] not in PLACES
    }


def fingerprint(settings: dict[str, Any]) -> str:
    """Twelve digits that differ when settings do."""
    content = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """``'train_cfg.max_iters: 240 -> 140'`` of all that differ, sorted."""
    return [
        f'{key}: {before.get(key)} -> {after.get(key)}'
        for key in sorted({**before, **after})
        if before.get(key) != after.get(key)
    ]


def overrides(
    cfg: Config, resolve: Callable[[Config], Config]
) -> list[str] | None:
    """What a run changed of its config file; None without a file to ask.

    Args:
        cfg: resolved config of the run.
        resolve: turns the facts of a config into settings.
    """
    if cfg.filename is None or not Path(cfg.filename).is_file():
        return None
    try:
        written = resolve(Config.fromfile(cfg.filename))
    except (OSError, SyntaxError, UsageError):
        return None  # changed while the run was going on
    return differences(recipe(written), recipe(cfg))


def _kind(part: Any) -> str:
    kind = part.get('type') if isinstance(part, dict) else None
    return bare_name(kind)


def method_facts(cfg: Config) -> dict:
    """The method by what it is built of, whatever its config is called.

    Returns:
        ``segmentor``, the parts in :data:`PARTS` that it has, ``labeler`` of
        rounds, ``loop``, and ``labeled_only``: whether a run without rounds
        sees no unlabeled image.
    """
    model, loop = cfg.get('model', {}), cfg.get('train_cfg') or {}
    facts: dict[str, Any] = dict(segmentor=_kind(model), loop=_kind(loop))
    for name in PARTS:
        if isinstance(model.get(name), dict):
            facts[name] = _kind(model[name])
    for hook in cfg.get('custom_hooks') or []:
        if isinstance(hook, dict) and isinstance(hook.get('labeler'), dict):
            facts['labeler'] = _kind(hook['labeler'])
    loader = cfg.get('train_dataloader') or {}
    drawn = (loader.get('sampler') or {}).get('samples_per_source')
    unlabeled = 'unlabeled' in (loader.get('dataset') or {})
    facts['labeled_only'] = facts['loop'] != 'SelfTrainingLoop' and (
        not unlabeled or bool(drawn and not drawn[-1])
    )
    return facts


def run_facts(cfg: Config, resolve: Callable[[Config], Config]) -> dict:
    """``method``, ``recipe`` (a fingerprint) and ``overrides`` of a run."""
    return dict(
        method=method_facts(cfg),
        recipe=fingerprint(recipe(cfg)),
        overrides=overrides(cfg, resolve),
    )


def run_lengths(loop: Any, processes: int) -> dict[str, Any]:
    """How long a run is and how large its steps are.

    Args:
        loop: training loop of the run.
        processes: how many of them train.

    Returns:
        ``iterations`` of the run, ``rounds`` (iterations of each, None
        without rounds) and ``batch_size`` of all processes together.
    """
    ends = getattr(loop, 'round_ends', None)
    size = loop.dataloader.batch_size
    return dict(
        iterations=loop.max_iters,
        rounds=ends and [b - a for a, b in zip([0, *ends], ends)],
        batch_size=size and size * processes,
    )
