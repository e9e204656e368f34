"""Which checkpoint of a run to go on from."""

import re
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from mmsemi.io.regular import refuse_special
from mmsemi.utils.errors import UsageError

POINTER = 'last_checkpoint'
REGULAR = re.compile(r'(?:iter|epoch)_(\d+)\.pth')


def is_whole(path: Path) -> bool:
    """Whether a checkpoint is all there; reads it once, checksums included.

    torch writes ZIP archives, whose table of contents comes last.
    """
    try:
        refuse_special(path)
        state = path.stat()
        return _is_whole(path, state.st_size, state.st_mtime_ns)
    except OSError:
        return False


@lru_cache(maxsize=32)
def _is_whole(path: Path, size: int, changed: int) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            # torch compresses nothing; what claims to could fill the memory.
            packed = any(i.compress_type for i in archive.infolist())
            return not packed and archive.testzip() is None
    except OSError:
        raise
    except Exception:  # damaged bytes raise nearly anything
        return False


def newest_whole(
    folder: str | Path, say: Callable[[str], None] = print
) -> Path | None:
    """The checkpoint a run in ``folder`` goes on from, None without any.

    It is the one that ``last_checkpoint`` names. Only the name counts, so a
    folder that was copied or moved goes on from its own. Where that file is
    missing or damaged, or the pointer is, it is the latest whole one.

    Args:
        folder: work dir of the run.
        say: told when a checkpoint cannot be used.

    Raises:
        UsageError: if there are checkpoints, or the pointer names one, and
            none is whole.
    """
    folder = Path(folder)
    numbered = {
        int(match[1]): path
        for path in folder.glob('*.pth')
        if (match := REGULAR.fullmatch(path.name))
    }
    candidates = [numbered[number] for number in sorted(numbered)[::-1]]
    pointer = folder / POINTER
    named = Path(_read(pointer)).name
    if named:
        first = folder / named
        candidates = [first] + [p for p in candidates if p != first]
    elif pointer.exists():
        say(f'{pointer} is damaged; looking for the latest checkpoint')
    for path in candidates:
        if is_whole(path):
            return path
        say(
            f'{path} is {"damaged" if path.exists() else "missing"}; '
            'looking for the latest whole checkpoint'
        )
    if candidates:
        raise UsageError(
            f'cannot resume {folder}: no checkpoint in it is whole. Bring '
            f'{candidates[0].name} back, or start anew with --overwrite'
        )
    return None


def _read(pointer: Path) -> str:
    try:
        refuse_special(pointer)
        text = pointer.read_text().strip().replace('\\', '/')
    except (OSError, ValueError):
        return ''
    return text if text.endswith('.pth') and '\0' not in text else ''
