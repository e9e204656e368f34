"""Facts of a data set that a config may state, and variants of them."""

import copy
from typing import Any

from mmsemi.io.spelling import did_you_mean
from mmsemi.utils.errors import UsageError

# Every fact there is; see docs/reference for what each means.
FACTS = (
    'labeled target unlabeled val partly_labeled lists split splits '
    'baseline_split baseline_list variant variants load mean std '
    'resize crop_size augment sup_augment round_augment strong views '
    'second_stream paste partners match_image label_resize test_resize '
    'test_pad tta_scales batch num_workers val_workers label_workers '
    'round_sampler evaluator zero_label word_vectors epoch'
).split()

# Ways of training, see `mmsemi.datasets.recipe`.
REGIMES = ('supervised', 'rounds', 'online')

# Names within facts that are groups of numbers.
_WITHIN = dict(
    batch='alone labeled unlabeled rounds label val target paste'.split(),
    epoch=['processes'],
)
_GROUPS = (
    'labeled target unlabeled val splits variants load batch zero_label '
    'word_vectors epoch'
).split()
_STEPS = (
    'augment sup_augment round_augment strong paste resize label_resize '
    'test_resize'
).split()
_SWITCHES = ('match_image', 'partners', 'second_stream')
_TEXTS = ('partly_labeled', 'baseline_list', 'baseline_split')
_COUNTS = ('views', 'num_workers', 'val_workers', 'label_workers')


def settle_variant(data: dict) -> dict:
    """Facts with those of the chosen variant in place.

    Raises:
        UsageError: if a fact or the variant is not known.
    """
    data = {
        key: value
        for key, value in data.items()
        if value is not None or key == 'val'  # None: nothing is validated
    }
    chosen = data.get('variant')
    variants = data.get('variants') or {}
    if chosen:
        if chosen not in variants:
            raise UsageError(
                f'data.variant: there is no variant {chosen}, but '
                f'{", ".join(variants) or "none"}. Name one of these'
            )
        if not isinstance(variants[chosen], dict):
            raise UsageError(
                f'data.variants.{chosen} must be a dict of settings, got '
                f'{variants[chosen]!r}'
            )
        # What the config says itself counts more.
        data = merged(variants[chosen], data)
    unknown = sorted(set(data) - set(FACTS))
    if unknown:
        raise UsageError(
            f'data.{unknown[0]}: no such setting. There are {", ".join(FACTS)}'
        )
    _check_kinds(data)
    return data


def _check_kinds(data: dict) -> None:
    """Stop at a fact that is not what its name says.

    Raises:
        UsageError: naming the fact and its value.
    """

    def wrong(name: str, kind: str, value: Any) -> UsageError:
        return UsageError(f'data.{name} must be {kind}, got {value!r}')

    groups = {name: data.get(name) or {} for name in _GROUPS}
    for name, group in groups.items():
        if not isinstance(group, dict):
            raise wrong(name, 'a dict of settings', group)
    for name, known in _WITHIN.items():
        unknown = sorted(set(groups[name]) - set(known))
        if unknown:
            raise UsageError(
                f'data.{name}.{unknown[0]}: no such setting'
                f'{did_you_mean(unknown[0], known) or "."} There '
                f'{"are" if len(known) > 1 else "is"} {", ".join(known)}'
            )
    if 'type' not in groups['labeled']:
        raise wrong('labeled', 'a data set with a type', groups['labeled'])
    for role in ('labeled', 'target', 'unlabeled', 'val'):
        _check_places(f'data.{role}', groups[role])
    evaluator = data.get('evaluator') or []
    for part in evaluator if isinstance(evaluator, list) else [evaluator]:
        if not isinstance(part, dict):
            raise wrong('evaluator', 'a dict of settings, or some', evaluator)
    for name in ('mean', 'std'):
        if not isinstance(data.get(name) or [], (list, tuple)):
            raise wrong(name, 'a number for each band', data[name])
    for name, entry in groups['splits'].items():
        if not isinstance(entry, dict):
            raise wrong(f'splits.{name}', 'a dict of settings', entry)
    for name in _SWITCHES:
        if not isinstance(data.get(name, True), bool):
            raise wrong(name, 'True or False', data[name])
    for name in _TEXTS:
        if not isinstance(data.get(name, ''), str):
            raise wrong(name, 'text', data[name])
    if not isinstance(data.get('round_sampler') or {}, dict):
        raise wrong(
            'round_sampler', 'a dict of settings', data['round_sampler']
        )
    if not isinstance(data.get('lists') or '', (str, list, tuple)):
        raise wrong('lists', 'a folder or two lists', data['lists'])
    scales = data.get('tta_scales') or ()
    if not isinstance(scales, (list, tuple)) or not all(
        isinstance(scale, (int, float)) and scale > 0 for scale in scales
    ):
        raise wrong('tta_scales', 'a list of numbers above 0', scales)
    for name in _STEPS:
        steps = data.get(name) or []
        if not isinstance(steps, (list, tuple)):
            raise wrong(name, 'a list of transforms', steps)
    counts = {f'batch.{k}': v for k, v in (data.get('batch') or {}).items()}
    counts.update((name, data[name]) for name in _COUNTS if name in data)
    for name, value in counts.items():
        if type(value) is not int or value < 0:
            raise wrong(name, 'a whole number of 0 or more', value)
    processes = groups['epoch'].get('processes', 1)
    if type(processes) is not int or processes < 1:
        raise wrong(
            'epoch.processes', 'a whole number of 1 or more', processes
        )
    size = data.get('crop_size', 1)
    sides = size if isinstance(size, (list, tuple)) else (size, size)
    if len(sides) != 2 or any(type(s) is not int or s < 1 for s in sides):
        raise wrong('crop_size', 'a height and a width in pixels', size)


