"""What lies at a path."""

import os
from pathlib import Path


def no_file(path: str | Path) -> str:
    """Why there is no file to read at a path, as the rest of a sentence."""
    if os.path.isdir(path):
        return 'is a folder, where a file is needed'
    if os.path.exists(path):
        return 'is no ordinary file'
    if os.path.islink(path):
        return f'is a symbolic link to {os.readlink(path)}, which is gone'
    return 'does not exist'
