"""The images and masks a config names."""

import hashlib
import os
import os.path as osp
import re
from collections.abc import Sequence
from itertools import chain

from mmengine.config import Config

from mmsemi.datasets.compact import build_dataset, column
from mmsemi.datasets.names import Names
from mmsemi.datasets.splits import (
    below_root,
    check_below,
    config_datasets,
    leaf_datasets,
    listed_names,
    more,
    read_list,
    source_of,
)
from mmsemi.registry import DATASETS, class_of
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE, UNLABELED

from .ids import mapping_of, mapping_steps, maps_zero_labels

_REMEDIES = dict(
    PascalVOCDataset='SegmentationClassAug must hold the masks of SBD and '
    'those of VOC itself: copy SegmentationClass/*.png into it',
    CityscapesDataset="mmseg's tools/dataset_converters/cityscapes.py writes "
    "the *_labelTrainIds.png; or set seg_map_suffix='_gtFine_labelIds.png' "
    "and put dict(type='MapLabels', table='cityscapes') behind "
    'LoadAnnotations',
    GTA5Dataset='tools/dataset_converters/gta5.py writes the '
    '*_labelTrainIds.png',
    SYNTHIADataset='tools/dataset_converters/synthia.py writes the '
    '*_labelTrainIds.png',
)


class ImageList:
    """Images (and masks) of one dataset of a config.

    Args:
        role: ``labeled``, ``unlabeled``, ``val`` or ``test``.
        config: config of the dataset, wrappers taken off.
        masks: False if nothing reads the masks.
    """

    def __init__(self, role: str, config: dict, masks: bool = True) -> None:
        self.role = role
        self.config = config
        kind = class_of(config['type'], DATASETS)
        self.kind = getattr(kind, '__name__', str(config['type']))
        self.source = source_of(config)
        generated = getattr(kind, 'GENERATED', False)
        names = None if generated else _check_places(role, config)
        # Items are read once: serializing them would only cost time.
        dataset = build_dataset(dict(config, pipeline=[]), serialize=False)
        if generated:  # what was missing lies there now
            names = _check_places(role, config)
        infos = dataset.data_list
        if not infos:
            raise UsageError(
                f'{role} images: {self.source} holds none with '
                f'the suffix {dataset.img_suffix}'
            )
        self.suffix = getattr(dataset, 'img_suffix', '')
        self.classes = dataset.metainfo['classes']
        for name in self.classes:
            if list(self.classes).count(name) > 1:
                raise UsageError(
                    f'{role} images of {self.source}: two classes of '
                    f'{self.kind} are called {name!r}. Give each a name of '
                    'its own'
                )
        self.num_seen = dataset.metainfo.get('num_seen')
        self.images = Names(
            osp.abspath(path) for path in column(infos, 'img_path') if path
        )
        self.masks = Names(())
        if role != 'unlabeled' and masks and self.images:
            self.masks = Names(filter(None, column(infos, 'seg_map_path')))
            if len(self.masks) < len(infos):
                raise UsageError(
                    f'{role} images of {self.source} have no masks: add '
                    f'seg_map_path to the data_prefix of {self.kind}'
                )
        self.size = len(infos)
        self.hash = (names or Names(map(osp.basename, self.images))).hash
        self.lookup, zero_label = mapping_of(config, infos[0])
        for step in filter(maps_zero_labels, mapping_steps(config)):
            self.check_names(
                'MapZeroLabels', step['classes'], step['num_seen']
            )
        # Ids a mask may hold: labels of classes without annotation would
        # be learned without a word.
        self.num_labels = len(self.classes)
        if role == 'labeled':
            self.num_labels = self.num_seen or self.num_labels
        self.special = (IGNORE, UNLABELED) if zero_label else (IGNORE,)

    def check_files(self) -> None:
        """Stop at the first image or mask that does not exist."""
        for name, paths in (('image', self.images), ('mask', self.masks)):
            missing = [path for path in paths if not osp.isfile(path)]
            if not missing:
                continue
            advice = _REMEDIES.get(self.kind) if name == 'mask' else None
            if name == 'image':
                advice = self._about_name(missing[0])
            raise UsageError(
                f'{missing[0]}: {self.role} {name}{more(missing)} does not '
                f'exist, but {self.source} names it. '
                f'{advice or "Put it there or correct the list"}'
            )

    def _about_name(self, path: str) -> str | None:
        """What is wrong with a line of the list, if that can be seen."""
        if osp.lexists(path):
            return f'{_instead_of_file(path)}. Put the image there'
        stem = path[: len(path) - len(self.suffix)]
        if self.suffix and osp.isfile(stem):
            return (
                f'The lines of the list end with a suffix, and {self.suffix} '
                'is put behind them: take it off the lines, or set '
                "img_suffix='' and seg_map_suffix"
            )
        columns = rf'{re.escape(self.suffix)}[\s,;]'
        if self.suffix and re.search(columns, path):
            return (
                'If its lines are pairs of image and mask, bring the list in '
                'with mmsemi import-splits'
            )
        folder, name = osp.split(stem)
        if re.search(r'["\[\]#,;\t]', name):
            return (
                'A list holds one image a line, without quotes, commas, '
                'comments or further columns'
            )
        near = _without(name, self.suffix).lower()
        if osp.isdir(folder):
            with os.scandir(folder) as entries:
                same = [
                    entry.name
                    for entry in entries
                    if osp.splitext(entry.name)[0].lower() == near
                ]
            if same:
                return (
                    f'{same[0]} is there: rename it, or set img_suffix if '
                    'all images end so'
                )
        return None

    def stem(self, path: str) -> str:
        """The line of the list that names an image."""
        folder = self.config.get('data_prefix', {}).get('img_path', '')
        stem = osp.relpath(path, below_root(self.config, folder) or '.')
        return stem[: len(stem) - len(self.suffix)]

    def check_names(
        self, part: str, classes: Sequence[str], num_seen: int | None
    ) -> None:
        """Stop if another part of the config orders the classes otherwise.

        Its ids would then mean other classes, without a word.
        """
        if list(classes) != list(self.classes):
            raise UsageError(
                f'{self.role} images ({self.source}): {part} has the classes '
                f'{", ".join(classes)}, but metainfo of the dataset '
                f'{", ".join(self.classes)}. Give both the same names in the '
                'same order'
            )
        if None not in (num_seen, self.num_seen) and num_seen != self.num_seen:
            raise UsageError(
                f'{self.role} images ({self.source}): {part} has '
                f'num_seen={num_seen}, but metainfo of the dataset '
                f'num_seen={self.num_seen}'
            )

    def state(self) -> str:
        """Changes when a check of the files could end differently."""
        digest = hashlib.sha256(f'2 {self.role}'.encode())
        digest.update(
            self.lookup.tobytes() + bytes([len(self.classes), self.num_labels])
        )
        digest.update(str(self.config.get('pipeline', [])[:1]).encode())
        for path in chain(self.masks, self.images):
            stat = os.stat(path)
            digest.update(f'{path} {stat.st_mtime_ns} {stat.st_size}'.encode())
        return digest.hexdigest()


