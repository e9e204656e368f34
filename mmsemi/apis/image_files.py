"""Image files to predict for, and the names of what is made of them."""

import glob
import os
from collections import Counter
from pathlib import Path

from mmsemi.prepare.files import IMAGE_SUFFIXES, files_below, name_of
from mmsemi.utils.errors import UsageError


def find_images(source: str | Path) -> dict[str, Path]:
    """Image files by the names of their results, below the given place.

    A name is the path without suffix, with unicode composed. Where images
    share it (``a.jpg`` and ``a.png``) their names keep the suffix.

    Args:
        source: a file, a folder (searched with all below it), or a pattern
            with wildcards (``**`` for any folders).

    Raises:
        UsageError: if there is none, or a pattern leaves its folder.
    """
    source = os.path.expanduser(str(source))
    if os.path.isfile(source):
        root, found = os.path.dirname(source), [os.path.basename(source)]
    elif os.path.isdir(source):
        root, found = source, list(files_below(source))
    elif glob.has_magic(source):
        parts = Path(source).parts
        fixed = next(i for i, p in enumerate(parts) if glob.has_magic(p))
        root = os.path.join(*parts[:fixed]) if fixed else ''
        paths = glob.glob(source, recursive=True)
        found = [
            os.path.relpath(path, root or '.').replace(os.sep, '/')
            for path in paths
            if os.path.isfile(path)
        ]
        outside = [path for path in found if path.split('/')[0] == '..']
        if outside:
            raise UsageError(
                f'{os.path.join(root, outside[0])}: the pattern {source} '
                f'leaves {root or "."}, where it begins, so the results would '
                'lie outside --out. Give a pattern without .. behind the '
                'first wildcard'
            )
    else:
        raise UsageError(
            f'{source}: no such file or folder. Give an image, '
            'a folder or a quoted pattern such as "photos/*.jpg"'
        )
    if not os.path.isfile(source):
        found = [p for p in found if p.lower().endswith(IMAGE_SUFFIXES)]
    if not found:
        raise UsageError(
            f'{source}: no images with the suffixes '
            f'{", ".join(IMAGE_SUFFIXES)}'
        )
    names = result_names(sorted(set(found)))
    return {name: Path(root, path) for path, name in names.items()}


def result_names(paths: list[str]) -> dict[str, str]:
    """A name of its own for the result of each file.

    Args:
        paths: of different files, relative to one folder.

    Returns:
        The name of each path.
    """
    names = {path: name_of(path) for path in paths}
    while True:
        counts = Counter(names.values())
        shared = [path for path in paths if counts[names[path]] > 1]
        if not shared:
            return names
        # A whole path is nobody else's; one more file may have had it as its
        # name (`a.jpg.png` beside `a.jpg`), so look again.
        names.update((path, path) for path in shared)
