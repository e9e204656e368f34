"""Names of settings that nothing reads, since they are misspelt.

mmengine takes any name at the top of a config for a variable of its file. A
file may have variables, so there only what is close to a setting, holds the
same kind of value and is used nowhere is a mistake.
"""

import difflib
import inspect
import re
from collections.abc import Iterable
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from mmsemi.engine.runner import USUAL_HOOKS
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
_CLOSE = 0.8
# Usual variables of mmseg's configs, which written ones use nowhere.
_VARIABLES = ('train_pipeline', 'val_pipeline', 'tta_cfg')


def settings() -> set[str]:
    """Names at the top of a config that are read."""
    parameters = set(inspect.signature(Runner.__init__).parameters)
    return (parameters - {'self', 'cfg', 'launcher'}) | set(READ)


def closest(name: str, names: Iterable[str]) -> str | None:
    """The one of some names that another is a misspelling of, if any is."""
    near = {
        other.lower(): other
        for other in names
        if abs(len(other) - len(name)) <= 2 and other != name
    }
    found = difflib.get_close_matches(name.lower(), list(near), 1, _CLOSE)
    return near[found[0]] if found else None


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
                f'{where}nothing reads {name}. Did you mean {meant}? If it '
                'is a variable of yours, give it another name'
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
                near = closest(key, _ENVIRONMENT)
                if near and key not in _ENVIRONMENT:
                    raise UsageError(
                        f'env_cfg.{key}: nothing reads this. Did you mean '
                        f'{near}?'
                    )
        if name in ('custom_hooks', 'param_scheduler'):
            several = value if isinstance(value, list | tuple) else ()
            for number, part in enumerate(several):
                if isinstance(part, dict):
                    continue
                raise UsageError(
                    f'{name}.{number} must be a dict of settings, got {part!r}'
                )


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
