"""One config for any machine: a step is shared out when a run is built.

Numbers in configs describe a whole step. With N processes and K parts each,
batches, samples of each source and counts of pixels are divided; iterations
stay those of the optimizer.
"""

import copy
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from mmsemi.registry import DATA_SAMPLERS, is_type
from mmsemi.utils.errors import UsageError

# Counts of pixels of a batch, in losses.
COUNTS = ('min_kept', 'num_anchors')
LOADERS = ('train_dataloader', 'semi_dataloader')


def divide(cfg: Config, world_size: int = 1, accumulate: int = 1) -> None:
    """Give every process, and every part of its share, what is its own.

    ``machine`` of the config says how it is divided already, so that the
    dumped config of a run can be divided again, on any machine.

    Args:
        cfg: resolved config, changed in place.
        world_size: processes.
        accumulate: parts of a process's share of a step.

    Raises:
        UsageError: if a size does not divide, or if batches are accumulated
            already.
    """
    counts = (cfg.get('optim_wrapper') or {}).get('accumulative_counts', 1)
    if accumulate > 1 and counts > 1:
        raise UsageError(
            f'--accumulate {accumulate} takes each step of the optimizer in '
            f'parts, but optim_wrapper.accumulative_counts={counts} lets it '
            'step only now and then. Leave one of the two out'
        )
    if world_size < 1 or accumulate < 1:
        raise UsageError(
            'processes and accumulated parts must be at least 1, got '
            f'{world_size} and {accumulate}'
        )
    old = cfg.get('machine') or {}
    processes, in_parts = old.get('processes', 1), old.get('accumulate', 1)
    before, parts = processes * in_parts, world_size * accumulate
    if (processes, in_parts) != (world_size, accumulate):
        for key in LOADERS:
            if cfg.get(key):
                _divide_loader(cfg[key], processes, world_size, parts, key)
                _tell_parts(cfg[key], accumulate)
        for place, part in _places(cfg.get('model'), 'model'):
            for key in COUNTS:
                if isinstance(part.get(key), int):
                    part[key] = share(
                        part[key] * before, parts, f'{place}.{key}'
                    )
            if part.get('per_device', 1) > 1:
                part['groups'] = max(1, part['per_device'] // parts)
                if parts == 1:
                    part.pop('groups')
    if parts > 1:
        cfg.machine = dict(processes=world_size, accumulate=accumulate)
    else:
        cfg.pop('machine', None)


def undivided(cfg: Config | dict) -> Config:
    """A copy of a resolved config, as one process takes its steps whole."""
    whole = Config(copy.deepcopy(dict(cfg)))
    divide(whole)
    return whole


def whole_counts(cfg: Config) -> None:
    """Turn counts of published devices into those of the whole step.

    ``per_device=N`` beside a count says that it is that of one of N devices.
    Elsewhere it says that something is done for each of N equal groups of a
    step's images, and stays.
    """
    for _, part in _places(cfg.get('model'), 'model'):
        counts = any(isinstance(part.get(key), int) for key in COUNTS)
        devices = part.pop('per_device', 1) if counts else 1
        for key in COUNTS:
            if isinstance(part.get(key), int):
                part[key] = part[key] * devices


def _divide_loader(
    loader: dict, before: int, processes: int, parts: int, key: str
) -> None:
    """Give a loader the share of a process, which falls into parts later."""

    def of_process(number: int, place: str) -> int:
        return share(number * before, parts, place) * (parts // processes)

    sampler = loader.get('sampler') or {}
    samples = sampler.get('samples_per_source')
    if samples:
        sampler['samples_per_source'] = tuple(
            of_process(number, f'{key}, samples_per_source')
            for number in samples
        )
    loader['batch_size'] = of_process(
        loader['batch_size'], f'{key}.batch_size'
    )


def _tell_parts(loader: dict, accumulate: int) -> None:
    """Partners of images go with the part these are in."""
    sampler = loader.get('sampler')
    if is_type(sampler, DATA_SAMPLERS, 'CutMixPartnerSampler'):
        sampler.pop('parts', None)
        if accumulate > 1:
            sampler['parts'] = accumulate


def share(number: int, parts: int, place: str) -> int:
    """Equal share of a number.

    Raises:
        UsageError: if there is none, naming the nearest that divide.
    """
    if number % parts == 0:
        return number // parts
    fits = [size for size in range(1, number + 1) if number % size == 0]
    below = max(size for size in fits if size < parts)
    above = min((size for size in fits if size > parts), default=None)
    near = f'{below} or {above}' if above else str(below)
    up = -(-number // parts) * parts
    down = number // parts * parts
    raise UsageError(
        f'{place}: {number} cannot be divided by {parts}, the processes times '
        f'the accumulated parts. Take {near} of these, or '
        f'{f"{down} or " if down else ""}{up} for {number}'
    )


def _places(value: Any, place: str) -> Iterator[tuple[str, dict]]:
    if isinstance(value, dict):
        yield place, value
        for key, item in list(value.items()):
            yield from _places(item, f'{place}.{key}')
    elif isinstance(value, (list, tuple)):
        for k, item in enumerate(value):
            yield from _places(item, f'{place}.{k}')
