"""JSON files, whoever wrote them: read whole, or refused for one reason."""

import json
from pathlib import Path
from typing import Any

from .regular import refuse_special


class NoJson(ValueError):
    """A file holds no JSON; the message says so in a sentence.

    Attributes:
        why: the reason alone.
    """

    def __init__(self, path: str | Path, why: str) -> None:
        super().__init__(
            f'{path} holds no JSON, or a damaged one ({why}). Restore the file'
        )
        self.why = why


def load_json(path: str | Path) -> Any:
    """Content of a JSON file.

    Raises:
        OSError: if there is none, or a pipe, socket or device.
        NoJson: if it holds something else.
    """
    refuse_special(path)
    with open(path, 'rb') as file:
        content = file.read()
    try:
        return json.loads(content)
    except RecursionError as error:
        raise NoJson(path, 'brackets within brackets without end') from error
    except ValueError as error:
        raise NoJson(path, str(error)) from error
