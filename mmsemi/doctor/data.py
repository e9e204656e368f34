"""Look at all lists, images and masks of a run before it trains."""

import hashlib
import json
import os
import os.path as osp
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import numpy as np
from mmengine.config import Config
from PIL import Image

from mmsemi.datasets.samplers.cutmix_partner import check_partner_hook
from mmsemi.datasets.splits import (
    check_disjoint,
    config_datasets,
    list_hash,
    more,
    read_list,
)
from mmsemi.datasets.transforms.labels import lookup_table
from mmsemi.datasets.transforms.zero_label import zero_label_table
from mmsemi.registry import DATASETS
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE, UNLABELED
from mmsemi.utils.progress import track

from .heads import check_heads

STAMP = 'data_check.json'
_EXIF_ORIENTATION = 0x0112
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
        role: ``labeled``, ``unlabeled`` or ``val``.
        config: config of the dataset, wrappers taken off.
    """

    def __init__(self, role: str, config: dict) -> None:
        self.role = role
        self.kind = str(config['type']).rsplit('.', 1)[-1]
        self.source = _source(config)
        if not getattr(DATASETS.get(config['type']), 'GENERATED', False):
            _check_places(role, config)
        # Items are read once: serializing them would only cost time.
        dataset = DATASETS.build(
            dict(config, pipeline=[], serialize_data=False)
        )
        infos = [dataset.get_data_info(i) for i in range(len(dataset))]
        if not infos:
            raise UsageError(
                f'{role} images: {self.source} holds none with '
                f'the suffix {dataset.img_suffix}'
            )
        self.classes = dataset.metainfo['classes']
        self.num_seen = dataset.metainfo.get('num_seen')
        self.images = [
            osp.abspath(info['img_path'])
            for info in infos
            if info.get('img_path')
        ]
        self.masks: list[str] = []
        if role != 'unlabeled' and self.images:
            if not all(info.get('seg_map_path') for info in infos):
                raise UsageError(
                    f'{role} images of {self.source} have no masks: add '
                    f'seg_map_path to the data_prefix of {self.kind}'
                )
            self.masks = [info['seg_map_path'] for info in infos]
        self.size = len(infos)
        self.hash = list_hash(
            read_list(self.source)
            if config.get('ann_file')
            else [osp.basename(path) for path in self.images]
        )
        self.lookup, zero_label = _lookup(config, infos[0])
        for step in filter(_maps_zero_labels, config.get('pipeline', [])):
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
            raise UsageError(
                f'{missing[0]}: {self.role} {name}{more(missing)} does not '
                f'exist, but {self.source} names it. '
                f'{advice or "Put it there or correct the list"}'
            )

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
        """Changes when a check of the masks could end differently."""
        digest = hashlib.sha256(self.role.encode())
        digest.update(
            self.lookup.tobytes() + bytes([len(self.classes), self.num_labels])
        )
        for path in self.masks + (self.images if self.masks else []):
            stat = os.stat(path)
            digest.update(f'{path} {stat.st_mtime_ns} {stat.st_size}'.encode())
        return digest.hexdigest()

    def check_mask(self, index: int) -> np.ndarray:
        """Read a mask, stop if it cannot be used.

        Returns:
            (256,) int64, pixels of each training id.
        """
        path = self.masks[index]
        try:
            with Image.open(path) as image:
                mask = np.array(image)
        except OSError as error:
            raise UsageError(
                f'{path}: mask cannot be read ({error}). Restore the file'
            ) from error
        if mask.ndim != 2:
            raise UsageError(
                f'{path}: mask has {mask.shape[-1]} channels, not one. Save '
                'class ids as a single-channel (or palette) PNG'
            )
        size = _image_size(self.images[index]) if self.images else None
        if size is not None and size != mask.shape:
            raise UsageError(
                f'{path}: mask of {mask.shape[1]}x{mask.shape[0]} for an '
                f'image of {size[1]}x{size[0]} ({self.images[index]}). '
                'Replace one of the two'
            )
        counts = np.zeros(256, dtype=np.int64)
        for value, number in _value_counts(mask):
            label = int(self.lookup[value]) if 0 <= value < 256 else -1
            if not (0 <= label < self.num_labels or label in self.special):
                if 0 <= label < len(self.classes):
                    raise UsageError(
                        f'{path}: {number} pixels of '
                        f'{self.classes[label]!r}, a class without '
                        f'annotation (num_seen={self.num_labels}). Hide its '
                        'labels: put MapZeroLabels into the pipeline'
                    )
                raise UsageError(
                    f'{path}: {number} pixels have the value {value}, but '
                    f'{self.kind} has classes 0..{len(self.classes) - 1} and '
                    '255 = ignore. Correct the mask, or map its ids '
                    '(reduce_zero_label, MapLabels)'
                )
            counts[label] += number
        return counts


def _source(config: dict) -> str:
    """The list (or folder) a dataset reads its images from."""
    path = (
        config.get('ann_file')
        or config.get('data_prefix', {}).get('img_path')
        or config['type']
    )
    return _below(config, path)


def _below(config: dict, path: str) -> str:
    root = config.get('data_root')
    return osp.join(root, path) if root else path


def _check_places(role: str, config: dict) -> None:
    """Lists and folders, which datasets check late or not at all."""
    for path in config.get('data_prefix', {}).values():
        folder = _below(config, path)
        if '://' not in folder and not osp.isdir(folder):
            raise UsageError(
                f'{folder}: no such folder, but the {role} '
                f'images of {config["type"]} need it. Put the '
                'data there (README, section Data), or change '
                'data_root'
            )
    if config.get('ann_file'):
        read_list(_below(config, config['ann_file']))


def _lookup(config: dict, info: dict) -> tuple[np.ndarray, bool]:
    """What loading makes of the values of a mask file.

    Returns:
        (256,) training id of every value, and whether 254 among them means
        unlabeled.
    """
    lookup, zero_label = np.arange(256, dtype=np.uint8), False
    if info.get('reduce_zero_label'):
        lookup = (lookup - 1).astype(np.uint8)
        lookup[255] = IGNORE
        lookup[0] = IGNORE
    if info.get('label_map'):
        table = np.arange(256, dtype=np.uint8)
        for old, new in info['label_map'].items():
            table[old] = new
        lookup = table[lookup]
    for step in config.get('pipeline', []):
        if str(step.get('type')).endswith('MapLabels'):
            lookup = lookup_table(step['table'])[lookup]
        if _maps_zero_labels(step):
            step = {k: v for k, v in step.items() if k != 'type'}
            lookup, zero_label = zero_label_table(**step)[lookup], True
    return lookup, zero_label


def _maps_ids(step: dict) -> bool:
    return str(step.get('type')).endswith(('MapLabels', 'MapZeroLabels'))


def _maps_zero_labels(step: dict) -> bool:
    return str(step.get('type')).endswith('MapZeroLabels')


def _value_counts(mask: np.ndarray) -> list[tuple[int, int]]:
    """``(value, pixels)`` of the values that occur."""
    if mask.dtype == np.uint8:  # counting is many times faster than sorting
        numbers = np.bincount(mask.ravel(), minlength=256)
        values = np.flatnonzero(numbers)
        numbers = numbers[values]
    else:
        values, numbers = np.unique(mask, return_counts=True)
    return list(zip(values.astype(int).tolist(), numbers.tolist()))


def _image_size(path: str) -> tuple[int, int]:
    """Height and width as OpenCV loads the image, without decoding it."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            # OpenCV turns images by this tag, Pillow does not.
            turned = image.getexif().get(_EXIF_ORIENTATION, 1) >= 5
    except OSError as error:
        raise UsageError(
            f'{path}: image cannot be read ({error}). Restore '
            'the file or remove it from the list'
        ) from error
    return (width, height) if turned else (height, width)


