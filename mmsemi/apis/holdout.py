"""Measure the model of a run and its labeled-only twin on the hold-out."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.device import get_device

from mmsemi.doctor.settings import check_device
from mmsemi.evaluation.bootstrap import count_array
from mmsemi.evaluation.holdout import HoldoutScores
from mmsemi.io.files import write_json
from mmsemi.report.own_data.gallery import (
    UNLABELED,
    Small,
    add_to_gallery,
    choose,
    image_scores,
    shrink,
    write_gallery,
)
from mmsemi.report.own_data.run_folder import HOLDOUT, PLACES, RunFolder
from mmsemi.report.own_data.verdict import recommend
from mmsemi.utils.errors import UsageError
from mmsemi.utils.progress import track_parts

from .inference import Predictor, Tell


def evaluate_holdout(
    run: str | Path,
    method: str | Path | None = None,
    twin: str | Path | None = None,
    device: str | None = None,
) -> dict[str, Any]:
    """Write ``holdout.json`` and small pictures for the report.

    Both models see the same images. After cross-validation an image is seen
    by those of the fold that held it out.

    Args:
        run: folder that ``mmsemi fit`` wrote.
        method: plain MMSegmentation checkpoint ``*.pth``, its config ``*.py``
            beside it; default ``train/segmentor.pth`` of the run, or of a
            fold.
        twin: the same for the labeled-only twin; default
            ``twin/segmentor.pth``, and none where that is missing.
        device: such as ``cpu`` or ``cuda:1``; by default a GPU if there is
            one.

    Returns:
        What was written: ``method`` and ``twin``, each with ``per_image``,
        ``confusion`` and ``confidence``, and ``recommended``, the better of
        the two.

    Raises:
        UsageError: if an image, a mask or a model cannot be used.
    """
    folder = RunFolder(run)
    parts = folder.measured()
    if not any(names for _, names in parts):
        raise UsageError(
            f'{folder.path}/data/holdout.txt names no image, so nothing can '
            'be measured. Label more images, or name some by --val'
        )
    device = device or get_device()
    check_device(device)
    given = dict(method=method, twin=twin)
    scores: dict[str, HoldoutScores] = {}
    smalls = {}
    number = sum(len(names) for _, names in parts)
    images = (
        (name, models)
        for place, names in parts
        for models in [_models(folder, place, given, device)]
        for name in names
    )
    items = track_parts(images, number, 'measuring on the hold-out')
    for (name, models), tell in items:
        truth, found = folder.mask(name), {}
        for k, (key, model) in enumerate(models.items()):
            told = partial(_tell_all, tell, k, len(models))
            found[key] = model(folder.image(name), told)
            score = scores.setdefault(key, HoldoutScores(len(folder.classes)))
            try:
                score.add(
                    name, found[key]['ids'], found[key]['confidence'], truth
                )
            except ValueError as error:
                raise UsageError(
                    f'{folder.image(name)} and its mask do not fit ({error}). '
                    'Run mmsemi fit again'
                ) from error
        smalls[name] = _small(found, truth)
    data: dict[str, Any] = {key: s.as_data() for key, s in scores.items()}
    data['recommended'] = recommend(
        *(count_array(data[key]['per_image']) for key in scores)
    )
    write_json(folder.path, HOLDOUT, data)
    write_gallery(folder.path, _chosen(data, smalls))
    return data


def _tell_all(
    tell: Tell, before: int, models: int, done: int, windows: int
) -> None:
    """Tell of the windows of several models, one after the other."""
    tell(before * windows + done, models * windows)


def show_unlabeled(
    run: str | Path, best: str, device: str | None = None
) -> None:
    """Add pictures of a few unlabeled images to those of the hold-out.

    Args:
        run: see :func:`evaluate_holdout`.
        best: ``method`` or ``twin``, whichever ``segmentor.pth`` is.
        device: see :func:`evaluate_holdout`.

    Raises:
        UsageError: if the model cannot be used.
    """
    folder = RunFolder(run)
    unlabeled = folder.names('unlabeled')
    drawn = np.random.default_rng(0).permutation(len(unlabeled))[:UNLABELED]
    if not len(drawn):
        return
    model = _predictor(
        folder, folder.path / 'segmentor.pth', device or get_device()
    )
    items = []
    for name in (unlabeled[k] for k in sorted(drawn)):
        try:
            found = model(folder.image(name))
        except UsageError:  # the findings name unreadable images
            continue
        facts = dict(
            name=name,
            part='unlabeled',
            reason='random',
            confidence=float(found['confidence'].mean()),
        )
        items.append((facts, _small({best: found})))
    add_to_gallery(folder, items)


def _models(
    folder: RunFolder,
    place: Path,
    given: dict[str, str | Path | None],
    device: str,
) -> dict[str, Predictor]:
    models = {}
    for key, checkpoint in given.items():
        path = Path(checkpoint or place / PLACES[key] / 'segmentor.pth')
        if key != 'twin' or checkpoint is not None or path.is_file():
            models[key] = _predictor(folder, path, device)
    return models


def _predictor(folder: RunFolder, path: Path, device: str) -> Predictor:
    for file in (path, path.with_suffix('.py')):
        if not file.is_file():
            raise UsageError(
                f'{file} does not exist, but images are measured and shown '
                'with it. Run mmsemi fit again'
            )
    model = Predictor(
        Config.fromfile(path.with_suffix('.py')), path, device=device
    )
    number = max(model.model.num_classes, 2)
    if number != len(folder.classes):
        raise UsageError(
            f'{path} predicts {number} classes, but the run has '
            f'{len(folder.classes)}. Give the model of this run'
        )
    return model


def _small(
    found: dict[str, dict[str, np.ndarray]], truth: np.ndarray | None = None
) -> Small:
    maps = {}
    for key, prediction in found.items():
        maps[key] = prediction['ids']
        confidence = (prediction['confidence'] * 255).round()
        maps[f'{key}_confidence'] = confidence.astype(np.uint8)
        photo = prediction['photo']
    if truth is not None:
        maps['truth'] = truth
    return shrink(photo, maps)


def _chosen(
    data: dict[str, Any], smalls: dict[str, Small]
) -> list[tuple[dict, Small]]:
    """Images to show, and what is known of them."""
    best = data['recommended']
    items = []
    scores = {
        key: image_scores(part['per_image'])
        for key, part in data.items()
        if key in PLACES
    }
    for name, reason in choose(scores[best]).items():
        facts = dict(
            name=name,
            part='holdout',
            reason=reason,
            iou={key: found[name] for key, found in scores.items()},
            confidence=data[best]['per_image'][name]['confidence'],
        )
        items.append((facts, smalls[name]))
    return items
