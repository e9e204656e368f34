"""Masks for all images below a folder, as the model's own masks were."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.device import get_device

from mmsemi.doctor.images import deep_images, loading_step, note_depth
from mmsemi.doctor.settings import check_device
from mmsemi.io.files import write_png
from mmsemi.models.plain_config import test_pipeline
from mmsemi.prepare.encoding import Encoding
from mmsemi.prepare.mask_files import GRAY
from mmsemi.prepare.mask_writer import MaskWriter
from mmsemi.prepare.masks import keep_apart
from mmsemi.prepare.open_masks import open_masks
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE
from mmsemi.utils.progress import track_parts

from .config import load_config
from .image_files import find_images
from .inference import MAX_PIXELS, Predictor
from .run_folder import Run, open_run
from .unfinished import Filling, digest_of, state_of

MASKS, CONFIDENCE = 'masks', 'confidence'


class Predicted(NamedTuple):
    """What :func:`predict` wrote.

    Attributes:
        folder: that holds ``masks/``, and ``confidence/`` on request.
        images: number of images with a mask now.
        problems: a sentence for each image that could not be read.
    """

    folder: Path
    images: int
    problems: list[str]

    @property
    def exit_code(self) -> int:
        """Of the command: 1 if an image has no mask."""
        return int(bool(self.problems))

    def __str__(self) -> str:
        images = f'{self.images} image{"s" * (self.images != 1)}'
        lines = [f'masks of {images}, in {self.folder / MASKS}']
        if self.problems:
            number = len(self.problems)
            lines.append(
                f'{number} {"image has" if number == 1 else "images have"} '
                'none: '
                + '; '.join(self.problems[:3])
                + '; ...' * (len(self.problems) > 3)
            )
        return '\n'.join(lines)


def predict(
    run: str | Path,
    images: str | Path,
    out: str | Path,
    confidence: bool = False,
    encoding: str = 'original',
    max_pixels: int = MAX_PIXELS,
    device: str | None = None,
    overwrite: bool = False,
) -> Predicted:
    """Write a mask for every image, in the encoding the masks came in.

    Masks are below ``out/masks/`` as images are below theirs. Images whose
    paths differ in the suffix only keep it (``a.jpg.png``). The same call
    goes on with what was stopped; masks that are there stay as they are.

    Args:
        run: what ``fit`` or a training wrote, see
            :func:`.run_folder.open_run`.
        images: image, folder (with all below it) or pattern.
        out: folder for the results; not one of images.
        confidence: write ``out/confidence/``, too: PNG, 255 is certain.
        encoding: ``original``: as the masks were that the model learned
            from, as far as that is known, else ``palette``; ``palette``:
            class ids with colors; ``ids``: plain class ids.
        max_pixels: larger images go through the network in windows.
        device: such as ``cpu`` or ``cuda:1``; by default a GPU if there is
            one.
        overwrite: replace masks that are there.

    Raises:
        UsageError: if something is wrong with what was given. Images that
            cannot be read are in the result.
    """
    if max_pixels < 1:
        raise UsageError(f'--max-pixels must be positive, got {max_pixels}')
    source = open_run(run)
    found = _without_masks(find_images(images), images, source.facts)
    folder = Path(out).expanduser()
    if Path(images).expanduser().is_dir():
        keep_apart(folder, Path(images).expanduser())
    kinds = [MASKS, CONFIDENCE][: 1 + confidence]
    device = device or get_device()
    check_device(device)
    cfg = load_config(str(source.config))
    call = dict(
        checkpoint=state_of(source.checkpoint),
        config=digest_of(cfg),
        images=str(Path(images).expanduser().absolute()),
        confidence=confidence,
        encoding=encoding,
        max_pixels=max_pixels,
    )
    filling = Filling(folder / MASKS, call, overwrite)
    filling.check([folder / kind for kind in kinds])
    cfg['test_pipeline'] = reads_any_image(test_pipeline(cfg))
    step = loading_step(dict(pipeline=test_pipeline(cfg)))
    for note in note_depth('input', deep_images(found.values(), step), step):
        print(note)
    predictor = Predictor(
        cfg, source.checkpoint, device=device, max_pixels=max_pixels
    )
    codes = encoding_of(source, encoding, predictor)
    problems = []
    filling.begin()
    with MaskWriter(folder / MASKS, codes) as writer:
        items = track_parts(found.items(), len(found), 'predicting')
        for (name, path), tell in items:
            grades = [folder / CONFIDENCE / f'{name}.png'] * confidence
            masks = writer.files(name)
            if masks and filling.has(*masks, *grades):
                continue
            try:
                labels, sure = predictor.predict(predictor.read(path), tell)
            except UsageError as error:
                problems.append(str(error))
                continue
            writer.write(name, labels, str(path))
            if confidence:
                shown = (sure * 255).round().astype(np.uint8)
                write_png(folder / CONFIDENCE, f'{name}.png', shown)
    filling.end()
    return Predicted(folder, len(found) - len(problems), problems)


def _without_masks(
    found: dict[str, Path], images: str | Path, facts: dict[str, Any]
) -> dict[str, Path]:
    """Images of the folder that ``fit`` had, in which masks may lie, too."""
    wish = facts.get('wish')
    same = wish and Path(images).resolve() == Path(wish['images']).resolve()
    if not same:
        return found
    try:
        pairs, _ = open_masks(
            wish['images'], wish['masks'], wish['mask_suffix']
        )
    except UsageError:  # they are somewhere else now
        return found
    known = {pair.name for pair in pairs.pairs}
    return {name: path for name, path in found.items() if name in known}


def reads_any_image(steps: list[dict]) -> list[dict]:
    """A pipeline of mmseg that reads images of every kind.

    A plain model names the usual loading, which gives the same pixels for
    images of 8 bits and stops at others.
    """
    return [
        dict(type='LoadAnyImage')
        if step == dict(type='LoadImageFromFile')
        else step
        for step in steps
    ]


def encoding_of(run: Run, wanted: str, predictor: Predictor) -> Encoding:
    """How masks are to be written.

    Args:
        run: whose encoding is the original one.
        wanted: ``original``, ``palette`` or ``ids``.
        predictor: of that run.

    Raises:
        UsageError: if run and model do not have the same classes.
    """
    number = max(predictor.channels, 2)
    if wanted == 'original' and run.encoding is not None:
        if len(run.encoding.codes) != number:
            raise UsageError(
                f'{run.folder}: its masks have {len(run.encoding.codes)} '
                f'classes, but {run.checkpoint.name} predicts {number}. '
                'The two are not of one run; or write class ids with '
                '--encoding ids'
            )
        return run.encoding
    ids = Encoding(
        kind='ids',
        space=GRAY,
        classes=[str(c) for c in predictor.classes or range(number)],
        codes=list(range(number)),
        ignored=[IGNORE],
    )
    if wanted == 'ids':
        return ids
    colors = np.zeros((256, 3), np.uint8)
    colors[:number] = predictor.palette[:number]
    return replace(ids, mode='P', palette=colors.ravel().tolist())