def collect(
    cfg: Config, roles: Sequence[str] = ('labeled', 'unlabeled', 'val')
) -> list[ImageList]:
    """The different image lists of a config."""
    found: dict[tuple, ImageList] = {}
    for role, config in config_datasets(cfg):
        if role not in roles:
            continue
        # Pipelines that augment differently read the same masks; those that
        # map ids differently do not.
        mapping = [
            step for step in config.get('pipeline', []) if _maps_ids(step)
        ]
        key = (
            role,
            _source(config),
            str(config.get('data_prefix')),
            str(config.get('indices')),
            str(config.get('metainfo')),
            str(mapping),
        )
        if key not in found:
            found[key] = ImageList(role, config)
    return list(found.values())


def count_pixels(
    images: ImageList, threads: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """Check and count all masks of a list.

    Returns:
        Pixels of each training id and images that hold it, (256,) int64 each.
    """
    pixels, holding = np.zeros((2, 256), dtype=np.int64)
    with ThreadPoolExecutor(threads) as pool:
        results = pool.map(images.check_mask, range(len(images.masks)))
        if len(images.masks) > 500:  # seconds: say what is going on
            results = track(
                results, len(images.masks), f'checking {images.role} masks'
            )
        try:
            for counts in results:
                pixels += counts
                holding += counts > 0
        except UsageError:
            pool.shutdown(cancel_futures=True)
            raise
    return pixels, holding


def _read_stamp(path: Path | None) -> dict:
    try:
        return json.loads(path.read_text()) if path else {}
    except (OSError, ValueError):
        return {}


def check_data(
    cfg: Config, work_dir: str | None = None, threads: int = 8
) -> list[str]:
    """Stop with one clear error if the data of a run cannot be used.

    Every list, every file and every labeled and validation mask is looked
    at; of unlabeled images only that they exist. When nothing has changed
    since a check that ended well, masks are not read again.

    Args:
        cfg: config of the run.
        work_dir: where the result of the check is kept, None to keep none.
        threads: how many masks are read at once.

    Returns:
        Lines for the log: count and hash of each list, absent classes.

    Raises:
        UsageError: naming file, value and remedy.
    """
    check_partner_hook(cfg)
    lists = collect(cfg)
    for images in lists:
        images.check_files()
        check_heads(cfg, images)
    for a, b in combinations(lists, 2):
        if a.role != b.role:
            check_disjoint(
                **{
                    f'{images.role} ({images.source})': images.images
                    for images in (a, b)
                }
            )
    path = Path(work_dir) / STAMP if work_dir else None
    stamp = _read_stamp(path)
    messages, checked = [], {}
    labeled = np.zeros(256, dtype=np.int64)
    for images in lists:
        messages.append(
            f'{images.role}: {images.size} images, '
            f'{images.source}, sha256 {images.hash[:12]}'
        )
        if not any(images.masks):
            continue
        state = images.state()
        counts = stamp.get(state)
        if counts is None:
            counts = count_pixels(images, threads)[0].tolist()
        checked[state] = counts
        if images.role == 'labeled':
            labeled += np.array(counts)
    if labeled.any():
        messages += _check_classes(lists, labeled)
    if path and checked != stamp:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix('.tmp')
        temporary.write_text(json.dumps(checked))
        os.replace(temporary, path)
    return messages


def _check_classes(lists: list[ImageList], counts: np.ndarray) -> list[str]:
    images = next(item for item in lists if item.role == 'labeled')
    present = [name for name, number in zip(images.classes, counts) if number]
    if len(present) < 2:
        raise UsageError(
            f'{images.source}: the labeled masks hold '
            f'{"only " + present[0] if present else "no class, only 255"}; '
            'training needs at least 2 classes. Check the masks, or label '
            'more images'
        )
    absent = [
        name
        for name in images.classes[: images.num_labels]
        if name not in present
    ]
    return [f'labeled: no pixel of {", ".join(absent)}'] if absent else []
