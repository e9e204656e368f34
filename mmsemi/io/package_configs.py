"""Configs of installed packages by name: ``mmseg::pspnet/....py``.

mmengine looks such names up by the name of the distribution, which it takes
to be ``mmsegmentation``, and so finds nothing of the maintained
distributions. Here the importable package itself is asked.
"""

import difflib
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmsemi.io.spelling import asked
from mmsemi.stack import stack_name
from mmsemi.utils.errors import UsageError

# What to install for a package that is missing, beside each stack. torchvision
# has to fit the installed torch: the newest one may bring another torch.
INSTALL = dict(
    onedl=dict(
        mmseg='`pip install onedl-mmsegmentation`',
        mmpretrain='`pip install onedl-mmpretrain torchvision`, the extra '
        '[mmpretrain] of mmsemi',
    ),
    openmmlab=dict(
        mmseg='`pip install mmsegmentation`',
        mmpretrain='`pip install mmpretrain torchvision`',
    ),
)


def install_hint(package: str) -> str:
    """How to install a package beside the stack that is there."""
    return INSTALL[stack_name()].get(package, f'`pip install {package}`')


def config_folder(package: str) -> Path:
    """Folder with the configs of a package, installed or in a clone.

    Raises:
        UsageError: if the package is not installed, or brings none.
    """
    spec = (
        importlib.util.find_spec(package) if package.isidentifier() else None
    )
    if spec is None or spec.origin is None:
        raise UsageError(
            f'{package} is not installed. Install it with '
            f'{install_hint(package)}'
        )
    home = Path(spec.origin).parent
    # Wheels carry configs in `.mim`, clones have them beside the package.
    for folder in (home / '.mim' / 'configs', home.parent / 'configs'):
        if folder.is_dir():
            return folder
    raise UsageError(
        f'the installed {package} ({home}) brings no configs. Install it '
        'from a wheel or work in a clone'
    )


def config_file(name: str) -> str:
    """File of ``package::path``; any other name as it is.

    Args:
        name: path of a config, or ``package::path`` with the path below the
            package's folder of configs; its suffix may be left out.

    Raises:
        UsageError: if there is no such package or config.
    """
    package, found, path = str(name).partition('::')
    if not found:
        return name
    try:
        folder = config_folder(package)
    except UsageError as error:
        raise UsageError(f'config {name}: {error}') from None
    for candidate in (folder / path, folder / f'{path}.py'):
        if candidate.is_file():
            return str(candidate)
    near = nearest(folder, path)
    hint = asked(near, f'{package}::')
    raise UsageError(f'config {name}: {package} has no such config{hint}')


def find_config(name: str) -> str:
    """File of a config that is named on the command line.

    A file that exists comes first. A name like ``dst_cbc/shapes.py`` is
    that of a config which mmsemi brings, as ``mmsemi::dst_cbc/shapes.py``.

    Args:
        name: path, ``package::path``, or path below mmsemi's configs.

    Raises:
        UsageError: if there is no such config.
    """
    name = str(name)
    if '::' in name or Path(name).is_file():
        return config_file(name)
    try:
        folder = config_folder('mmsemi')
    except UsageError:
        return name
    relative = name.removeprefix('configs/')
    for candidate in (folder / relative, folder / f'{relative}.py'):
        if candidate.is_file():
            return str(candidate)
    near = nearest(folder, relative)
    raise UsageError(
        f'config {name} not found, neither as a file nor among the configs '
        f'of mmsemi{asked(near)}'
    )


def nearest(folder: Path, path: str) -> str | None:
    """Config below a folder whose path is most like the given one."""
    paths = [p.relative_to(folder).as_posix() for p in folder.rglob('*.py')]
    found = difflib.get_close_matches(path, paths, n=1, cutoff=0.75)
    if found:
        return found[0]
    names = {p.rsplit('/', 1)[-1]: p for p in paths}
    found = difflib.get_close_matches(
        path.rsplit('/', 1)[-1], names, n=1, cutoff=0.75
    )
    return names[found[0]] if found else None


@contextmanager
def plain_import_errors(what: str) -> Iterator[None]:
    """Turn imports that fail into one sentence about what to install.

    Args:
        what: wants the import, for the message.

    Raises:
        UsageError: in place of an ``ImportError``.
    """
    try:
        yield
    except ImportError as error:
        raise UsageError(f'{what}: {missing_package(error)}') from error


def missing_package(error: ImportError) -> str:
    """What to install for an import that failed, as a sentence."""
    cause: BaseException | None = error
    while cause and not getattr(cause, 'name', None):
        cause = cause.__cause__ or cause.__context__
    package = str(getattr(cause, 'name', '')).split('.')[0]
    if not package:
        return str(error)
    reason = str(cause).split('\n')[0]
    return (
        f'it needs {package}, which cannot be imported ({reason}). Install '
        f'it with {install_hint(package)}'
    )
