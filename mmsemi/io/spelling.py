"""Which name is meant by a misspelt one."""

import difflib
from collections.abc import Iterable

_CLOSE = 0.8


def closest(name: str, names: Iterable[str]) -> str | None:
    """The one of some names that another is a misspelling of, if any is."""
    near = {
        other.lower(): other
        for other in names
        if abs(len(other) - len(name)) <= 2 and other != name
    }
    found = difflib.get_close_matches(name.lower(), list(near), 1, _CLOSE)
    return near[found[0]] if found else None


def did_you_mean(name: str, names: Iterable[str], place: str = '') -> str:
    """``. Did you mean model.student?``, the rest of a message, or nothing.

    Args:
        name: that nobody knows.
        names: that are known.
        place: what stands before the name, such as ``model.``.
    """
    return asked(closest(name, names), place)


def asked(near: str | None, place: str = '') -> str:
    """The question of :func:`did_you_mean` for a name that was found."""
    return f'. Did you mean {place}{near}?' if near else ''
