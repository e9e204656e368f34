"""Configs that build on those of several packages.

mmengine reads a config and its bases and merges the dicts. Some things that
people expect of that are errors there, or give a mixture of two networks;
here they work.
"""

import threading
from collections.abc import Callable
from typing import Any

from mmsemi.utils.compat import wrap_config_reading

from .package_configs import config_file

_extended = False


def extend_config_loading() -> None:
    """Let ``Config.fromfile`` find packages' configs and join their imports.

    ``mmseg::...`` and ``mmsemi::...`` work as the file and in ``_base_``,
    see :mod:`mmsemi.io.package_configs`. Two bases with a
    ``custom_imports`` each are an error of duplicate keys in mmengine; their
    imports are joined. A part ``dict(cfg=name)`` replaces an inline one.
    Other configs are read as before. Calling it again changes nothing.
    """
    global _extended
    if not _extended:
        _extended = True
        wrap_config_reading(
            dict(
                file=_file_by_name,
                base_path=_base_by_name,
                one_file=_imports_joined,
                merge=_networks_replaced,
            )
        )


def _file_by_name(fromfile: Callable) -> Callable:
    def read(filename, *args, **kwargs):
        return fromfile(config_file(filename), *args, **kwargs)

    return read


def _base_by_name(get_path: Callable) -> Callable:
    def base_path(cfg_path, filename):
        if '::' in cfg_path:
            return config_file(cfg_path), cfg_path.partition('::')[0]
        return get_path(cfg_path, filename)

    return base_path


def _networks_replaced(merge: Callable) -> Callable:
    def merge_named(new, old, *args, **kwargs):
        return merge(new, merge_target(new, old), *args, **kwargs)

    return merge_named


def _imports_joined(file2dict: Callable) -> Callable:
    # For each file being read: `custom_imports` of its bases so far.
    reading = threading.local()

    def read_one(filename, *args, **kwargs):
        stack = reading.__dict__.setdefault('stack', [])
        bases: list[dict] = []
        stack.append(bases)
        try:
            cfg, text, variables = file2dict(filename, *args, **kwargs)
        finally:
            stack.pop()
        if len(bases) > 1:
            cfg['custom_imports'] = join_imports(
                [*bases, cfg.get('custom_imports') or {}]
            )
        if stack and cfg.get('custom_imports'):
            siblings = stack[-1]
            siblings.append(cfg['custom_imports'])
            if len(siblings) > 1:
                cfg = {k: v for k, v in cfg.items() if k != 'custom_imports'}
        return cfg, text, variables

    return read_one


def join_imports(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """One ``custom_imports`` for those of several configs, in order."""
    names: list[str] = []
    for part in parts:
        imports = part.get('imports') or []
        names += [imports] if isinstance(imports, str) else list(imports)
    return dict(
        imports=list(dict.fromkeys(names)),
        # What one of them cannot do without must not fail in silence.
        allow_failed_imports=all(
            part.get('allow_failed_imports', False) for part in parts
        ),
    )


def merge_target(new: dict, old: dict) -> dict:
    """What a dict is merged into where a network replaces another.

    mmengine merges keys, so that a network would keep the arguments of the
    one it replaces unless ``_delete_=True`` is said. Not needed are those
    words for ``dict(cfg=name, ...)`` in place of an inline network, for a
    ``student`` with a backbone and a head of its own, and for a ``model``
    with a student in place of a plain one. Changes of a network that is a
    mere name are kept beside it.

    Args:
        new: what is merged.
        old: what it is merged into.
    """
    if not isinstance(old, dict):  # items of a list, by their number
        return old
    for key, value in new.items():
        there = old.get(key)
        if not isinstance(value, dict) or value.get('_delete_'):
            continue
        if names_config(there):
            old = old.copy()
            old[key] = dict(cfg=there)
        elif isinstance(there, dict) and replaces(key, value, there):
            old = old.copy()
            del old[key]
    return old


def replaces(key: str, new: dict, old: dict) -> bool:
    """Whether a part of a config is another network, not a change of one."""
    if names_config(new.get('cfg')):
        return 'type' in old
    if key == 'model':
        return 'student' in new and 'student' not in old
    return key.startswith('student') and all(
        isinstance(part, dict) and 'type' in part
        for part in (new, new.get('backbone'), new.get('decode_head'))
    )


def names_config(value: Any) -> bool:
    """Whether a value is the name of a config."""
    return isinstance(value, str) and ('::' in value or value.endswith('.py'))
