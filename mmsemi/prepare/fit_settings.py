"""Settings of a training from what the data and the machine are like."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmsemi.utils.errors import UsageError

METHODS = ('dst_cbc', 'mean_teacher', 'fixmatch', 'unimatch', 'supervised')
# Methods in rounds label every unlabeled image in several views, twice. With
# 6 masks the first labels were too often wrong, with 10 not (docs/results.md).
_FEWEST_TO_LABEL, _MOST_TO_LABEL = 10, 1000
# Networks by name; any config with a model will do in their place.
NETWORKS = dict(
    small='mmsemi::_base_/models/lateral-sum_mobilenetv2.py',
    unet='mmsemi::_base_/models/unet_small.py',
)
# Long side of images, and side of crops, that a device trains with.
LONG_SIDE = dict(cpu=320, cuda=1024)
CROP = dict(cpu=256, cuda=512)
BATCH = dict(cpu=4, cuda=8)
_STRIDE = 32
# Above this ratio between the most frequent and the rarest class, classes
# are weighted.
_IMBALANCE = 10.0


@dataclass(frozen=True)
class Setting:
    """A setting that was chosen, for a person to read.

    Attributes:
        name: what it is.
        value: plain data.
        reason: why, in a few words.
    """

    name: str
    value: Any
    reason: str


@dataclass(frozen=True)
class DataFacts:
    """What settings depend on.

    Attributes:
        sizes: (N, 2) height and width of images.
        pixels: (C,) labeled pixels of each class.
        labeled: images to learn from with masks.
        unlabeled: those without.
        partly: whether a part of some images is labeled.
    """

    sizes: np.ndarray
    pixels: np.ndarray
    labeled: int
    unlabeled: int
    partly: bool = False


def device_kind() -> str:
    """``cuda`` if there is a GPU, else ``cpu``."""
    import torch

    return 'cuda' if torch.cuda.is_available() else 'cpu'


def choose_settings(
    facts: DataFacts,
    method: str = 'auto',
    model: str = 'auto',
    weights: str | None = None,
    device: str = 'cpu',
    cpus: int | None = None,
) -> dict[str, Setting]:
    """Choose everything but the number of iterations.

    Args:
        facts: of the data.
        method: one of :data:`METHODS`, or ``auto``.
        model: one of :data:`NETWORKS`, a config, or ``auto``.
        weights: checkpoint that the network starts from.
        device: ``cpu`` or ``cuda``.
        cpus: processors that may be used.

    Raises:
        UsageError: if there is no such method.
    """
    resize = _resize(facts.sizes, device)
    crop = _crop(facts.sizes, resize.value, device)
    chosen = [
        _method(method, facts),
        _network(model, weights),
        _weights(weights),
        _rates(model, weights),
        resize,
        crop,
        _batch(facts, device),
        _class_weights(facts.pixels),
        _precision(device),
        _workers(os.cpu_count() or 1 if cpus is None else cpus),
    ]
    return {setting.name: setting for setting in chosen}


def _method(method: str, facts: DataFacts) -> Setting:
    if method not in (*METHODS, 'auto'):
        raise UsageError(
            f'--method {method}: no such method. There are auto, '
            f'{", ".join(METHODS)}'
        )
    if not facts.unlabeled:
        return Setting('method', 'supervised', 'there are no unlabeled images')
    if method != 'auto':
        return Setting('method', method, 'as you said')
    if facts.partly:
        why = 'it learns from images of which a part is labeled, too'
    elif facts.labeled < _FEWEST_TO_LABEL:
        why = (
            f'a model of {facts.labeled} image{"s" * (facts.labeled > 1)} '
            'labels many pixels wrongly, and this one learns those alone '
            'that it is sure of'
        )
    elif facts.unlabeled > _MOST_TO_LABEL:
        why = (
            f'it labels in every step what it needs; {facts.unlabeled} '
            'images take long to label all'
        )
    else:
        return Setting(
            'method',
            'dst_cbc',
            'it labels all images in two rounds, and learns the same share '
            'of the pixels of each class',
        )
    return Setting('method', 'mean_teacher', why)


def _network(model: str, weights: str | None) -> Setting:
    if model == 'auto':
        if weights:
            return Setting(
                'model',
                'small',
                'MobileNetV2 with a light head, which the weights are for',
            )
        return Setting(
            'model', 'unet', 'a small U-Net, which needs no weights'
        )
    return Setting('model', model, 'as you said')


def _weights(weights: str | None) -> Setting:
    if weights:
        return Setting('weights', weights, 'as you said')
    return Setting(
        'weights',
        None,
        'the network starts at random. With natural images weights of '
        'ImageNet usually help: --model small --weights FILE',
    )


def _rates(model: str, weights: str | None) -> Setting:
    if model not in (*NETWORKS, 'auto'):
        return Setting(
            'lr', dict(backbone=1e-4, head=1e-3), 'usual with AdamW'
        )
    if weights:
        return Setting(
            'lr',
            dict(backbone=5e-4, head=2e-3),
            'less for the backbone, which has learned before',
        )
    return Setting(
        'lr',
        dict(backbone=4e-3, head=4e-3),
        'for a network that starts at random',
    )


def _resize(sizes: np.ndarray, device: str) -> Setting:
    limit = LONG_SIDE[device]
    longest = float(np.percentile(sizes.max(1), 75))
    if longest <= 1.25 * limit:
        return Setting(
            'resize',
            None,
            f'three quarters of the images have {longest:.0f} pixels or less '
            'a side',
        )
    return Setting(
        'resize',
        limit,
        f'a quarter of the images has {longest:.0f} pixels a side or more; '
        f'with a long side of {limit} a crop shows more than texture. There, '
        f'what is thinner than {longest / limit:.1f} pixels may be lost',
    )


def _crop(sizes: np.ndarray, resize: int | None, device: str) -> Setting:
    sides = sizes.astype(float)
    if resize:
        sides = sides * (resize / sides.max(1, keepdims=True))
    side = np.median(sides, axis=0)
    most = CROP[device]

    def fit(length: float) -> int:
        # As large as half of the images are, in steps of the network.
        steps = max(int(min(length, most)) // _STRIDE, 2)
        return steps * _STRIDE

    crop = (fit(side[0]), fit(side[1]))
    return Setting(
        'crop_size',
        crop,
        f'half of the images are {side[0]:.0f} pixels high or more, and half '
        f'{side[1]:.0f} wide{", once resized" * bool(resize)}; smaller ones '
        'are padded',
    )


def _batch(facts: DataFacts, device: str) -> Setting:
    number = BATCH[device]
    kind = 'GPU' if device == 'cuda' else 'CPU'
    if not facts.unlabeled:
        return Setting('batch', dict(alone=2 * number), f'usual for a {kind}')
    return Setting(
        'batch',
        dict(alone=2 * number, labeled=2 * number, unlabeled=number),
        f'usual for a {kind}; with unlabeled images or without, a step sees '
        'as many labeled ones',
    )


def _class_weights(pixels: np.ndarray) -> Setting:
    seen = pixels[pixels > 0]
    ratio = float(seen.max() / seen.min()) if len(seen) else 1.0
    if ratio <= _IMBALANCE:
        return Setting(
            'class_weights',
            None,
            f'the most frequent class has {ratio:.1f} times the pixels of '
            f'the rarest, not more than {_IMBALANCE:.0f}',
        )
    return Setting(
        'class_weights',
        'sqrt_inverse',
        f'the most frequent class has {ratio:.0f} times the pixels of the '
        'rarest; weights are one over the root of the frequency',
    )


def _precision(device: str) -> Setting:
    if device == 'cuda':
        return Setting('amp', True, 'a GPU computes faster with 16 bits')
    return Setting('amp', False, 'there is no GPU')


def _workers(cpus: int) -> Setting:
    number = min(4, max(0, cpus - 1))
    return Setting(
        'num_workers', number, f'{cpus} processor{"s" * (cpus > 1)}'
    )


def lines_of(settings: Sequence[Setting]) -> list[str]:
    """For a terminal, a line each."""
    width = max(13, *(len(setting.name) for setting in settings))
    return [
        f'  {s.name:<{width}}  {in_words(s.value)}: {s.reason}'
        for s in settings
    ]


def in_words(value: Any) -> str:
    """A value of a setting, as a person would write it."""
    if isinstance(value, dict):
        return ', '.join(f'{k} {in_words(v)}' for k, v in value.items())
    if value is None or isinstance(value, bool):
        return {None: 'none', True: 'yes', False: 'no'}[value]
    return str(value)
