"""Folders of results that a call which was stopped left half-filled."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmsemi.io.files import partial_of, read_json, write_json
from mmsemi.utils.errors import UsageError

# In the folder until all results are there: which call makes them.
UNFINISHED = '.unfinished.json'


class Filling:
    """Results of one call, which may be stopped and repeated.

    Until all are there, a file among them says which call makes them. Only
    the same call goes on with them.

    Args:
        folder: for the file.
        call: plain data, all that results depend on, by the words for it.
        overwrite: replace what is there; what the same call has replaced
            before it was stopped stays.
    """

    def __init__(
        self, folder: Path, call: dict[str, Any], overwrite: bool
    ) -> None:
        self.path = folder / UNFINISHED
        self.call = json.loads(json.dumps(call, default=str))
        known = read_json(self.path)
        before = known.get('call')
        self.before = before if isinstance(before, dict) else {}
        same = self.before == self.call
        replaced = same and known.get('replaces') is True
        self.replaces = overwrite or replaced
        self.goes_on = same and self.replaces == replaced
        self.since = self.path.stat().st_mtime_ns if self.goes_on else 0

    def check(self, folders: Sequence[Path]) -> None:
        """Stop if there are results of somebody else.

        Args:
            folders: for results.

        Raises:
            UsageError: naming the folder.
        """
        mine = {self.path.name, partial_of(self.path).name}
        for folder in folders:
            if folder.exists() and not folder.is_dir():
                raise UsageError(f'{folder} is a file. Choose another --out')
            if self.goes_on or self.replaces or not folder.is_dir():
                continue
            if all(path.name in mine for path in folder.iterdir()):
                continue
            words = {**self.before, **self.call}
            other = [
                word
                for word in words
                if self.before.get(word) != self.call.get(word)
            ]
            which = (
                f' of a call that was stopped, with another {", ".join(other)}'
                if self.before
                else ''
            )
            raise UsageError(
                f'{folder} holds files{which}. Choose another --out, or '
                'replace them with --overwrite'
            )

    def begin(self) -> None:
        """Note down the call; its results may be written from now on."""
        if not self.goes_on:
            note = dict(call=self.call, replaces=self.replaces)
            write_json(self.path.parent, self.path.name, note)

    def has(self, *results: Path) -> bool:
        """Whether the call, before it was stopped, had made some files."""
        return self.goes_on and all(
            path.is_file()
            and not (self.replaces and path.stat().st_mtime_ns <= self.since)
            for path in results
        )

    def end(self) -> None:
        """All results are there; what becomes of them is the user's."""
        self.path.unlink()


def state_of(path: str | Path) -> list[Any]:
    """What is another where a file was replaced since, cheap to learn."""
    path = Path(path).expanduser().absolute()
    try:
        about = path.stat()
    except OSError:
        return [str(path)]
    return [str(path), about.st_size, about.st_mtime_ns]


def digest_of(cfg: Config) -> str:
    """Of all settings of a config."""
    settings = {k: v for k, v in cfg.to_dict().items() if k != 'filename'}
    return hashlib.sha256(repr(settings).encode()).hexdigest()
