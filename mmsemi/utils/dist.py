"""What one process does for all."""

import re
from collections.abc import Callable
from typing import Any

from mmengine.dist import (
    broadcast_object_list,
    get_world_size,
    is_main_process,
)

from .errors import UsageError

# What gloo and NCCL say when a process they wait for is gone.
_GONE = re.compile(
    r'closed by peer|reset by peer|Broken pipe|remote process exited|'
    r'no progress on|Timed out waiting|collective operation timeout'
)


def on_main(function: Callable, *args: Any) -> Any:
    """Call on the first process; every process gets what comes of it.

    Args:
        function: returns something that can be sent, or raises.
        args: its arguments.

    Raises:
        UsageError: the one it raised, on all processes.
        RuntimeError: on the others, if it raised something else.
    """
    shared: list[Any] = [None, None, None]
    error = None
    if is_main_process():
        try:
            shared[0] = function(*args)
        except UsageError as raised:
            error, shared[1:] = raised, [type(raised), str(raised)]
        except Exception as raised:
            error, shared[1:] = raised, [RuntimeError, repr(raised)]
    broadcast_object_list(shared, 0)
    result, kind, text = shared
    if error is not None:
        raise error
    if kind is RuntimeError:
        raise RuntimeError(f'rank 0 failed with {text}')
    if kind is not None:
        raise kind(text)
    return result


def lost_another(error: BaseException) -> bool:
    """Whether an error says that another process of the run is gone."""
    return (
        get_world_size() > 1
        and isinstance(error, RuntimeError)
        and not isinstance(error, UsageError)
        and bool(_GONE.search(str(error)))
    )
