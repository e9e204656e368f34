"""One sentence for a person where a traceback says no more."""

import linecache
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmsemi.utils.errors import UsageError

from .refused_parts import refused_part

_PACKAGE = str(Path(__file__).resolve().parents[1])
_UNKNOWN_TYPE = re.compile(r"'?(\S+) is not in the (\S+(?: \w+)*) registry")
_UNKNOWN_ARGUMENT = re.compile(
    r'(?:(\w+)\.)?(?:__init__|set_randomness)\(\) got an unexpected '
    r"keyword argument '(\w+)'"
)
_MISSING_ARGUMENT = re.compile(
    r'(?:(\w+)\.)?__init__\(\) missing (\d+) required '
    r'(?:positional|keyword-only) arguments?: (.*)'
)
# What libraries say about files and networks of a person, and what it means.
_SAYINGS = (
    (
        r'failed to load image: (.+)',
        r'\1: image cannot be read. Restore the file or remove it from the '
        'list',
    ),
    (
        r'Given groups=\d+, weight of size .* to have (\d+) channels, but got '
        r'(\d+) channels',
        r'a layer of the network takes \1 channels and is given \2. Let '
        'in_channels of each part be what the part before it gives',
    ),
)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn errors that a person can mend into ``UsageError``.

    These are errors that mmsemi raises on purpose, wherever it does, and
    names in configs that nobody knows. The error itself stays the cause.
    Others are passed on: their traceback is wanted.
    """
    try:
        yield
    except UsageError as error:
        first = _first(error)
        text = _said(first)
        if first is error and text == str(error):
            raise
        raise UsageError(text) from error
    except Exception as error:
        sentence = plain_sentence(error)
        if sentence is None:
            raise
        raise UsageError(sentence) from error


def plain_sentence(error: Exception) -> str | None:
    """What an error says to a person, None where the traceback is needed."""
    first = _first(error)
    message = ' '.join(str(first.args[0] if first.args else first).split())
    if isinstance(first, UsageError):
        return ' '.join(_said(first).split())
    if isinstance(first, KeyError) and (
        found := _UNKNOWN_TYPE.search(message)
    ):
        kind = found[2].rpartition('::')[2]
        return (
            f'the config names a {kind} {found[1]}, and there is none. Check '
            'the spelling of its type, or import the module that registers '
            "it: custom_imports = dict(imports=['...'])"
        )
    if isinstance(first, TypeError) and (
        found := _UNKNOWN_ARGUMENT.search(message)
    ):
        return (
            f'{found[1] or "a part"} of the config has no setting '
            f'{found[2]!r}. Check its spelling, and which type it belongs to'
        )
    if isinstance(first, TypeError) and (
        found := _MISSING_ARGUMENT.search(message)
    ):
        return f'{found[1] or "a part"} of the config lacks {found[3]}'
    if isinstance(first, RuntimeError):
        from mmsemi.engine.memory import TOO_LARGE, is_out_of_memory

        if is_out_of_memory(first):
            return TOO_LARGE
    for saying, meaning in _SAYINGS:
        if found := re.search(saying, message):
            return found.expand(meaning)
    if message and _on_purpose(first):
        return message
    return refused_part(first)


def _said(error: BaseException) -> str:
    """The sentence of an error, without what torch puts around it.

    Of an error in a process that loads data it gives the traceback as text.
    """
    text = str(error)
    if text.startswith('Caught ') and 'DataLoader worker' in text:
        text = text.rpartition('Error: ')[2].strip()
    return text


def _first(error: BaseException) -> BaseException:
    """The error behind those that were raised on its account.

    mmengine raises some again, with the place in front of the message, and
    TypeErrors of hooks with the hook behind it.
    """
    seen = {error}
    while True:
        earlier = error.__cause__ or error.__context__
        if (
            earlier is None
            or earlier in seen
            or type(earlier) is not type(error)
            or not (
                str(error).endswith(str(earlier))
                or str(error).startswith(f'{earlier} in <')
            )
        ):
            return error
        seen.add(earlier)
        error = earlier


def _on_purpose(error: BaseException) -> bool:
    """Whether a ``raise`` of mmsemi is where the error comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or isinstance(error, AssertionError):
        return False
    last = frames[-1]
    if not Path(last.filename).resolve().is_relative_to(_PACKAGE):
        return False
    line = linecache.getline(last.filename, last.lineno or 0)
    if line.strip().startswith('raise '):
        return True
    # Python 3.10 names the line of the exception, below `raise`.
    above = linecache.getline(last.filename, (last.lineno or 1) - 1)
    return sys.version_info < (3, 11) and above.strip().startswith('raise ')
