"""Whether the weights a run starts from are there and can be read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmsemi.io.checkpoints import read_checkpoint
from mmsemi.io.files import no_file
from mmsemi.io.published import advice
from mmsemi.utils.errors import UsageError


def check_weights(cfg: Config) -> None:
    """Look at the local checkpoints a config starts from.

    Their names and shapes are read, the numbers are not.

    Raises:
        UsageError: naming the first file that is missing, damaged or no
            checkpoint, and who wants it.
    """
    seen = set()
    for place, path in wanted_weights(cfg):
        if path not in seen:
            check_checkpoint(path, place)
        seen.add(path)


def check_checkpoint(path: str, place: str = '') -> None:
    """Look at one checkpoint, if it is on this machine.

    Args:
        path: of the file.
        place: which setting names it; empty where a person gave the file.

    Raises:
        UsageError: if it is missing, damaged or no checkpoint.
    """
    if '://' in path:
        return
    start = f'{place}: ' if place else ''
    if place and not Path(path).expanduser().is_file():
        raise UsageError(
            f'{start}checkpoint {path} {no_file(path)}. Bring it there '
            '(the README of the config says from where; '
            '`mmsemi convert` makes it from a published one) or name '
            'another by --cfg-options'
        )
    try:
        content = read_checkpoint(path, map_location='meta')
    except UsageError as error:
        raise UsageError(f'{start}{error}') from error
    state = content.get('state_dict', content)
    if not isinstance(state, dict) or not any(
        hasattr(value, 'shape') for value in state.values()
    ):
        foreign = advice(path, content)
        if foreign is not None:
            raise UsageError(f'{start}{foreign}')
        raise UsageError(
            f'{start}checkpoint {path} holds no weights, only '
            f'{", ".join(map(str, list(content)[:5])) or "nothing"}. Name '
            'another file'
        )


def wanted_weights(cfg: Config) -> Iterator[tuple[str, str]]:
    """``(who wants it, checkpoint)`` of everything a config names."""
    wanted: list[tuple[str, Any]] = [('load_from', cfg.get('load_from'))]
    for part in _parts(cfg.get('model')):
        init = part.get('init_cfg')
        wanted += [
            (f'init_cfg of {part.get("type")}', item.get('checkpoint'))
            for item in (init if isinstance(init, (list, tuple)) else [init])
            if isinstance(item, dict)
        ]
        wanted += [
            (f'{key} of {part.get("type")}', part.get(key))
            for key in ('pretrained', 'checkpoint_path')
        ]
    for hook in cfg.get('custom_hooks') or []:
        model = hook.get('labeling_model')
        if isinstance(model, dict):
            wanted.append(('labeling_model', model.get('checkpoint')))
    return ((place, path) for place, path in wanted if isinstance(path, str))


def _parts(value: Any) -> Iterator[dict]:
    if isinstance(value, dict):
        yield value
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return
    for item in value:
        yield from _parts(item)
