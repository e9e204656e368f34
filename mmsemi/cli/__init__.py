"""The command line: ``mmsemi COMMAND ...`` and the scripts in ``tools/``.

Nothing is imported here that imports torch. A command imports what it needs
when it runs.
"""

from .main import main

__all__ = ['main']
