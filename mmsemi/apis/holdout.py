"""Measure the model of a run and its labeled-only twin on the hold-out."""

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
    choose,
    image_scores,
    shrink,
    write_gallery,
)
from mmsemi.report.own_data.run_folder import HOLDOUT, PLACES, RunFolder
from mmsemi.report.own_data.verdict import recommend
from mmsemi.utils.errors import UsageError
from mmsemi.utils.progress import track

from .inference import Predictor


def evaluate_holdout(
    run: str | Path,
    method: str | Path | None = None,
    twin: str | Path | None = None,
    device: str | None = None,
) -> dict[str, Any]:
    """Write ``holdout.json`` and the small pictures of the report.

    Both models see the same images; a few unlabeled ones are predicted as
    well, for the pictures.

    Args:
        run: folder that ``mmsemi fit`` wrote.
        method: plain MMSegmentation checkpoint ``*.pth``, its config ``*.py``
            beside it; default ``RUN/train/segmentor.pth``.
        twin: the same for the labeled-only twin; default
            ``RUN/twin/segmentor.pth``, and none where that is missing.
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
    names = folder.names('holdout')
    if not names:
        raise UsageError(
            f'{folder.path}/data/holdout.txt names no image, so nothing can '
            'be measured. Label more images, or name some by --val'
        )
    device = device or get_device()
    check_device(device)
    models = _models(folder, dict(method=method, twin=twin), device)
    scores = {key: HoldoutScores(len(folder.classes)) for key in models}
    smalls = {}
    for name in track(names, len(names), 'measuring on the hold-out'):
        truth, found = folder.mask(name), {}
        for key, model in models.items():
            found[key] = model(folder.image(name))
            try:
                scores[key].add(
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
        *(count_array(data[key]['per_image']) for key in models)
    )
    write_json(folder.path, HOLDOUT, data)
    _write_gallery(folder, data, smalls, models)
    return data


def _models(
    folder: RunFolder, given: dict[str, str | Path | None], device: str
) -> dict[str, Predictor]:
    models = {}
    for key, checkpoint in given.items():
        path = Path(checkpoint or folder.path / PLACES[key] / 'segmentor.pth')
        if key == 'twin' and checkpoint is None and not path.is_file():
            continue
        for file in (path, path.with_suffix('.py')):
            if not file.is_file():
                raise UsageError(
                    f'{file} does not exist, but the hold-out is measured '
                    'with it. Run mmsemi fit again'
                )
        models[key] = model = Predictor(
            Config.fromfile(path.with_suffix('.py')), path, device=device
        )
        number = max(model.model.num_classes, 2)
        if number != len(folder.classes):
            raise UsageError(
                f'{path} predicts {number} classes, but the run has '
                f'{len(folder.classes)}. Give the model of this run'
            )
    return models


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


def _write_gallery(
    folder: RunFolder,
    data: dict[str, Any],
    smalls: dict[str, Small],
    models: dict[str, Predictor],
) -> None:
    best = data['recommended']
    items = []
    scores = {key: image_scores(data[key]['per_image']) for key in models}
    for name, reason in choose(scores[best]).items():
        facts = dict(
            name=name,
            part='holdout',
            reason=reason,
            iou={key: found[name] for key, found in scores.items()},
            confidence=data[best]['per_image'][name]['confidence'],
        )
        items.append((facts, smalls[name]))
    unlabeled = folder.names('unlabeled')
    drawn = np.random.default_rng(0).permutation(len(unlabeled))[:UNLABELED]
    for name in (unlabeled[k] for k in sorted(drawn)):
        try:
            found = models[best](folder.image(name))
        except UsageError:  # the findings name unreadable images
            continue
        facts = dict(
            name=name,
            part='unlabeled',
            reason='random',
            confidence=float(found['confidence'].mean()),
        )
        items.append((facts, _small({best: found})))
    write_gallery(folder.path, items)
