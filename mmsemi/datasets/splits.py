"""Lists of labeled and unlabeled images, and where a config names them."""

import os.path as osp
from collections.abc import Iterator, Sequence
from itertools import combinations

from mmengine.config import Config

from mmsemi.io.files import no_file
from mmsemi.registry import DATASETS, LOOPS, is_type
from mmsemi.utils.errors import UsageError

from .lists import read_names
from .names import Names

LABELED, UNLABELED = 'labeled.txt', 'unlabeled.txt'
TARGET = 'target.txt'
PLAIN_LOOPS = ('IterBasedTrainLoop', 'EpochBasedTrainLoop')
TRAIN_LOADERS = ('train_dataloader', 'semi_dataloader', 'label_dataloader')
WITHOUT_LABELS = ('UnlabeledDataset', 'PseudoLabelDataset')


def read_list(path: str, allow_empty: bool = False) -> list[str]:
    """Images a list file names, see :func:`listed_names`."""
    return listed_names(path, allow_empty).all()


def listed_names(path: str, allow_empty: bool = False) -> Names:
    """Images a list file names, see :func:`.lists.read_names`.

    Raises:
        UsageError: if the file is missing, unreadable or empty, or names an
            image twice.
    """
    if not osp.isfile(path):
        raise UsageError(f'{path}: the list {no_file(path)}. {remedy(path)}')
    names = read_names(path)
    if not names and not allow_empty:
        raise UsageError(f'{path}: the list is empty. {remedy(path)}')
    twice = names.repeated
    if twice:
        raise UsageError(
            f"{path}: '{twice[0]}' is listed twice"
            f'{more(twice)}. Remove the repeated lines'
        )
    return names


def check_below(path: str, names: Sequence[str]) -> None:
    """Stop at a name that leaves the folder of the images.

    Labels are stored under the names of images, and must stay in the store.

    Raises:
        UsageError: naming list and line.
    """
    wrong = [
        name for name in names if osp.isabs(name) or '..' in name.split('/')
    ]
    if wrong:
        raise UsageError(
            f"{path}: '{wrong[0]}'{more(wrong)} leaves the folder of the "
            'images. Let img_path of data_prefix be the folder above all '
            'images, and name them relative to it'
        )


def remedy(path: str) -> str:
    """What to do about a missing or useless list."""
    if osp.basename(path) in ('aug.txt', 'trainaug.txt'):
        return (
            '`mmsemi splits voc <VOC2012> --aug` writes '
            'it from the masks in SegmentationClassAug'
        )
    return (
        'Make lists with mmsemi splits, or bring published ones in with '
        'mmsemi import-splits'
    )


def more(found: Sequence) -> str:
    """``' (and 3 more)'`` where only the first of some is named."""
    return f' (and {len(found) - 1} more)' if len(found) > 1 else ''


def list_hash(lines: Sequence[str]) -> str:
    """SHA-256 of a list: order counts, line ends do not."""
    return Names(lines).hash


def check_disjoint(**lists: Sequence[str]) -> None:
    """Stop if an image is in two lists.

    Args:
        lists: images by the name of their list.

    Raises:
        UsageError: naming the two lists and the first image in both.
    """
    for (a, first), (b, second) in combinations(lists.items(), 2):
        fewer, others = sorted((first, second), key=len)
        known = set(fewer)
        shared = {name for name in others if name in known}
        if shared:
            names = [name for name in first if name in shared]
            raise UsageError(
                f"'{names[0]}'{more(names)} is in both the {a} and the {b} "
                'images. Remove it from one of the two lists'
            )


def leaf_datasets(
    dataset: dict, role: str = 'labeled'
) -> Iterator[tuple[str, dict]]:
    """``(role, config)`` of the datasets inside wrappers and joins.

    Args:
        dataset: dataset config.
        role: what images are for unless a wrapper says ``'unlabeled'``.
    """
    if is_type(dataset, DATASETS, 'SemiDataset'):
        for part in ('labeled', 'target', 'paste'):
            if dataset.get(part):
                yield from leaf_datasets(dataset[part], role)
        if dataset.get('unlabeled'):
            yield from leaf_datasets(dataset['unlabeled'], 'unlabeled')
    elif is_type(dataset, DATASETS, *WITHOUT_LABELS):
        yield from leaf_datasets(dataset['dataset'], 'unlabeled')
    elif 'datasets' in dataset:
        for part in dataset['datasets']:
            yield from leaf_datasets(part, role)
    elif isinstance(dataset.get('dataset'), dict):
        yield from leaf_datasets(dataset['dataset'], role)
    else:
        yield role, dataset


