"""What the commands do, as Python functions."""

from .doctor import doctor
from .modules import register_all_modules

__all__ = ['doctor', 'register_all_modules']
