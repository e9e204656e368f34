"""Prepare masks, and what is counted or looked up before a training."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.registry import init_default_scope

from mmsemi.datasets.splits import leaf_datasets
from mmsemi.doctor.lists import ImageList, collect
from mmsemi.io.files import whole_file, write_json
from mmsemi.prepare.class_embeddings import (
    from_pickle,
    from_words,
    keyed,
    lines_of,
)
from mmsemi.prepare.class_frequency import class_frequency_of, weight_table
from mmsemi.prepare.conversion import convert_set, find_items
from mmsemi.prepare.rendered_masks import gta5_ids, synthia_ids
from mmsemi.prepare.spatial_prior import (
    default_sigma,
    describe_prior,
    prior_of_masks,
    save_prior,
)
from mmsemi.prepare.word_vectors import class_lines
from mmsemi.utils.errors import UsageError

from .config import load_config


def convert_gta5(
    root: str,
    out: str,
    size: Sequence[int] = (1914, 1052),
    skip_bad: bool = False,
    workers: int | None = None,
    overwrite: bool = False,
) -> None:
    """Prepare GTA5: one size for all images, training ids in the masks.

    Reads ``images`` and ``labels`` of the download, writes ``images``,
    ``labels/*_labelTrainIds.png`` and the list ``train.txt``. Can be
    interrupted: the same call goes on. Masks of another size than their
    image, as some downloads have, stop it before anything is written.

    Args:
        root: folder of the download.
        out: folder to write to.
        size: width and height of all images; as in CBST and CRST by default.
        skip_bad: leave images with a mask of another size out, also of the
            list.
        workers: images worked on at once; all processors by default.
        overwrite: replace files of another conversion.

    Raises:
        UsageError: if files are missing, damaged or of another conversion.
    """
    convert_set(
        find_items(root, out, 'images', 'labels'),
        out,
        dict(dataset='GTA5', size=list(size)),
        gta5_ids,
        skip_bad,
        overwrite,
        workers or os.cpu_count(),
    )


def convert_synthia(
    root: str,
    out: str,
    size: Sequence[int] | None = None,
    lane_marking: str = 'ignore',
    skip_bad: bool = False,
    workers: int | None = None,
    overwrite: bool = False,
) -> None:
    """Prepare SYNTHIA-RAND-CITYSCAPES: training ids of Cityscapes in masks.

    Reads ``RGB`` and ``GT/LABELS`` of the download, writes ``RGB``,
    ``GT/LABELS/*_labelTrainIds.png`` and the list ``train.txt``. Masks get
    the 19 training ids; ``SYNTHIADataset`` makes 16 of them. Can be
    interrupted: the same call goes on.

    Args:
        root: folder of the download.
        out: folder to write to.
        size: width and height of images and masks, ``(2048, 1024)`` in CRST;
            by default they keep their 1280x760, as in CBST.
        lane_marking: what lane markings become: ``'ignore'`` as in CBST, or
            ``'road'`` as in CRST.
        skip_bad: leave images with a mask of another size out, also of the
            list.
        workers: images worked on at once; all processors by default.
        overwrite: replace files of another conversion.

    Raises:
        UsageError: if files are missing, damaged or of another conversion.
    """
    size = list(size) if size else None
    convert_set(
        find_items(root, out, 'RGB', 'GT/LABELS'),
        out,
        dict(dataset='SYNTHIA', size=size, lane_marking=lane_marking),
        partial(synthia_ids, lane_marking=lane_marking),
        skip_bad,
        overwrite,
        workers or os.cpu_count(),
    )


def class_frequency(
    config: str, out: str, split: str | None = None, overwrite: bool = False
) -> dict[str, Any]:
    """Count the pixels of each class in the labeled masks of a config.

    Writes what ``ClassBalancedCrossEntropyLoss(class_frequency=FILE)``
    reads, and prints the weights that follow.

    Args:
        config: config with the labeled images.
        out: json file to write.
        split: folder with the lists to use.
        overwrite: replace a file that exists.

    Returns:
        What was written: ``classes``, ``counts`` (pixels), ``images`` (that
        show a class) and ``lists``.

    Raises:
        UsageError: if there are no masks, or they cannot be read.
    """
    _refuse_existing(out, overwrite)
    cfg = load_config(config, split=split)
    init_default_scope('mmsemi')
    labeled = [part for part in collect(cfg, ('labeled',)) if part.masks]
    if not labeled:
        raise UsageError(f'{config}: no labeled dataset with mask files')
    found = class_frequency_of(labeled)
    path = Path(out)
    write_json(path.parent, path.name, found)
    print('\n'.join(weight_table(found)))
    print(f'{out} written (effective_number above is of images)')
    return found


def spatial_prior(
    config: str,
    out: str,
    size: Sequence[int] = (1024, 2048),
    sigma: float | None = None,
    workers: int | None = None,
    overwrite: bool = False,
) -> np.ndarray:
    """Build the spatial prior of CBST-SP from the labeled masks of a config.

    Writes what ``CBSTPseudoLabeler(prior=FILE)`` multiplies probabilities
    with. Masks of ``train_dataloader`` are brought to one size (nearest
    neighbor), counted, smoothed and divided by their sum for each class.
    Smaller sizes do as well: the prior is enlarged to the images it is used
    with.

    Args:
        config: config with the source images.
        out: .npz file to write.
        size: height and width of the prior.
        sigma: standard deviation of the smoothing in pixels of that size; by
            default 70/6 at a height of 1024.
        workers: masks read at once; all processors by default.
        overwrite: replace a file that exists.

    Returns:
        (C, height, width) float64; sums to one over the pixels of a class.

    Raises:
        UsageError: if the config has no single data set with masks.
    """
    _refuse_existing(out, overwrite)
    if min(size) < 1 or (sigma or 0) < 0:
        raise UsageError(
            '--size must be positive and --sigma not negative, got '
            f'{list(size)} and {sigma}'
        )
    cfg = load_config(config)
    init_default_scope('mmsemi')
    parts = [
        ImageList(role, part)
        for role, part in leaf_datasets(cfg.train_dataloader.dataset)
    ]
    if len(parts) != 1 or not parts[0].masks:
        raise UsageError(
            f'{config}: train_dataloader has {len(parts)} '
            'data sets; one, with mask files, is needed'
        )
    source = parts[0]
    source.check_files()
    sigma = default_sigma(size) if sigma is None else sigma
    prior = prior_of_masks(source, size, sigma, workers or os.cpu_count() or 1)
    save_prior(out, prior, source.classes, sigma, source.size)
    print('\n'.join(describe_prior(prior, source.classes)))
    print(
        f'{out}: {len(prior)}x{size[0]}x{size[1]}, sigma '
        f'{sigma:.2f}, {source.size} images'
    )
    return prior


def class_embeddings(
    out: str,
    names: str | None = None,
    classes: Sequence[str] | None = None,
    vectors: Sequence[str] | None = None,
    pickle: Sequence[str] | None = None,
    key: str = '',
    words_only: bool = False,
    allow_partial: bool = False,
    overwrite: bool = False,
) -> dict[str, np.ndarray]:
    """Look up word vectors of classes, for zero-label segmentation.

    Names are words, or ``class = words`` where a class has another name in
    everyday language; several words take their joint entry
    (``traffic_light``) if the file has one, else the mean of their vectors.

    Args:
        out: .npz file to write.
        names: text file with a line for each class, or else
        classes: these lines.
        vectors: text files of fastText, word2vec or GloVe (``.gz`` too), or
            ``.npz`` with ``words`` (N,) and vectors (N, D); as ``key=file``
            to keep several, such as ``fasttext`` and ``word2vec``, which
            together are what the models call ``fastnvec``. Or else
        pickle: SPNet's pickles, an array each with a row for every class,
            likewise. Nothing in them is run.
        key: array of the ``.npz``, if it holds several.
        words_only: do not look for joint entries.
        allow_partial: leave out words that the file lacks, as long as a
            class keeps one.
        overwrite: replace a file that exists.

    Returns:
        (C, D) vectors by key, in the order of the classes.

    Raises:
        UsageError: if words are missing, or a file cannot be read.
    """
    path = Path(out)
    if path.suffix != '.npz':
        raise UsageError(f'{path}: the result is an .npz file')
    _refuse_existing(out, overwrite)
    words = class_lines(lines_of(names) if names else list(classes or ()))
    arrays = {
        name: from_pickle(words, file)
        if pickle
        else from_words(words, file, key, words_only, allow_partial)
        for name, file in keyed(vectors or pickle or ())
    }
    with whole_file(path.parent, path.name) as handle:
        np.savez_compressed(
            handle, class_names=np.array(list(words)), **arrays
        )
    print(f'{path} written: {len(words)} classes, {", ".join(arrays)}')
    return arrays


def _refuse_existing(path: str, overwrite: bool) -> None:
    if os.path.exists(path) and not overwrite:
        raise UsageError(f'{path} exists. Replace it with --overwrite')