def check_regime(data: dict, regime: str) -> None:
    """Stop where a way of training lacks a fact that it needs.

    Args:
        data: facts, with the variant settled.
        regime: ``supervised``, ``rounds`` or ``online``.

    Raises:
        UsageError: naming the fact, or the regimes there are.
    """
    if regime not in REGIMES:
        raise UsageError(
            f'regime must be one of {", ".join(REGIMES)}, got {regime}'
        )
    if data.get('augment') is None:
        raise UsageError(
            'data.augment is missing: the transforms of training images. '
            'Give a list; it may be empty'
        )
    batch, needed = data.get('batch') or {}, ['alone']
    if regime == 'online':
        needed = ['labeled', 'unlabeled']
    elif regime == 'rounds' and not data.get('zero_label'):
        rounds = ['rounds'] if data.get('round_sampler') else []
        needed += rounds or ['labeled', 'unlabeled']
    missing = [name for name in needed if batch.get(name) is None]
    if missing:
        raise UsageError(
            f'data.batch.{missing[0]} is missing: the number of images of '
            'this kind in a batch'
        )


def _check_places(name: str, dataset: dict) -> None:
    """Folders and lists of a data set are paths, its classes names."""
    if dataset.keys() & {'dataset', 'datasets'}:
        raise UsageError(
            f'{name} must be one data set, got {dataset.get("type")} of '
            'others: labeled, unlabeled and validation images are lists of '
            'it. List those of all sets below one folder (links will do), or '
            'join data sets in train_dataloader and the other loaders'
        )
    classes = (dataset.get('metainfo') or {}).get('classes', ('a',))
    if (
        not isinstance(classes, (list, tuple))
        or not classes
        or not all(isinstance(one, str) for one in classes)
    ):
        raise UsageError(
            f'{name}.metainfo.classes must name each class, got {classes!r}'
        )
    indices = dataset.get('indices', 1)
    if indices == 0 or not isinstance(indices, (int, list, tuple)):
        raise UsageError(
            f'{name}.indices must be the number of images to take, or their '
            f'places in the list, got {indices!r}'
        )
    prefix = dataset.get('data_prefix', {})
    if not isinstance(prefix, dict):
        raise UsageError(
            f"{name}.data_prefix must be a dict such as dict(img_path='...'), "
            f'got {prefix!r}'
        )
    paths = {f'data_prefix.{key}': path for key, path in prefix.items()}
    paths.update(
        (key, dataset[key])
        for key in ('data_root', 'ann_file', 'img_suffix', 'seg_map_suffix')
        if dataset.get(key) is not None
    )
    for key, path in paths.items():
        if not isinstance(path, str):
            raise UsageError(f'{name}.{key} must be text, got {path!r}')


def merged(base: dict, changes: dict) -> dict:
    """A copy of nested settings with some of them replaced."""
    result = copy.copy(dict(base))
    for key, value in changes.items():
        old = result.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            value = dict(value)
            result[key] = (
                value if value.pop('_delete_', False) else merged(old, value)
            )
        else:
            result[key] = value
    return result


def zero_label_metainfo(facts: dict) -> dict:
    """Metainfo of a data set some classes of which have no annotation."""
    found = dict(classes=facts['classes'], num_seen=facts['num_seen'])
    if facts.get('colors'):
        found['palette'] = [facts['colors'][n] for n in facts['classes']]
    return found