def target_datasets(cfg: Config) -> Iterator[dict]:
    """Configs of the labeled datasets of the target domain, if there are any.

    They are among the labeled ones of :func:`config_datasets`.
    """
    for key in TRAIN_LOADERS:
        dataset = (cfg.get(key) or {}).get('dataset') or {}
        if dataset.get('target'):
            yield from (leaf for _, leaf in leaf_datasets(dataset['target']))


def config_datasets(cfg: Config) -> Iterator[tuple[str, dict]]:
    """``(role, config)`` of all training and validation datasets.

    Roles are ``labeled``, ``unlabeled`` and ``val``; a dataset that several
    loaders use is given each time.
    """
    # Plain supervised training leaves the other loaders of its base alone.
    loop = cfg.get('train_cfg')
    plain = is_type(loop, LOOPS, *PLAIN_LOOPS)
    for key in TRAIN_LOADERS[:1] if plain else TRAIN_LOADERS:
        if cfg.get(key):
            yield from leaf_datasets(cfg[key]['dataset'])
    if cfg.get('val_dataloader'):
        yield from leaf_datasets(cfg['val_dataloader']['dataset'], 'val')


def source_of(config: dict) -> str:
    """The list (or folder) a dataset reads its images from."""
    path = (
        config.get('ann_file')
        or config.get('data_prefix', {}).get('img_path')
        or config['type']
    )
    return below_root(config, path)


def below_root(config: dict, path: str) -> str:
    """A path of a dataset config, with its data root."""
    root = config.get('data_root')
    return osp.join(root, path) if root else path


def set_split(cfg: Config, folder: str) -> None:
    """Make the training datasets of a config use the lists of a folder.

    Args:
        cfg: config, changed in place.
        folder: holds ``labeled.txt``, and ``unlabeled.txt`` if the config has
            unlabeled images. Labeled images of the target domain stay what
            they are, unless there is a ``target.txt`` for them.

    Raises:
        UsageError: if a list is missing or no dataset reads lists.
    """
    names = dict(labeled=LABELED, unlabeled=UNLABELED)
    few = {id(dataset) for dataset in target_datasets(cfg)}
    found = False
    for role, dataset in config_datasets(cfg):
        if role not in names or 'ann_file' not in dataset:
            continue
        path = osp.join(folder, names[role])
        if id(dataset) in few:
            path = osp.join(folder, TARGET)
            if not osp.isfile(path):
                continue
        read_list(path)
        # Relative lists are looked for below data_root.
        dataset['ann_file'] = (
            osp.abspath(path) if dataset.get('data_root') else path
        )
        found = True
    if not found:
        raise UsageError(
            f'--split {folder}: no training dataset of this '
            'config reads its images from lists (ann_file)'
        )
    if 'split' in cfg:
        cfg['split'] = folder


def set_data_root(cfg: Config, folder: str, old: str | None = None) -> None:
    """Move all paths of a config's datasets to another data folder.

    Args:
        cfg: config, changed in place.
        folder: the new data folder.
        old: the folder the paths start with now, ``cfg.data_root`` by
            default.
    """
    old = osp.normpath(old or cfg['data_root'])

    def moved(path: str) -> str:
        inside = osp.normpath(path) if path else path
        if inside == old or inside.startswith(old + osp.sep):
            return osp.normpath(osp.join(folder, osp.relpath(inside, old)))
        return path

    datasets = list(config_datasets(cfg))
    if cfg.get('test_dataloader'):
        datasets += leaf_datasets(cfg['test_dataloader']['dataset'])
    # A dataset may be shared by two loaders: move it once.
    for dataset in {id(d): d for _, d in datasets}.values():
        for key in ('ann_file', 'data_root'):
            if isinstance(dataset.get(key), str):
                dataset[key] = moved(dataset[key])
        for key, path in dataset.get('data_prefix', {}).items():
            dataset['data_prefix'][key] = moved(path)
    cfg['data_root'] = folder
