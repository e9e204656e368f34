"""Configs of installed packages by name: ``mmseg::pspnet/....py``.

mmengine looks such names up by the name of the distribution, which it takes
to be ``mmsegmentation``, and so finds nothing of the maintained
distributions. Here the importable package itself is asked.
"""

import difflib
import importlib.util
from pathlib import Path
from typing import Any

from mmsemi.utils.errors import UsageError

# What to install for a package that is missing.
INSTALL = dict(
    mmseg='onedl-mmsegmentation',
    mmpretrain='onedl-mmpretrain torchvision',
    mmdet='onedl-mmdetection',
)


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
            f'`pip install {INSTALL.get(package, package)}`'
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
    hint = f'. Did you mean {package}::{near}?' if near else ''
    raise UsageError(f'config {name}: {package} has no such config{hint}')


def nearest(folder: Path, path: str) -> str | None:
    """Config below a folder whose path is most like the given one."""
    paths = [p.relative_to(folder).as_posix() for p in folder.rglob('*.py')]
    found = difflib.get_close_matches(path, paths, n=1)
    if found:
        return found[0]
    names = {p.rsplit('/', 1)[-1]: p for p in paths}
    found = difflib.get_close_matches(path.rsplit('/', 1)[-1], names, n=1)
    return names[found[0]] if found else None


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
