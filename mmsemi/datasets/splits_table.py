"""Named splits of a data set, and how long an epoch over one is."""

import logging
import os.path as osp
from typing import Any

from mmengine.logging import print_log

from mmsemi.registry import DATASETS, class_of
from mmsemi.utils.errors import UsageError

from .splits import LABELED, TARGET, UNLABELED, listed_names


def choose_split(data: dict, split: str | None = None) -> dict[str, Any]:
    """Let the facts of a data set use the lists of one split.

    A split is the name of one the data set knows, or a folder with
    ``labeled.txt``, ``unlabeled.txt`` if there are unlabeled images, and
    ``target.txt`` if there are labeled images of the target domain.
    ``splits`` of the facts tells what is known of each by name: how many
    images its lists hold, where they are if not in ``lists``, and settings
    of the published schedule that go with it. A third list is that of labeled
    images of the target domain (``target``). Draws of one size share an
    entry: ``20_1`` and ``20/seed1`` find ``20``.

    Args:
        data: facts, changed in place: datasets get their ``ann_file``.
        split: name or folder; the one that the facts name by default.

    Returns:
        What is known of the split: ``split``, ``labeled`` and ``unlabeled``
        (numbers of images; those of the lists, where these are there) and
        the settings.

    Raises:
        UsageError: if there is no such split.
    """
    splits = data.get('splits') or {}
    if not data.get('lists') and not splits:
        if split:
            raise UsageError(
                f'--split {split}: this data set has no labeled and '
                'unlabeled lists to choose from'
            )
        return _counted(data, {})
    default = data.get('split')
    name = str(split or default)
    known = _entry(splits, name)
    if known is None and not _is_folder(data, name):
        raise UsageError(
            f'split {name}: neither a folder nor one of the splits of this '
            f'data set, {", ".join(splits)}. Name one of these, or a folder '
            f'with {LABELED} and {UNLABELED}'
        )
    if known is None or split:
        data.pop('baseline_split', None)
    if known is None:
        # Settings that go with the usual split; its numbers do not.
        usual = dict(_entry(splits, str(default)) or {})
        for key in ('labeled', 'unlabeled', 'lists'):
            usual.pop(key, None)
        known = dict(usual, lists=name)
    facts = dict(known, split=osp.basename(osp.normpath(name)))
    paths = zip(('labeled', 'unlabeled', 'target'), _lists(data, known, name))
    for role, path in paths:
        part = data.setdefault(role, {})
        # A list that the config names itself counts more than its split.
        part['ann_file'] = path if split else part.get('ann_file') or path
    if not (data.get('target') or {}).get('ann_file'):
        data.pop('target', None)  # of splits with a third list
    baseline = data.get('baseline_split')
    if baseline:
        entry = _entry(splits, baseline) or {}
        facts['labeled_rounds'] = facts.get('labeled')
        facts['labeled'] = entry.get('labeled')
        data['baseline_list'] = _lists(data, entry, baseline)[0]
    facts.pop('lists', None)
    return _counted(data, facts)


def _entry(splits: dict, name: str) -> dict | None:
    if name in splits:
        return dict(splits[name])
    for family in (name.rpartition('_')[0], name.partition('/')[0]):
        if family in splits:
            # Its lists are those of one draw.
            return {k: v for k, v in splits[family].items() if k != 'lists'}
    return None


def _is_folder(data: dict, name: str) -> bool:
    kind = class_of(data['labeled']['type'], DATASETS)
    generated = getattr(kind, 'GENERATED', False)
    return osp.isdir(name) or (generated and '/' in name)


def _lists(data: dict, entry: dict, name: str) -> tuple[str, ...]:
    given = entry.get('lists') or data['lists']
    if isinstance(given, str):
        # A person's path may have braces.
        folder = given.replace('{split}', name)
        given = (f'{folder}/{LABELED}', f'{folder}/{UNLABELED}')
        if osp.isfile(f'{folder}/{TARGET}'):
            given += (f'{folder}/{TARGET}',)
        root = data['labeled'].get('data_root')
        # Lists of a named split are below data_root, a user's are not.
        if root and entry.get('lists') == name:
            return tuple(osp.abspath(path) for path in given)
    return tuple(given)


def _counted(data: dict, facts: dict) -> dict:
    """Facts with the length of the lists, where these are there."""
    roles = dict(labeled=data.get('baseline_list'), unlabeled=None)
    for role, other in roles.items():
        part = dict(data.get('labeled') or {}, **(data.get(role) or {}))
        path = other or part.get('ann_file')
        if path and part.get('data_root'):
            path = osp.join(part['data_root'], path)
        if not path or not osp.isfile(path):
            continue
        # Whether unlabeled images are needed, the method knows.
        names = listed_names(path, allow_empty=role == 'unlabeled')
        number, said = len(names), facts.get(role)
        if said is not None and number != said:
            print_log(
                f'{path} names {number} images, but that of the published '
                f'split {facts.get("split")} has {said}: results are not '
                'comparable with published ones',
                'current',
                logging.WARNING,
            )
        facts[role] = number
    return facts


def epoch_length(data: dict, facts: dict, role: str, step: int) -> int:
    """Iterations in which all images of a role are seen once.

    Args:
        data: facts of the data set. ``epoch=dict(processes=P)`` counts as
            published code of P processes does: each takes an equal part,
            the last one filled up, and leaves out an incomplete batch.
        facts: of the split, see :func:`choose_split`.
        role: ``labeled`` or ``unlabeled``.
        step: images of that role in an iteration.

    Raises:
        UsageError: if neither list nor config tells the number of images.
    """
    images = facts.get(role)
    if not images or not step:
        raise UsageError(
            f'the config counts epochs of the {role} images, but their '
            'number is not known: neither is there a list nor does `splits` '
            'say it. Put the list in its place, or give iterations'
        )
    processes = (data.get('epoch') or {}).get('processes')
    if processes:
        return max(1, -(-images // processes) // (step // processes))
    return -(-images // step)