def _without(name: str, suffix: str) -> str:
    """A name without a suffix that it ends with, whatever its case."""
    if suffix and name.lower().endswith(suffix.lower()):
        return name[: -len(suffix)]
    return name


def _instead_of_file(path: str) -> str:
    """What lies at a path where no file does."""
    if osp.isdir(path):
        return f'{osp.basename(path)} is a folder'
    if osp.islink(path):
        return f'It is a symbolic link to {os.readlink(path)}, which is gone'
    return f'{osp.basename(path)} is no ordinary file'


def _check_places(role: str, config: dict) -> Names | None:
    """Names in the list; folders, which datasets check late or never."""
    for path in config.get('data_prefix', {}).values():
        folder = below_root(config, path)
        if '://' not in folder and not osp.isdir(folder):
            raise UsageError(
                f'{folder}: no such folder, but the {role} '
                f'images of {config["type"]} need it. Put the '
                'data there (README, section Data), or change '
                'data_root'
            )
    if config.get('ann_file'):
        path = below_root(config, config['ann_file'])
        names = listed_names(path)
        check_below(path, names)
        return names
    return None


def collect(
    cfg: Config, roles: Sequence[str] = ('labeled', 'unlabeled', 'val')
) -> list[ImageList]:
    """The different image lists of a config.

    Args:
        cfg: config of a run.
        roles: which to take; ``'test'`` is what ``test_dataloader`` names.
    """
    found: dict[tuple, ImageList] = {}
    for role, config in _datasets(cfg):
        if role not in roles:
            continue
        # Pipelines that augment differently read the same masks; those that
        # map ids differently do not.
        key = (
            role,
            source_of(config),
            str(config.get('data_prefix')),
            str(config.get('indices')),
            str(config.get('metainfo')),
            str(config.get('img_suffix')),
            str(mapping_steps(config)),
        )
        if key not in found:
            found[key] = ImageList(
                role, config, masks=not _without_masks(cfg, role)
            )
    return list(found.values())


def partly_labeled(cfg: Config) -> set[str]:
    """Images that may be labeled and unlabeled, since a part of each is."""
    found: set[str] = set()
    dataset = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    unlabeled = dataset.get('unlabeled')
    if isinstance(unlabeled, dict) and unlabeled.get('partly_labeled'):
        found.update(read_list(unlabeled['partly_labeled']))
    return found


def _datasets(cfg: Config):
    yield from config_datasets(cfg)
    if cfg.get('test_dataloader'):
        yield from leaf_datasets(cfg.test_dataloader.dataset, 'test')


def _without_masks(cfg: Config, role: str) -> bool:
    """Whether predictions are only written, as for hidden test sets."""
    evaluators = cfg.get(f'{role}_evaluator') or []
    if isinstance(evaluators, dict):
        evaluators = [evaluators]
    return bool(evaluators) and all(
        evaluator.get('format_only') for evaluator in evaluators
    )
