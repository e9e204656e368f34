"""Masks of another model as pseudo-labels, as far as they are right."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.registry import DefaultScope

from mmsemi.datasets.splits import leaf_datasets, source_of, target_datasets
from mmsemi.doctor.images import image_size
from mmsemi.doctor.lists import ImageList, collect
from mmsemi.doctor.masks import read_labels
from mmsemi.evaluation.precision import images_needed
from mmsemi.io.files import write_text
from mmsemi.io.package_configs import find_config
from mmsemi.pseudo_labels.codes import decode_confidence
from mmsemi.pseudo_labels.outside_masks import OutsideMask, OutsideMasks
from mmsemi.pseudo_labels.store import PseudoLabelStore
from mmsemi.registry import DATASETS
from mmsemi.self_training.label_checks import (
    check_label_names,
    check_label_space,
)
from mmsemi.self_training.label_files import LabelFiles
from mmsemi.self_training.mask_calibration import (
    ClassResult,
    MaskCalibration,
    mask_codes,
    selected,
)
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE
from mmsemi.utils.progress import track

from .config import load_config

IMAGES = 'images.txt'


def calibrate_masks(
    config: str,
    masks: str,
    out: str,
    confidence: str | None = None,
    precision: float = 0.8,
    error_rate: float = 0.1,
    split: str | None = None,
    overwrite: bool = False,
    options: dict[str, Any] | None = None,
) -> str:
    """Keep of another model's masks what the labeled images show is right.

    Masks of the labeled images are compared with their annotation, class by
    class; of the labeled images of the target domain alone, where there are
    any, as the source says nothing of its images. See
    :class:`~mmsemi.self_training.mask_calibration.MaskCalibration` for what
    is promised, and under which condition. What is kept of the masks of the
    unlabeled images goes to ``out``: ``round_0``, a round of pseudo-labels,
    which ``OutsideLabelsHook`` learns from, and ``images.txt``, the list for
    ``data.partly_labeled`` of methods that see unlabeled images in every
    iteration.

    Args:
        config: of any method with unlabeled images; says what the images,
            their lists and their classes are.
        masks: folder with masks or probabilities of labeled and unlabeled
            images, see
            :class:`~mmsemi.pseudo_labels.outside_masks.OutsideMasks`.
        out: folder to write.
        confidence: folder with confidences of the masks, where they lie
            apart. Without any, classes are kept or dropped as a whole.
        precision: that the labels kept of each class must reach, in (0, 1);
            0 keeps all masks as they are.
        error_rate: probability with which a class that is kept may miss it.
        split: as ``mmsemi train`` takes it.
        overwrite: replace labels that lie in ``out``.
        options: settings to change in the config, by their dotted keys.

    Returns:
        The table of the classes.

    Raises:
        UsageError: if something is wrong with what was given.
    """
    check_rates(precision, error_rate)
    cfg = load_config(find_config(config), options, split)
    target = Path(out)
    if target.exists() and not target.is_dir():
        raise UsageError(f'{out} is a file. Choose another --out')
    store = PseudoLabelStore(target)
    begun = store.partial(0)  # of a call that was stopped
    mine = {begun, target / IMAGES} if begun.is_dir() else set()
    if target.is_dir() and {*target.iterdir()} - mine and not overwrite:
        raise UsageError(
            f'{out} holds files. Choose another --out, or --overwrite'
        )
    replaced = store.folder(0).resolve()
    for given in (masks, confidence):
        if given and Path(given).resolve().is_relative_to(replaced):
            raise UsageError(
                f'{given} lies in what --out replaces ({replaced}). Choose '
                'another --out'
            )
    unlabeled = unlabeled_images(cfg, config)
    annotated = annotated_images(cfg)
    for images in annotated:
        images.check_files()
    source = OutsideMasks(masks, unlabeled.metainfo['classes'], confidence)
    sure = MaskCalibration(len(source.classes))
    check_overlap(source, annotated, unlabeled)
    for mask, _ in everything(source, annotated, unlabeled, 'reading'):
        sure.add_confidence(mask)
    sure.fit_grid()
    for mask, truth in everything(source, annotated, unlabeled, 'comparing'):
        sure.add(mask, truth)
    results = sure.fit(precision, error_rate)
    manifest = write_labels(
        store, source, unlabeled, results, precision, error_rate
    )
    table = '\n'.join(report(source.classes, results, manifest))
    write_text(target, 'calibration.txt', table + '\n')
    return table


def check_rates(precision: float, error_rate: float) -> None:
    """Stop at numbers that mean nothing."""
    if not 0 <= precision < 1:
        raise UsageError(
            '--precision must be at least 0 and below 1 (no number of images '
            f'shows that all is right), got {precision}'
        )
    if not 0 < error_rate < 1:
        raise UsageError(f'--error-rate must lie in (0, 1), got {error_rate}')


def unlabeled_images(cfg, config: str):
    """The unlabeled dataset of a config, of rounds or of an online method."""
    loader = cfg.get('label_dataloader') or cfg.get('train_dataloader') or {}
    dataset = loader.get('dataset') or {}
    dataset = dataset.get('unlabeled') or dataset
    if not any(role == 'unlabeled' for role, _ in leaf_datasets(dataset)):
        raise UsageError(
            f'config {config} has no unlabeled images. Give that of a method '
            'which learns from some'
        )
    dataset = copy.deepcopy({**dataset, 'partly_labeled': None})
    for _, part in leaf_datasets(dataset):
        part['pipeline'] = []  # names and paths are wanted
    with DefaultScope.overwrite_default_scope('mmsemi'):
        return DATASETS.build(dataset)


def annotated_images(cfg) -> list[ImageList]:
    """Labeled images of the domain of the unlabeled ones."""
    target = {source_of(config) for config in target_datasets(cfg)}
    return [
        images
        for images in collect(cfg, roles=('labeled',))
        if not target or images.source in target
    ]


def stems_of(images: ImageList) -> list[str]:
    """Names of the images of a list, as its lines are."""
    return [images.stem(path) for path in images.images]


def check_overlap(
    source: OutsideMasks, annotated: list[ImageList], unlabeled
) -> None:
    """Stop where no image of one kind has a mask from elsewhere."""
    labeled = [stem for images in annotated for stem in stems_of(images)]
    for kind, stems, why in (
        ('labeled', labeled, 'the masks are compared with the annotation of'),
        ('unlabeled', list(unlabeled.stems()), 'labels are wanted for'),
    ):
        found = sum(source.find(stem) is not None for stem in stems)
        if not found:
            raise UsageError(
                f'{source.folder} holds no mask of any of the {len(stems)} '
                f'{kind} images, which {why} (looked for {stems[0]}.png, '
                '.npy and .npz, for instance). Name masks as the images are '
                'named, and make some for labeled and unlabeled images'
            )
        if found < len(stems):
            print(
                f'{len(stems) - found} of {len(stems)} {kind} images have no '
                'mask from elsewhere'
            )


def everything(
    source: OutsideMasks, annotated: list[ImageList], unlabeled, title: str
) -> Iterator[tuple[OutsideMask, np.ndarray | None]]:
    """Masks of all images, with the truth of the labeled ones."""
    for images in annotated:
        for index, stem in track(
            list(enumerate(stems_of(images))),
            description=f'{title} masks of labeled images',
        ):
            truth = read_labels(images, index)
            truth[truth >= len(source.classes)] = IGNORE
            mask = source.read(stem, truth.shape)
            if mask is not None:
                yield mask, truth
    for index in track(
        range(len(unlabeled)), description=f'{title} masks of unlabeled images'
    ):
        mask = mask_of(source, unlabeled, index)
        if mask is not None:
            yield mask, None


def mask_of(source: OutsideMasks, unlabeled, index: int) -> OutsideMask | None:
    """The mask of an unlabeled image, at its size."""
    stem = unlabeled.get_stem(index)
    if source.find(stem) is None:
        return None
    path = unlabeled.get_data_info(index)['img_path']
    return source.read(stem, image_size(path, {}))


def write_labels(
    store: PseudoLabelStore,
    source: OutsideMasks,
    unlabeled,
    results: list[ClassResult],
    precision: float,
    error_rate: float,
) -> dict:
    """Write what is kept as round 0 of a label store; gives its manifest."""
    indices = np.arange(len(unlabeled))
    check_label_names(store.root, unlabeled)
    check_label_space(store.root, unlabeled, True)
    number = len(source.classes)
    with LabelFiles(
        store.begin(0), unlabeled, indices, number, audit=False
    ) as files:
        for row in track(indices.tolist(), description='writing labels'):
            mask = mask_of(source, unlabeled, row)
            if mask is None:
                path = unlabeled.get_data_info(row)['img_path']
                size = image_size(path, {})
                mask = OutsideMask(np.full(size, IGNORE, np.uint8), None)
            files.candidates(row, mask.labels)
            files.labels(row, selected(mask, results))
            files.confidence(row, mask_codes(mask))
        files.drain()
    store.hand_in(0, files.table, 0)
    manifest = dict(
        files.quality.summary(source.classes),
        classes=source.classes,
        masks=str(source.folder),
        precision=precision,
        error_rate=error_rate,
        images=len(unlabeled),
        calibration={
            name: result._asdict()
            for name, result in zip(source.classes, results)
        },
    )
    lines = ''.join(f'{stem}\n' for stem in unlabeled.stems())
    write_text(store.root, IMAGES, lines)
    store.commit(0, manifest, list(unlabeled.stems()))
    return manifest


def report(
    classes: list[str], results: list[ClassResult], manifest: dict
) -> list[str]:
    """A row a class, and what was kept of all."""
    precision, error = manifest['precision'], manifest['error_rate']
    width = max(map(len, classes), default=0)
    lines = [
        f'{"class":{width}}  images  threshold  labels kept  '
        'precision  shown (lower bound)'
    ]
    for name, result in zip(classes, results):
        row = f'{name:{width}}  {result.images:6d}'
        measured = f'{result.measured:.3f}'.replace('nan', '-')
        edge = float(decode_confidence(np.array([result.threshold]))[0])
        share = f'{result.share:.1%}' if result.kept else 'dropped'
        lines.append(
            f'{row}  {edge:9.4f}  {share:>11}  {measured:>9}  '
            f'{result.bound:.3f}'
        )
    lines.append(
        f'kept {manifest["kept"]:.1%} of the pixels of {manifest["images"]} '
        f'unlabeled images'
    )
    if precision and not all(result.kept for result in results):
        lines.append(
            f'A class is kept where the bound reaches {precision:g}, with an '
            f'error rate of {error:g}; that takes at least '
            f'{images_needed(precision, error)} labeled images with the class '
            'and without a mistake'
        )
    return lines
