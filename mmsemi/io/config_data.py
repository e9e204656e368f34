"""Dumped configs, read as data, and configs as lists of settings."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmsemi.utils.errors import UsageError

from .regular import refuse_special

_NUMBERS = dict(inf=float('inf'), nan=float('nan'))


def read_dumped_config(path: str | Path) -> dict[str, Any]:
    """Settings of a config that mmengine dumped, without running it.

    A config is a Python program, and the one in a work dir may be anybody's.
    mmengine dumps nothing but assignments of literals and of ``dict(...)``;
    only these are read.

    Raises:
        UsageError: if the file is damaged or holds anything else.
    """
    try:
        refuse_special(path)
        tree = ast.parse(Path(path).read_bytes(), str(path))
        return dict(_assignment(node) for node in tree.body)
    except (
        SyntaxError,
        ValueError,
        TypeError,
        RecursionError,
        MemoryError,
        OSError,
    ) as error:
        line = getattr(error, 'lineno', None)
        raise UsageError(
            f'{path}{f", line {line}" if line else ""}: not the config that a '
            'run writes there, but damaged or changed by hand '
            f'({getattr(error, "msg", error)}). Restore it, or start another '
            'run with another --work-dir'
        ) from error


def _assignment(node: ast.stmt) -> tuple[str, Any]:
    if not (
        isinstance(node, ast.Assign)
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Name)
    ):
        raise _refusal(node)
    return node.targets[0].id, _value(node.value)


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name) and node.id in _NUMBERS:
        return _NUMBERS[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _value(node.operand)
        if isinstance(value, (int, float)):
            return -value
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        kind = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
        return kind(_value(item) for item in node.elts)
    if isinstance(node, ast.Dict) and None not in node.keys:
        return {
            _value(key): _value(value)
            for key, value in zip(node.keys, node.values)
        }
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ('dict', 'set')
    ):
        return _call(node)
    raise _refusal(node)


def _call(node: ast.Call) -> Any:
    """``dict(a=1)``, ``dict({...}, a=1)`` and ``set()``."""
    parts = [_value(item) for item in node.args]
    kind = ast.unparse(node.func)
    named = {item.arg: _value(item.value) for item in node.keywords}
    if None in named or len(parts) > 1:
        raise _refusal(node)
    try:
        return dict(*parts, **named) if kind == 'dict' else set(*parts)
    except TypeError as error:
        raise _refusal(node) from error


def _refusal(node: ast.AST) -> SyntaxError:
    error = SyntaxError(f'it holds code: {ast.unparse(node)[:60]}')
    error.lineno = getattr(node, 'lineno', None)
    return error


def flat_config(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Settings of a part of a config, one by one.

    Args:
        value: the part; tuples and lists are not told apart.
        path: its place in the config, such as ``'model'``.

    Yields:
        ``(path, value)``, such as ``('model.student.type', 'UPerNet')``;
        dictionaries in lists are numbered, other lists stay whole.
    """
    yield from _flat(json.loads(json.dumps(value, default=str)), path)


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list) and any(isinstance(v, dict) for v in value):
        value = {str(k): item for k, item in enumerate(value)}
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(item, f'{path}.{key}')
    else:
        # The launcher replaces SyncBN where there is no GPU.
        yield path, 'BN' if value == 'SyncBN' else value
