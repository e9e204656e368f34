"""What a config says once becomes what mmengine's Runner asks for.

A config may state facts instead of wiring: ``data`` (see
:mod:`mmsemi.datasets.recipe`), numbers of iterations in epochs, hooks by
name. :func:`resolve` turns them into loaders, iterations and
``custom_hooks``. The result is an ordinary config, which is what a run
dumps: it can be run, resumed and resolved again.
"""

import copy
import os.path as osp
import re
from typing import Any

from mmengine.config import Config

from mmsemi.datasets.facts import settle_variant
from mmsemi.datasets.recipe import Recipe
from mmsemi.datasets.splits import set_split
from mmsemi.datasets.splits_table import choose_split, epoch_length
from mmsemi.io.spelling import did_you_mean
from mmsemi.registry import MODELS, is_type
from mmsemi.utils.errors import UsageError

from .bands import fit_bands
from .machine import divide, whole_counts
from .partly_labeled import average_known
from .student_config import dicts, number_of_classes, resolve_student
from .whole_numbers import settle_counts

# Where numbers may be in epochs, and strings name facts of the split.
COUNTED = (
    'train_cfg',
    'baseline_cfg',
    'model',
    'custom_hooks',
    'default_hooks',
    'param_scheduler',
    'load_from',
)
_EPOCHS = re.compile(r'(\d+(?:\.\d+)?) (labeled )?epochs?')
_FACT = re.compile(r'\{([a-z_]+)\}')


def resolve(
    cfg: Config,
    split: str | None = None,
    world_size: int | None = None,
    accumulate: int = 1,
) -> Config:
    """Turn the facts of a config into an ordinary config.

    Args:
        cfg: config, changed in place. Without facts nothing changes.
        split: split to use instead of the one the config names: the name of
            one its data set knows, or a folder with lists.
        world_size: processes that share a step; None leaves sizes alone.
        accumulate: parts in which a process takes its share of a step.

    Returns:
        The config.

    Raises:
        UsageError: if a fact is unknown, missing, or contradicts the lists.
    """
    if split is not None and not split.strip():
        raise UsageError('--split is empty. Name a split, or leave it out')
    for part in cfg.values():
        settle_counts(part)
    facts: dict[str, Any] = {}
    lengths: dict[str, tuple] = {}
    # `data` without images is a variable of somebody's config.
    data = cfg.pop('data') if states_data(cfg) else None
    regime = cfg.pop('regime', 'supervised')
    if data is not None:
        data = settle_variant(Config(dict(data=data)).data.to_dict())
        facts = choose_split(data, split)
        lengths = _epochs(data, facts)
        _set_loaders(cfg, Recipe(data, regime))
        fit_model(cfg, data)
        if facts.get('split'):
            cfg.split = facts['split']
    elif split:
        set_split(cfg, split)
    name_hooks(cfg)
    for key in COUNTED:
        # A person's path may have braces.
        path = key == 'load_from' and osp.isfile(cfg.get(key) or '')
        if cfg.get(key) is not None and not path:
            cfg[key] = _filled(cfg[key], key, facts, lengths)
    _end_schedules(cfg)
    resolve_student(cfg)
    if data is not None:
        fit_bands(cfg, data)
        if data.get('partly_labeled'):
            average_known(cfg)
    for part in cfg.values():
        name_types(part)
    whole_counts(cfg)
    if world_size is not None or accumulate > 1:
        divide(cfg, 1 if world_size is None else world_size, accumulate)
    return cfg


def resolve_written(cfg: Config) -> Config:
    """Resolve a config as its file has it, if it states any facts."""
    return resolve(cfg) if states_data(cfg) or cfg.get('hooks') else cfg


def states_data(cfg: Config) -> bool:
    """Whether a config states the facts of its data."""
    data = cfg.get('data')
    return isinstance(data, dict) and 'labeled' in data


