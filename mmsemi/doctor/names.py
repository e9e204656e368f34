"""Names of settings that nothing reads, since they are misspelt.

mmengine takes any name at the top of a config for a variable of its file. A
file may have variables, so there only what is close to a setting, holds the
same kind of value and is used nowhere is a mistake.
"""

import inspect
import re
from importlib import import_module
from typing import Any

from mmengine.config import Config
from mmengine.registry import MODELS, Registry
from mmengine.runner import Runner

from mmsemi.engine.runner import USUAL_HOOKS
from mmsemi.io.spelling import closest, did_you_mean
from mmsemi.utils.errors import UsageError

# Settings somebody reads beside those of the Runner.
READ = (
    'baseline_cfg',
    'custom_imports',
    'data',
    'env_cfg',
    'find_unused_parameters',
    'hooks',
    'label_dataloader',
    'load_except',
    'machine',
    'regime',
    'runner_type',
    'semi_dataloader',
    'split',
    'sync_bn',
    'test_pipeline',
    'tta_model',
    'tta_pipeline',
)
# All of them but these hold dicts.
_KINDS: dict[str, type | tuple[type, ...]] = dict(
    custom_hooks=(list, tuple),
    default_scope=str,
    experiment_name=str,
    find_unused_parameters=bool,
    load_except=(str, list, tuple),
    load_from=str,
    log_level=(str, int),
    param_scheduler=(dict, list, tuple),
    regime=str,
    resume=bool,
    runner_type=str,
    split=str,
    sync_bn=(bool, str),
    test_evaluator=(dict, list, tuple),
    test_pipeline=(list, tuple),
    tta_pipeline=(list, tuple),
    val_evaluator=(dict, list, tuple),
    work_dir=str,
)
# What configs of MMCV 1 had, and where it stands today.
_FORMER = dict(
    checkpoint_config='default_hooks.checkpoint',
    evaluation='val_evaluator and train_cfg.val_interval',
    log_config='default_hooks.logger',
    lr_config='param_scheduler',
    optimizer_config='optim_wrapper',
)
_WORDS = {
    dict: 'a dict of settings',
    list: 'a list',
    tuple: 'a list',
    str: 'text',
    bool: 'True or False',
    int: 'a whole number',
}
# Checked where they are read, or variables of other people's configs.
_OWN = {'data', 'hooks', 'log_level', 'machine', 'regime', 'split'}
# What mmengine's Runner reads of `env_cfg`.
_ENVIRONMENT = ('cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit')
# Usual variables of mmseg's configs, which written ones use nowhere.
_VARIABLES = ('train_pipeline', 'val_pipeline', 'tta_cfg')


def settings() -> set[str]:
    """Names at the top of a config that are read."""
    parameters = set(inspect.signature(Runner.__init__).parameters)
    return (parameters - {'self', 'cfg', 'launcher'}) | set(READ)


def check_names(cfg: Config) -> None:
    """Stop at a name of a config file that is a misspelt setting.

    Args:
        cfg: as it was read, its facts not yet resolved.

    Raises:
        UsageError: naming the setting that may be meant.
    """
    known = settings()
    where = f'config {cfg.filename}: ' if cfg.filename else ''
    for name, value in cfg.items():
        usual = name in known or name in _VARIABLES
        if usual or _is_used(name, cfg.text or ''):
            continue
        meant = closest(name, known)
        if meant and isinstance(value, _KINDS.get(meant, dict)):
            raise UsageError(
                f'{where}nothing reads {name}{did_you_mean(name, known)} If '
                'it is a variable of yours, give it another name'
            )
        if name in _FORMER and isinstance(value, dict):
            raise UsageError(
                f'{where}nothing reads {name}, which is of MMCV 1. Say it in '
                f'{_FORMER[name]}'
            )


def check_kinds(cfg: Config) -> None:
    """Stop at a setting that holds another kind of value than it reads.

    Args:
        cfg: as it was read, with options.

    Raises:
        UsageError: naming the setting and its value.
    """
    check_scope(cfg.get('default_scope'))
    for name in settings() - _OWN:
        value: Any = cfg.get(name)
        kinds: Any = _KINDS.get(name, dict)
        if name == 'model':
            kinds = (dict, str)  # the name of another config
        if value is not None and not isinstance(value, kinds):
            kinds = kinds if isinstance(kinds, tuple) else (kinds,)
            words = dict.fromkeys(_WORDS[kind] for kind in kinds)
            raise UsageError(
                f'{name} must be {" or ".join(words)}, got {value!r}'
            )
        if name == 'env_cfg':
            for key in value or ():
                meant = did_you_mean(key, _ENVIRONMENT)
                if meant and key not in _ENVIRONMENT:
                    raise UsageError(
                        f'env_cfg.{key}: nothing reads this{meant}'
                    )
        if name in ('custom_hooks', 'param_scheduler'):
            several = value if isinstance(value, list | tuple) else ()
            for number, part in enumerate(several):
                if isinstance(part, dict):
                    continue
                raise UsageError(
                    f'{name}.{number} must be a dict of settings, got {part!r}'
                )


def check_scope(scope: Any) -> None:
    """Stop at a scope that no package has: mmengine would take any.

    Raises:
        UsageError: naming it and those there are.
    """
    if not isinstance(scope, str):
        return  # None is the usual, and text is asked for elsewhere
    known = _scopes(MODELS)
    if scope in known:
        return
    try:  # as mmengine finds packages that nobody has imported
        found = scope.isidentifier() and import_module(f'{scope}.registry')
    except ImportError:
        found = None
    if not found:
        raise UsageError(
            f'default_scope={scope!r}: no package has this scope. There are '
            f'{", ".join(sorted(known))}; mmsemi finds the parts of all '
            'configs that it brings'
        )


def _scopes(registry: Registry) -> set[str]:
    below = [_scopes(child) for child in registry.children.values()]
    return {registry.scope}.union(*below)


def _is_used(name: str, text: str) -> bool:
    """Whether a config file does more with a variable than to set it."""
    if f'_base_.{name}' in text:
        return True
    code = re.sub(r'#.*', '', text)
    code = re.sub(r"'[^'\n]*'|\"[^\"\n]*\"", '', code)
    return bool(re.search(rf'\b{re.escape(name)}\b(?!\s*=(?!=))', code))


def check_hook_names(options: dict, written: Config) -> None:
    """Stop where options leave out a hook that is not there.

    Args:
        options: values by dotted names.
        written: config without them.

    Raises:
        UsageError: naming those there are.
    """
    for option, value in options.items():
        place, _, name = option.partition('.')
        if place not in ('hooks', 'default_hooks') or value is not None:
            continue
        names = list(written.get(place) or ())
        usual = USUAL_HOOKS if place == 'default_hooks' else ()
        if name and '.' not in name and name not in (*names, *usual):
            raise UsageError(
                f'--cfg-options {option}=None: {place} has no {name} to '
                f'leave out. It has {", ".join(names) or "none"}'
            )
