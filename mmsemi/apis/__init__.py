"""What the commands do, as Python functions."""

from .modules import register_all_modules

__all__ = ['register_all_modules']
