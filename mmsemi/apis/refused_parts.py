"""Parts of a config that cannot be made with their settings."""

from types import FrameType, TracebackType
from typing import Any

# What wrong values raise. Faults of programs, such as names that are not
# defined, are others.
_REFUSALS = (
    ArithmeticError,
    AssertionError,
    KeyError,
    RuntimeError,
    TypeError,
    ValueError,
)
_SHOWN = 8


def refused_part(error: BaseException) -> str | None:
    """A sentence on the part of a config whose settings were refused.

    mmengine makes every part by calling its class with the settings that
    the config has. What is wrong with a value is often said by torch,
    mmengine or mmseg, which name neither the part nor the setting.

    Returns:
        None if the error was not raised while a part was made.
    """
    if not isinstance(error, _REFUSALS):
        return None
    frame = _innermost(error.__traceback__)
    if frame is None:
        return None
    made = frame.f_locals
    kind = made.get('obj_cls') or made.get('obj_type') or 'a part'
    name = getattr(kind, '__name__', None) or str(kind)
    settings = _plain(made.get('args', made.get('cfg')) or {})
    why = ' '.join(str(error.args[0] if error.args else error).split())
    why = why or type(error).__name__
    return (
        f'{name} of the config cannot be made'
        f'{f" with {settings}" if settings else ""}: {why.rstrip(".")}. '
        'Correct these settings'
    )


def _innermost(trace: TracebackType | None) -> FrameType | None:
    """The frame that made the smallest part, None where none was made."""
    found = None
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_code.co_name == 'build_from_cfg':
            found = frame
        trace = trace.tb_next
    return found


def _plain(settings: dict[str, Any]) -> str:
    """Settings that are numbers, words or short rows of them."""
    shown = [
        f'{key}={value!r}'
        for key, value in settings.items()
        if isinstance(value, (str, int, float))
        or (isinstance(value, (list, tuple)) and len(repr(value)) < 40)
    ]
    rest = ', ...' if len(shown) > _SHOWN else ''
    return ', '.join(shown[:_SHOWN]) + rest
