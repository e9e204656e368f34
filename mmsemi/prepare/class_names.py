"""Names of classes as a person gives them.

``road,car``; ``0=background,255=crack``; ``#000000=road,#ff0000=car``; a
file with one of these a line; the ``labelmap.txt`` of CVAT; or a JSON file
with a list of them.
"""

import json
import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from mmsemi.io.files import no_file
from mmsemi.utils.errors import UsageError

_HEX = re.compile(r'#[0-9a-fA-F]{6}')
_CVAT = re.compile(r'(.+?):(\d+),(\d+),(\d+):.*:.*')


class ClassName(NamedTuple):
    """A class; ``code`` is its value in masks where one was given."""

    name: str
    code: int | None
    color: bool = False


def parse_value(text: str) -> tuple[int, bool]:
    """A value of masks, ``7`` or ``#ff0000``, and whether it is a color.

    Raises:
        UsageError: if it is neither.
    """
    text = text.strip()
    if _HEX.fullmatch(text):
        return int(text[1:], 16), True
    if re.fullmatch(r'\d+', text):
        return int(text), False
    raise UsageError(
        f'{text!r} is no value of a mask. Give a number such as 255, or a '
        'color such as #ff0000'
    )


def parse_classes(given: str | Sequence[str] | None) -> list[ClassName]:
    """Read class names; an empty list where none are given.

    Args:
        given: names, or one text of names with commas between, or the path
            of a text file.

    Raises:
        UsageError: if a name comes twice, or some have values and some not.
    """
    if given is None:
        return []
    place = '--classes'
    if not isinstance(given, str):
        lines = [str(item) for item in given]
    elif os.path.isfile(given):
        place = given
        try:
            with open(given, encoding='utf-8-sig') as file:
                lines = _lines(given, file.read())
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(
                f'{given}: names of classes cannot be read ({error}). Save '
                'them as UTF-8 text, a name a line'
            ) from error
    elif given.lower().endswith(('.txt', '.csv', '.names', '.json')):
        raise UsageError(f'{given}: the file of class names {no_file(given)}')
    else:
        lines = given.split(',')
    classes = []
    for line in lines:
        line = line.strip()
        # A comment, but not a color.
        if not line or line.startswith('#') and not _HEX.match(line):
            continue
        classes.append(_parse(line))
    names = [item.name for item in classes]
    if not names:
        raise UsageError(f'{place}: no name of a class in it')
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f'{place}: the class {name!r} comes twice')
    with_value = [item for item in classes if item.code is not None]
    if with_value and len(with_value) < len(classes):
        bare = next(item.name for item in classes if item.code is None)
        raise UsageError(
            f'{place}: {with_value[0].name!r} has a value and {bare!r} has '
            'none. Give all of them a value, or none'
        )
    if len({item[1:] for item in with_value}) < len(with_value):
        raise UsageError(f'{place}: two classes have the same value')
    if len({item.color for item in with_value}) > 1:
        raise UsageError(
            f'{place}: some values are numbers and some are colors. Give '
            'those that are in the masks'
        )
    return classes


def _lines(path: str, text: str) -> list[str]:
    if not path.lower().endswith('.json'):
        return text.split('\n')  # other breaks may be in a name
    listed = json.loads(text)
    if isinstance(listed, dict):
        listed = listed.get('classes')
    if not isinstance(listed, list):
        raise ValueError('it holds no list')
    return [str(name) for name in listed]


def _parse(line: str) -> ClassName:
    cvat = _CVAT.fullmatch(line)
    if cvat:
        red, green, blue = (int(text) for text in cvat.groups()[1:])
        if max(red, green, blue) < 256:
            code = red << 16 | green << 8 | blue
            return ClassName(cvat.group(1), code, True)
    value, equals, name = line.partition('=')
    if not equals:
        return ClassName(line, None)
    code, color = parse_value(value)
    if not name.strip():
        raise UsageError(f'--classes: {line!r} has no name behind the =')
    return ClassName(name.strip(), code, color)
