"""Free space, looked at before hours are spent."""

import shutil
from pathlib import Path

from mmsemi.utils.errors import UsageError


def check_space(folder: str | Path, needed: int, what: str) -> None:
    """Refuse to begin what the disk cannot hold.

    Args:
        folder: where files will be written.
        needed: bytes.
        what: the files, in words.

    Raises:
        UsageError: naming folder, free space and need.
    """
    place = Path(folder).absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if needed > free:
        raise UsageError(
            f'{folder} has {amount(free)} of free space, and about '
            f'{amount(needed)} are needed for {what}. Free some space, or '
            'choose another folder for the run'
        )


def amount(size: float) -> str:
    """Bytes for people."""
    if size < 2**20:
        return f'{size / 2**10:.0f} KiB'
    return f'{size / 2**20:.0f} MiB'
