"""In which settings the methods of a comparison leave their shared base."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmsemi.io.config_data import flat_config, read_dumped_config
from mmsemi.registry import bare_name
from mmsemi.utils.errors import UsageError

from .comparison import ALL_LABELS, LABELED_ONLY
from .recipe import PLACES

# A config is told by this many settings; the JSON has all.
MOST = 60
# What the comparison itself adds to every run.
NOTES = ('MaskWatchHook', 'ForwardCountHook')
# Parts that are told as they are.
PLAIN = (
    'train_cfg',
    'optim_wrapper',
    'param_scheduler',
    'val_dataloader',
    'val_evaluator',
    'load_from',
)


def shared_names(cfg: dict) -> dict[str, Any]:
    """Settings of a run, those that methods share under one name.

    A network is called ``network`` wherever a method keeps it, labeled
    images ``labeled`` whatever they are mixed with, and hooks go by their
    types, so that a method differs in what it is and not in where it has it.
    """
    flat: dict[str, Any] = {}
    for name, part in _parts(cfg):
        flat.update(flat_config(in_short(part), name))
    for path in [p for p in flat if p.startswith('semi.labeled.')]:
        if flat[path] == flat.get(path.replace('semi', 'train', 1)):
            del flat[path]  # rounds treat labeled images as their beginning
    return {
        path: value
        for path, value in flat.items()
        if path.rsplit('.', 1)[-1] not in PLACES
    }


def _parts(cfg: dict) -> Iterator[tuple[str, Any]]:
    model = dict(cfg.get('model') or {})
    if 'student' in model:
        yield 'network', _with_criterion(model.pop('student'), model)
        yield 'method', model
    else:
        yield 'network', model
    for hook in cfg.get('custom_hooks') or []:
        kind = bare_name(hook.get('type'))
        if kind not in NOTES:
            yield f'hooks.{kind}', hook
    for key in PLAIN:
        if cfg.get(key) is not None:
            yield key, cfg[key]
    for key in ('train_dataloader', 'semi_dataloader', 'label_dataloader'):
        loader = dict(cfg.get(key) or {})
        dataset = loader.pop('dataset', None)
        if dataset is None:
            continue
        place = key.removesuffix('_dataloader')
        yield f'{place}.loader', loader
        if isinstance(dataset.get('labeled'), dict):
            for name, part in dataset.items():
                if isinstance(part, dict):
                    yield f'{place}.{name}', part
        else:
            name = 'labeled' if key == 'train_dataloader' else 'images'
            yield f'{place}.{name}', dataset


def _with_criterion(network: dict, method: dict) -> dict:
    """A network with the loss that rounds keep in their objective."""
    objective = dict(method.get('objective') or {})
    criterion = objective.pop('criterion', None)
    head = network.get('decode_head')
    if not criterion or not isinstance(head, dict):
        return network
    method['objective'] = objective
    return dict(network, decode_head=dict(head, loss_decode=criterion))


def in_short(value: Any) -> Any:
    """A part of a config with each pipeline as one setting."""
    if isinstance(value, dict):
        return {
            key: ', '.join(map(step, item))
            if key == 'pipeline' and isinstance(item, (list, tuple))
            else in_short(item)
            for key, item in value.items()
        }
    return value


def step(transform: Any) -> str:
    """``Resize(scale=(240, 180))`` of a transform."""
    if isinstance(transform, (list, tuple)):
        return ', '.join(map(step, transform))
    if not isinstance(transform, dict) or 'type' not in transform:
        return repr(transform)
    kind = bare_name(transform['type'])
    if kind == 'MultiBranch' and set(transform) == {'type', 'sup'}:
        # Labeled images beside others end so; alone they are packed at once.
        return step(transform['sup'])
    rest = (
        f'{key}={step(item) if kind == "MultiBranch" else item!r}'
        for key, item in transform.items()
        if key != 'type'
    )
    return f'{kind}({", ".join(rest)})'


def changes(base: dict[str, Any], own: dict[str, Any]) -> list[str]:
    """``key: old -> new`` of what differs, ``+ key = value`` of what is new.

    What only the base has, such as hooks it alone needs, is ``- key``.
    """
    found = []
    for key in sorted({**base, **own}):
        if key not in base:
            found.append(f'+ {key} = {own[key]}')
        elif key not in own:
            found.append(f'- {key} = {base[key]}')
        elif base[key] != own[key]:
            found.append(f'{key}: {base[key]} -> {own[key]}')
    return found


def base_name(cells: Sequence[dict]) -> str:
    """What others are held against: labeled-only, or the first method."""
    names = [c['method'] for c in cells if c['setting'] is None]
    return LABELED_ONLY if LABELED_ONLY in names else (names or ['-'])[0]


def config_changes(cells: Sequence[dict]) -> dict[str, list[str]]:
    """Settings in which each method leaves labeled-only, of its first cell.

    Without labeled-only the first method is what others are held against.
    """
    read: dict[str, dict] = {}
    for cell in cells:
        if cell['setting'] is None and cell['method'] not in read:
            path = Path(cell['folder'], cell['config'])
            try:
                read[cell['method']] = shared_names(read_dumped_config(path))
            except UsageError:
                continue
    base = read.get(base_name(cells)) or next(iter(read.values()), {})
    return {
        name: changes(base, settings)
        for name, settings in read.items()
        if settings is not base
    }


def configs(cells: Sequence[dict], changed: dict[str, list[str]]) -> list[str]:
    """The diff of each method's config against the shared base."""
    lines = [
        '## Configs against the shared base',
        '',
        f'Settings in which each method leaves {base_name(cells)}, `+` where '
        'only the method has one, `-` where only the base has it; all else '
        '(network, weights to start from, data, augmentation, optimizer, '
        'schedule, evaluator) is equal.',
        '',
    ]
    origins = {c['method']: c['origin'] for c in cells}
    for name, found in changed.items():
        if name == ALL_LABELS:
            found = [*found, '(the labels of all images)']
        lines += [
            f'<details><summary>{name} ({origins[name]}): '
            f'{len(found)} settings</summary>',
            '',
            '```text',
            *found[:MOST],
            *([f'... and {len(found) - MOST} more'] * (len(found) > MOST)),
            '```',
            '</details>',
            '',
        ]
    return lines
