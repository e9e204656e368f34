"""A student named in one line, made to fit the data of a config.

``student='mmseg::segformer/...py'`` takes the model of that config. What
depends on the data (classes, size of the crop) is set from the config that
names it; everything else stays as its authors have it.
"""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from mmsemi.io.config_loading import join_imports, names_config
from mmsemi.io.package_configs import plain_import_errors
from mmsemi.registry import DATASETS, TRANSFORMS, bare_name, class_of, is_type
from mmsemi.utils.errors import UsageError

from .classifier_student import is_classifier, segmentor_of

# Where a wrapper holds whole networks, or their configs.
NETWORKS = ('student', 'student_2', 'teacher', 'generator')
# Backbones of mmseg that take images of the size they are built for only.
ONE_SIZE = ('BEiT', 'MAE')


def resolve_student(cfg: Config) -> None:
    """Put networks in place of the names of their configs.

    A network is named where it would stand, as ``model`` or as one of the
    networks in it, by a string or by ``dict(cfg=..., **changes)``. Names are
    ``package::path`` or paths of files. A ``data_preprocessor`` beside the
    model, as base files of mmseg have it, becomes that of the networks, and
    the modules their configs import are imported here, too. Changes nothing
    in a config without names.

    Args:
        cfg: config, changed in place.

    Raises:
        UsageError: if there is no such config, if it describes no network,
            or if it needs a package that is not installed.
    """
    if isinstance(cfg.get('model'), str) or is_named(cfg.get('model')):
        cfg.model = named_network(cfg, cfg.model)
    model = cfg.get('model')
    if not isinstance(model, dict):
        return
    for place in [key for key, value in model.items() if is_named(value)]:
        model[place] = named_network(cfg, model[place])
    networks = [key for key in NETWORKS if isinstance(model.get(key), dict)]
    beside = cfg.get('data_preprocessor')
    if networks and beside:
        for place in networks:
            model[place].setdefault('data_preprocessor', copy.deepcopy(beside))
        # A Runner would give it to the wrapper.
        cfg.pop('data_preprocessor')


def is_named(value: Any) -> bool:
    """Whether a value names the config of a network."""
    if isinstance(value, dict):
        value = value.get('cfg') if 'type' not in value else None
    return names_config(value)


def named_network(cfg: Config, given: str | dict) -> ConfigDict:
    """Config of a network that fits the data of the config that names it.

    Args:
        cfg: config that names it.
        given: the name, or ``dict(cfg=name, **changes)``.
    """
    changes = {} if isinstance(given, str) else dict(given)
    name = given if isinstance(given, str) else changes.pop('cfg')
    with plain_import_errors(f'student {name}'):
        other = read_config(cfg, name)
    model = other.get('model')
    if not isinstance(model, dict):
        raise UsageError(f'student {name}: the config has no model')
    network = copy.deepcopy(model.get('student') or model)
    if is_classifier(network):
        with plain_import_errors(f'student {name}'):
            network = segmentor_of(network, other)
    elif 'decode_head' not in network and 'backbone' in network:
        raise UsageError(
            f'student {name}: its model {network.get("type")} has no '
            'decode_head. Name the config of a segmentor'
        )
    if 'data_preprocessor' in other and 'student' not in model:
        network.setdefault('data_preprocessor', other.data_preprocessor)
    if other.get('custom_imports'):
        cfg.custom_imports = join_imports(
            [cfg.get('custom_imports') or {}, other.custom_imports]
        )
    classes = changes.pop('num_classes', None) or number_of_classes(cfg)
    if classes:
        set_classes(network, classes)
    size = crop_size(cfg)
    if size:
        set_size(network, size)
    wrapped = Config(dict(network=network))
    wrapped.merge_from_dict(dict(network=changes))
    return wrapped.network


def read_config(cfg: Config, name: str) -> Config:
    """The config a student is named by.

    Args:
        cfg: config that names it; a relative path may start at its folder.
        name: ``package::path`` or path.
    """
    if '::' not in name and not Path(name).is_file():
        beside = Path(cfg.filename or '.').parent / name
        if not beside.is_file():
            raise UsageError(f'student {name}: no such config file')
        name = str(beside)
    return Config.fromfile(name)


def number_of_classes(cfg: Config) -> int | None:
    """Classes of the data a config trains on, if it says."""
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        for part in dicts(cfg.get(key)):
            given = part.get('metainfo')
            if isinstance(given, dict) and given.get('classes'):
                return len(given['classes'])
            if 'type' in part:
                kind = part['type']
                found = class_of(kind, DATASETS)
                about = getattr(found, 'METAINFO', None) or {}
                if about.get('classes'):
                    return len(about['classes'])
    return None


def crop_size(cfg: Config) -> tuple[int, int] | None:
    """Height and width of the images a config trains on, if it says."""
    given = cfg.get('crop_size')
    if given is None:
        for part in dicts(cfg.get('train_dataloader')):
            if is_type(part, TRANSFORMS, 'RandomCrop'):
                given = part.get('crop_size')
                break
    if given is None:
        return None
    pair = (given, given) if isinstance(given, int) else tuple(given)
    return int(pair[0]), int(pair[1])


def set_classes(network: dict, classes: int) -> None:
    """Let all heads of a segmentor tell that many classes."""
    for key in ('decode_head', 'auxiliary_head'):
        heads = network.get(key) or []
        for head in heads if isinstance(heads, (list, tuple)) else [heads]:
            head['num_classes'] = classes
            if head.get('out_channels') not in (None, 1) or classes != 2:
                head.pop('out_channels', None)
                head.pop('threshold', None)
            for part in dicts(head.get('loss_decode')):
                weights = part.get('class_weight')
                # Weights of other classes say nothing about these.
                if isinstance(weights, (list, tuple)):
                    if len(weights) != classes:
                        part.pop('class_weight')


def set_size(network: dict, size: tuple[int, int]) -> None:
    """Pad to the crop in training, and slide with windows of its size."""
    inner = network.get('data_preprocessor')
    if inner:
        inner.pop('size_divisor', None)
        inner['size'] = size
    backbone = network.get('backbone') or {}
    if bare_name(backbone.get('type')) in ONE_SIZE:
        backbone['img_size'] = size
    test_cfg = network.get('test_cfg') or {}
    if test_cfg.get('mode') == 'slide':
        test_cfg['crop_size'] = size
        test_cfg['stride'] = tuple(max(1, side * 2 // 3) for side in size)


def dicts(value: Any) -> Iterator[dict]:
    """All dicts within a value, the outer ones first."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from dicts(item)
