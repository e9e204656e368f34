"""Small helpers; nothing here imports the OpenMMLab stack by itself."""


def register_all_modules(init_default_scope: bool = True) -> None:
    """Import every module of mmsemi; see :mod:`mmsemi.utils.set_env`."""
    from .set_env import register_all_modules as register
    register(init_default_scope)


__all__ = ['register_all_modules']
