"""The methods of a comparison, all of one length where that is wanted."""

import copy
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from mmengine.config import Config

from mmsemi.engine.build import resolve
from mmsemi.io.package_configs import find_config
from mmsemi.report.comparison import BASELINES
from mmsemi.utils.errors import UsageError

from .compare_data import read_facts, replace_data
from .compare_lengths import lengths, set_length
from .config import check_overruled, read_config, set_options


class Method(NamedTuple):
    """A row of the comparison.

    Attributes:
        name: short name, unique in the comparison.
        config: file or name the user gave; of a baseline, the one it was
            derived from.
        cfg: its settings, facts not resolved.
        role: ``method`` or ``baseline``.
        iterations: length of its run.
        images: images that it draws in its run.
        labeled: how many of them are drawn with their labels; None where
            the sampler leaves that open.
        labeled_batch: images with labels in its smallest batch; None as
            above.
    """

    name: str
    config: str
    cfg: Config
    role: str
    iterations: int
    images: int
    labeled: int | None
    labeled_batch: int | None


def read_methods(
    configs: Sequence[str],
    options: dict[str, Any] | None = None,
    iterations: int | None = None,
    split: str | None = None,
    data: str | None = None,
) -> list[Method]:
    """Methods by the names of their configs.

    Args:
        configs: files, or names of configs that mmsemi brings.
        data: config whose data set takes the place of theirs.
        options: settings to change in all of them, by their dotted keys.
        iterations: length of every run; that of each config by default.
        split: one on which lengths in epochs are counted.

    Raises:
        UsageError: if a config does not exist, is named twice, or is none
            that ``mmsemi train`` trains alone.
    """
    paths = [find_config(config) for config in configs]
    names = short_names(configs)
    for name, config in zip(names, configs):
        if name in BASELINES:
            raise UsageError(
                f'config {config} would be called {name}, as a baseline is. '
                'Give its folder another name'
            )
    facts = read_facts(data) if data else None
    methods = []
    for name, config, path in zip(names, configs, paths):
        try:
            cfg = read_config(path, None if facts else options)
            if facts:
                replace_data(cfg, facts, config)
                set_options(cfg, options)
            if options:
                check_overruled(resolved(cfg, split), options)
        except UsageError as error:
            words = str(error).replace('--cfg-options', '--set')
            raise UsageError(words) from error
        if cfg.get('train_cfg') is None or cfg.get('model') is None:
            raise UsageError(f'config {config} trains no model')
        if 'DynamicMutualLoss' in json.dumps(cfg.model.to_dict(), default=str):
            raise UsageError(
                f'config {config}: DMT trains two models that label for each '
                'other, by `mmsemi mutual`, and cannot be a cell of a '
                'comparison. Leave it out'
            )
        methods.append(
            make_method(name, config, cfg, 'method', iterations, split)
        )
    return methods


def short_names(configs: Sequence[str]) -> list[str]:
    """Names of folders where these tell configs apart, else with files.

    Raises:
        UsageError: if a config is named twice.
    """
    parts = []
    for config in configs:
        words = str(config).split('::')[-1].removesuffix('.py').split('/')
        words = [word for word in words if word not in ('', '.', '..')]
        parts.append((words[-2] if len(words) > 1 else '', words[-1]))
    folders = Counter(folder for folder, _ in parts)
    names = [
        folder
        if folder and folders[folder] == 1
        else '-'.join(filter(None, (folder, file)))
        for folder, file in parts
    ]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(
            f'{twice[0]} is named twice. Name each config once, and let '
            'files of your own differ in their names'
        )
    return names


def make_method(
    name: str,
    config: str,
    cfg: Config,
    role: str,
    iterations: int | None,
    split: str | None,
) -> Method:
    """A method of a given length."""
    written = resolved(cfg, split)
    if iterations is not None:
        set_length(cfg, written, iterations)
        written = resolved(cfg, split)
    parts = [
        (number, written[f'{key}_dataloader'])
        for number, key in zip(lengths(written), ('train', 'semi'))
        if number
    ]
    drawn = [labeled_in(loader) for _, loader in parts]
    known = [number for number in drawn if number is not None]
    whole = len(known) == len(drawn)
    return Method(
        name,
        config,
        cfg,
        role,
        sum(number for number, _ in parts),
        sum(number * loader.batch_size for number, loader in parts),
        sum(n * (k or 0) for (n, _), k in zip(parts, drawn))
        if whole
        else None,
        min(known) if whole else None,
    )


def with_settings(
    method: Method, options: dict[str, Any], split: str | None
) -> Method:
    """A method with settings that tuning tries out or has chosen.

    Raises:
        UsageError: if nothing reads one of them, the data overrules it, or
            it changes the length of the run.
    """
    cfg = copy.deepcopy(method.cfg)
    try:
        set_options(cfg, options)
        check_overruled(resolved(cfg, split), options)
    except UsageError as error:
        words = str(error).replace('--cfg-options', '--tune')
        raise UsageError(words) from error
    found = make_method(
        method.name, method.config, cfg, method.role, None, split
    )
    if found.iterations != method.iterations:
        given = ', '.join(f'{key}={value}' for key, value in options.items())
        raise UsageError(
            f'--tune {given} changes the length of {method.name}, '
            f'{method.iterations} iterations, into {found.iterations}, and '
            'runs of other lengths are no equal budget. Leave it out'
        )
    return found


def labeled_in(loader: dict) -> int | None:
    """Images of a batch that are learned with their own labels.

    Those that AEL pastes from are not counted, they are not learned from
    themselves. None where a sampler does not say how many there are.
    """
    dataset, sampler = loader['dataset'], loader.get('sampler') or {}
    if 'labeled' not in dataset:
        return loader['batch_size']
    parts = [
        part
        for part in ('labeled', 'target', 'paste', 'unlabeled')
        if dataset.get(part)
    ]
    samples = sampler.get('samples_per_source')
    if samples is None:
        return None
    drawn = dict(zip(parts, samples))
    return drawn['labeled'] + drawn.get('target', 0)


def resolved(cfg: Config, split: str | None) -> Config:
    """A resolved copy of a config."""
    copied = copy.deepcopy(cfg)
    return resolve(copied, split)
