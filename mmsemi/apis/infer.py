"""Segment image files."""

import os
from pathlib import Path
from typing import Any

from mmengine.device import get_device

from mmsemi.doctor.images import deep_images, loading_step, note_depth
from mmsemi.doctor.settings import check_device
from mmsemi.io.package_configs import find_config
from mmsemi.models.plain_config import test_pipeline
from mmsemi.utils.errors import UsageError
from mmsemi.utils.progress import track_parts

from .config import load_config
from .image_files import find_images
from .inference import Predictor
from .pictures import picture_files, save_prediction
from .unfinished import Filling, digest_of, state_of


def infer(
    source: str,
    config: str,
    checkpoint: str,
    out: str,
    predict_on: str | None = None,
    raw: bool = False,
    confidence: bool = False,
    opacity: float = 0.5,
    device: str | None = None,
    overwrite: bool = False,
    options: dict[str, Any] | None = None,
) -> int:
    """Write color maps and overlays, and more on request, as PNG files.

    The same call goes on with what was stopped; pictures that are there stay
    as they are.

    Args:
        source: image, folder (with all below it) or pattern.
        config: file, or name of a config that mmsemi brings; may be a plain
            one of MMSegmentation.
        checkpoint: of mmsemi or plain MMSegmentation.
        out: folder for the results.
        predict_on: sub-model to use; by default the one the config predicts
            with.
        raw: save class ids, too.
        confidence: save confidences, too; 255 is certain.
        opacity: of the colors in overlays, 0 to 1.
        device: such as ``cpu`` or ``cuda:1``; by default a GPU if there is
            one.
        overwrite: write into a folder that holds files.
        options: settings to change in the config, by their dotted keys.

    Returns:
        The number of images.

    Raises:
        UsageError: if something is wrong with what was given; for unreadable
            images when all others are done.
    """
    if not 0 <= opacity <= 1:
        raise UsageError(f'--opacity must lie in [0, 1], got {opacity}')
    folder = Path(out)
    images = {
        stem: path
        for stem, path in find_images(source).items()
        if folder.resolve() not in path.resolve().parents  # earlier results
    }
    device = device or get_device()
    check_device(device)
    cfg = load_config(find_config(config), options)
    call = dict(
        checkpoint=state_of(checkpoint),
        config=digest_of(cfg),
        images=os.path.abspath(os.path.expanduser(source)),
        predict_on=predict_on,
        raw=raw,
        confidence=confidence,
        opacity=opacity,
    )
    filling = Filling(folder, call, overwrite)
    filling.check([folder])
    step = loading_step(dict(pipeline=test_pipeline(cfg)))
    for note in note_depth('input', deep_images(images.values(), step), step):
        print(note)
    predictor = Predictor(cfg, checkpoint, predict_on, device)
    problems = []
    filling.begin()
    items = track_parts(images.items(), len(images), 'predicting')
    for (stem, path), tell in items:
        if filling.has(*picture_files(folder, stem, raw, confidence)):
            continue
        try:
            prediction = predictor(path, tell)
        except UsageError as error:
            problems.append(str(error))
            continue
        save_prediction(
            folder,
            stem,
            prediction,
            predictor.palette,
            opacity,
            raw,
            confidence,
        )
    filling.end()
    done = len(images) - len(problems)
    print(f'{done} of {len(images)} images segmented, in {out}')
    if problems:
        raise UsageError('; '.join(problems))
    return done