def name_types(value: Any) -> None:
    """Write classes of new-style configs as import paths.

    A dumped config then says what it builds; mmengine writes neither quotes
    nor an import for a class.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, type):
                value[key] = f'{item.__module__}.{item.__qualname__}'
            else:
                name_types(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            name_types(item)


def name_hooks(cfg: Config) -> None:
    """Append the hooks that have names to ``custom_hooks``.

    ``hooks = dict(teacher=dict(type='MeanTeacherHook', ...))``: a config can
    change one by its name, and leave it out with ``hooks=dict(teacher=None)``.
    """
    hooks = cfg.pop('hooks', None) or {}
    if not isinstance(hooks, dict):
        raise UsageError(
            f'hooks must be a dict of hooks by their names, got {hooks!r}'
        )
    for name, hook in hooks.items():
        if not isinstance(hook, (dict, type(None))):
            raise UsageError(
                f'hooks.{name} must be a dict of settings, or None to leave '
                f'it out, got {hook!r}'
            )
        others = [key for key in hooks if key != name]
        meant = did_you_mean(name, others, 'hooks.')
        if hook is None and meant:
            raise UsageError(
                f'hooks.{name}=None leaves out a hook that is not there{meant}'
            )
        if hook is not None and 'type' not in hook:
            raise UsageError(
                f'hooks.{name}: no hook has this name to change. Give its '
                f'type, or one of the names {", ".join(hooks)}'
            )
    named = [hook for hook in hooks.values() if hook is not None]
    if isinstance(cfg.get('custom_hooks'), dict):
        raise UsageError(
            f'custom_hooks.{next(iter(cfg.custom_hooks))}: the hooks of this '
            f'config have names, not numbers. Change hooks.NAME of '
            f'{", ".join(hooks)}'
        )
    if named:
        cfg.custom_hooks = named + list(cfg.get('custom_hooks') or [])


def _set_loaders(cfg: Config, recipe: Recipe) -> None:
    """Loaders from the recipe, changed by what the config says of them."""
    found = recipe.loaders()
    validates = 'val_dataloader' in found
    if validates:
        # Whoever validates on other images tests on the usual ones.
        found['test_dataloader'] = found['val_dataloader']
        found['test_evaluator'] = found['val_evaluator']
    for role in ('val', 'test'):
        if not (validates or cfg.get(f'{role}_dataloader')):
            for part in ('dataloader', 'evaluator', 'cfg'):
                cfg[f'{role}_{part}'] = None
    for key, value in found.items():
        if key not in cfg:
            cfg[key] = copy.deepcopy(value)
        elif cfg[key] is not None:  # None leaves it out
            cfg[key] = _changed(value, cfg[key])


def _changed(value: Any, changes: Any) -> Any:
    if not isinstance(changes, dict):
        return changes
    whole = Config(dict(part=copy.deepcopy(value)))
    whole.merge_from_dict(dict(part=changes))
    return whole.part


def fit_model(cfg: Config, data: dict) -> None:
    """Let networks that are written out tell the classes of the data."""
    model = cfg.get('model')
    if not isinstance(model, dict):
        return
    networks = [
        model.get(key) for key in ('student', 'student_2') if key in model
    ]
    classes = number_of_classes(cfg)
    for part in model.values():
        if classes and isinstance(part, dict) and 'num_classes' in part:
            part['num_classes'] = classes
    for network in networks or [model]:
        if not isinstance(network, dict) or 'decode_head' not in network:
            continue
        preprocessor = network.get('data_preprocessor') or {}
        if 'size' in preprocessor and data.get('crop_size'):
            preprocessor['size'] = data['crop_size']
        for key in ('decode_head', 'auxiliary_head'):
            heads = network.get(key) or []
            for head in heads if isinstance(heads, (list, tuple)) else [heads]:
                _fit_head(head, classes, data)


def _fit_head(head: dict, classes: int | None, data: dict) -> None:
    if is_type(head, MODELS, 'SemanticEmbeddingHead'):
        facts = data.get('zero_label') or {}
        for key in ('classes', 'num_seen'):
            if key in facts:
                head[key] = facts[key]
        head.update(data.get('word_vectors') or {})
    elif classes:
        head['num_classes'] = classes


def _epochs(data: dict, facts: dict) -> dict[str, tuple]:
    """``(images, arguments)`` to count epochs with, by role."""
    batch = data.get('batch') or {}
    unlabeled = batch.get('unlabeled', 0) * (2 if data.get('partners') else 1)
    plain = {key: value for key, value in data.items() if key != 'epoch'}
    return dict(
        labeled=(plain, facts, 'labeled', batch.get('alone', 0)),
        unlabeled=(data, facts, 'unlabeled', unlabeled),
    )


def _filled(value: Any, key: str, facts: dict, lengths: dict) -> Any:
    """A value with facts and iterations in the place of their names."""
    if isinstance(value, dict):
        for name, item in value.items():
            # A person's path may have braces.
            if name != 'checkpoint' or not isinstance(item, str):
                value[name] = _filled(item, f'{key}.{name}', facts, lengths)
    elif isinstance(value, (list, tuple)):
        value = type(value)(
            _filled(item, f'{key}.{k}', facts, lengths)
            for k, item in enumerate(value)
        )
    elif isinstance(value, str):
        value = _named(value, key, facts)
        found = _EPOCHS.fullmatch(value) if isinstance(value, str) else None
        if found:
            role = 'labeled' if found[2] else 'unlabeled'
            if role not in lengths:
                raise UsageError(
                    f'{key}={value}: without `data` in the config nobody '
                    'knows how long an epoch is. Give iterations'
                )
            value = round(float(found[1]) * epoch_length(*lengths[role]))
    return value


def _named(value: str, key: str, facts: dict) -> Any:
    names = _FACT.findall(value)
    for name in names:
        if facts.get(name) is None:
            raise UsageError(
                f'{key}={value}: split {facts.get("split")} has no {name}. '
                'Set it here, or in `splits` of the data'
            )
        if value == '{' + name + '}':
            return facts[name]
        value = value.replace('{' + name + '}', str(facts[name]))
    return value


def _end_schedules(cfg: Config) -> None:
    """Schedules without an end last as long as the run.

    mmengine reaches the last value one step before ``end``. Loops in rounds
    do the same for each round.
    """
    steps = (cfg.get('train_cfg') or {}).get('max_iters')
    for scheduler in dicts(cfg.get('param_scheduler')):
        if isinstance(steps, int) and 'type' in scheduler:
            scheduler.setdefault('end', steps + 1)
