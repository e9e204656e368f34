"""Images of another config for the methods of a comparison."""

import copy
from collections.abc import Sequence
from typing import Any

from mmengine.config import Config

from mmsemi.io.package_configs import find_config
from mmsemi.registry import TRANSFORMS, is_type
from mmsemi.utils.errors import UsageError

from .config import read_config

# What methods say of their data whatever the images are.
FACTS_OF_METHODS = (
    'strong',
    'views',
    'second_stream',
    'paste',
    'partners',
    'round_augment',
)
PADS, CROPS = ('PadSegFields',), ('RandomCrop', 'RareClassCrop')


def read_facts(path: str) -> dict[str, Any]:
    """Facts of the data set of a config, without those of its method.

    Raises:
        UsageError: if it states none.
    """
    facts = read_config(find_config(path)).get('data') or {}
    if 'labeled' not in facts:
        raise UsageError(
            f'--data {path} states no data set. Name a config whose `data` '
            'says where images and masks are, such as '
            'configs/_base_/datasets/nuclei.py, or the config.py of a run '
            'of `mmsemi fit`'
        )
    return {k: v for k, v in facts.items() if k not in FACTS_OF_METHODS}


def replace_data(cfg: Config, facts: dict[str, Any], config: str) -> None:
    """Give a method other images; what is its own stays.

    Views are its own, and how images with pseudo-labels are changed. Sizes
    of batches are those of the data, the same for all methods. Classes that
    a method names by their numbers are those of other images: AEL pastes any
    class.

    Args:
        cfg: config of the method, changed in place.
        facts: see :func:`read_facts`.
        config: its name, for messages.

    Raises:
        UsageError: if the method does not state its data as facts.
    """
    old = cfg.get('data') or {}
    if 'labeled' not in old:
        raise UsageError(
            f'{config} does not state its data as facts (`data`), so --data '
            'cannot replace it'
        )
    kept = {k: old[k] for k in FACTS_OF_METHODS if k in old}
    batch = {**(old.get('batch') or {}), **(facts.get('batch') or {})}
    for key in ('val', 'label'):  # as images are of equal sizes or not
        batch[key] = (facts.get('batch') or {}).get(key, 1)
    if old.get('paste'):  # into each labeled image
        batch['paste'] = batch.get('labeled', batch.get('paste'))
    if 'round_augment' in kept:
        kept['round_augment'] = padded(
            kept['round_augment'], facts.get('augment') or ()
        )
    cfg.data = {**kept, **copy.deepcopy(facts), 'batch': batch}
    if cfg.model.get('copy_paste'):
        cfg.model.copy_paste.excluded = ()


def padded(steps: Sequence[dict], usual: Sequence[dict]) -> list[dict]:
    """Steps that images smaller than a crop pass, where the data has such.

    Args:
        steps: of the method, for images with pseudo-labels.
        usual: those of the data set.
    """

    def place(kinds: Sequence[str], given: Sequence[dict]) -> int | None:
        found = (
            k
            for k, step in enumerate(given)
            if is_type(step, TRANSFORMS, *kinds)
        )
        return next(found, None)

    found = list(copy.deepcopy(steps))
    pad, crop = place(PADS, usual), place(CROPS, found)
    if None not in (pad, crop) and place(PADS, found) is None:
        found.insert(crop, copy.deepcopy(usual[pad]))
    return found
