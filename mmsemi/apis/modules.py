import importlib

from mmengine.registry import init_default_scope as _init_default_scope


def register_all_modules(init_default_scope: bool = True) -> None:
    """Import every registered module of mmsemi and mmseg.

    Only code that builds parts without a Runner needs it; a config's
    ``default_scope`` does the same work when training starts.

    Args:
        init_default_scope: make ``mmsemi`` the current default scope.
    """
    for package in ('mmseg', 'mmsemi'):
        for name in ('datasets', 'engine', 'evaluation', 'models'):
            importlib.import_module(f'{package}.{name}')
    importlib.import_module('mmseg.visualization')
    if init_default_scope:
        _init_default_scope('mmsemi')
