"""Images are data: those that are programs are not run."""

from typing import NoReturn

from PIL import EpsImagePlugin


def guard_pillow() -> None:
    """Make Pillow refuse PostScript, whatever the name of its file.

    It would hand the file to Ghostscript, and a PostScript file is a
    program. Among images and masks of somebody else it may be called
    ``a.png``.
    """
    EpsImagePlugin.Ghostscript = _refuse


def _refuse(*_, **__) -> NoReturn:
    raise OSError('it is PostScript, a program, which is not run')
