"""Which images to label next, with masks to correct instead of to draw."""

import csv
import io
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.device import get_device

from mmsemi.doctor.settings import check_device
from mmsemi.evaluation.usefulness import ImageUse, image_use
from mmsemi.io.files import write_bytes, write_json
from mmsemi.prepare.pre_drawn import (
    CocoFile,
    areas_of,
    labelme_data,
    without_specks,
)
from mmsemi.report.own_data.class_shares import class_shares
from mmsemi.report.own_data.run_folder import FACTS, RunFolder
from mmsemi.utils.errors import UsageError
from mmsemi.utils.progress import track, track_parts

from .config import load_config
from .image_files import find_images
from .inference import Predictor
from .look import Look
from .predict import reads_any_image
from .ranking import COLUMNS, ranking
from .run_folder import Run, open_run

TABLE, FOLDER = 'label_next.csv', 'label_next'
# The folder has this name until all is written.
PARTIAL = '.label_next.partial'
# Areas to correct have at least this share of the pixels of an image.
SMALLEST_SHARE = 1e-4


class LabelNext(NamedTuple):
    """What :func:`label_next` wrote.

    Attributes:
        table: ``label_next.csv``.
        images: names of the chosen images, in their order.
        problems: a sentence for each image that could not be read.
    """

    table: Path
    images: list[str]
    problems: list[str]

    def __str__(self) -> str:
        lines = [
            f'{len(self.images)} images to label next: {self.table}; masks to '
            f'correct: {self.table.with_suffix("")}'
        ]
        if self.problems:
            number = len(self.problems)
            left = 'images were' if number > 1 else 'image was'
            lines.append(f'{number} {left} left out: {self.problems[0]}')
        return '\n'.join(lines)


def label_next(
    run: str | Path,
    number: int = 20,
    images: str | Path | None = None,
    candidates: int | None = None,
    device: str | None = None,
) -> LabelNext:
    """Rank the unlabeled images by how much their masks would help.

    Writes ``label_next.csv`` and, below ``label_next/``, predicted masks as
    ``labelme/*.json`` and ``coco.json`` into the run. What an earlier call
    wrote is moved aside, as it may hold corrections. The rule and its sources
    are those of :mod:`mmsemi.evaluation.usefulness`.

    Args:
        run: folder of ``fit``; or of a training, with ``images``.
        number: of images to choose.
        images: folder of unlabeled images; those of the run by default.
        candidates: look at so many images only, drawn at random.
        device: such as ``cpu`` or ``cuda:1``; by default a GPU if there is
            one.

    Raises:
        UsageError: if something is wrong with what was given, or no image
            is without a mask.
    """
    for name, value in (('number', number), ('candidates', candidates)):
        if value is not None and value < 1:
            raise UsageError(f'--{name} must be positive, got {value}')
    source = open_run(run)
    pool, labeled, folder = _images(source, images)
    if candidates is not None and candidates < len(pool):
        drawn = np.random.default_rng(0).permutation(len(pool))[:candidates]
        names = sorted(pool)
        pool = {names[k]: pool[names[k]] for k in sorted(drawn)}
    device = device or get_device()
    check_device(device)
    predictors = _predictors(source, device)
    look = Look(predictors)
    problems: list[str] = []
    seen = _look_at(pool, look, 'looking at unlabeled images', problems)
    known = _look_at(labeled, look, 'looking at labeled images', problems)
    if not seen:
        raise UsageError(
            f'none of {len(pool)} unlabeled images can be read: {problems[0]}'
        )
    classes = [
        str(name) for name in predictors[0].classes or range(look.classes)
    ]
    rows = ranking(
        *(seen, known, number, classes, len(predictors) > 1),
        _drawn(source.folder),
    )
    files = {row['image']: pool[row['image']] for row in rows}
    _write(source.folder, rows, files, predictors[0], classes, folder)
    return LabelNext(source.folder / TABLE, list(files), problems)


def _images(
    run: Run, images: str | Path | None
) -> tuple[dict[str, Path], dict[str, Path], Path]:
    """Unlabeled and labeled images by name, and the folder of images."""
    own = (run.folder / FACTS).is_file()
    labeled = {}
    if own:
        about = RunFolder(run.folder)
        names = [*about.names('labeled'), *about.names('holdout')]
        labeled = {name: about.image(name) for name in names}
    if images is not None:
        place = Path(images).expanduser()
        return find_images(place), labeled, place
    if not own:
        raise UsageError(
            f'{run.folder}: mmsemi fit did not make this run, so its '
            'unlabeled images are unknown. Give their folder with --images'
        )
    names = about.names('unlabeled')
    if not names:
        raise UsageError(
            f'{run.folder}: every image has a mask, so there is none to label '
            'next. Give a folder of further images with --images'
        )
    pool = {name: about.image(name) for name in names}
    return pool, labeled, Path(about.facts['images'])


def _drawn(folder: Path) -> np.ndarray | None:
    """(C,) share of each class in the masks of a run of ``fit``."""
    if not (folder / FACTS).is_file():
        return None
    try:
        rows = class_shares(RunFolder(folder))['rows']
    except UsageError:  # masks were taken away since
        return None
    return np.array([row['labeled']['share'] / 100 for row in rows])


def _predictors(run: Run, device: str) -> list[Predictor]:
    """The model of the run, and the other of its two trainings if there."""
    places = [run.checkpoint]
    for part in ('train', 'twin'):
        path = run.folder / part / run.checkpoint.name
        if path.is_file() and path.with_suffix('.py').is_file():
            places.append(path)
    predictors = []
    for place in places:
        cfg = load_config(str(place.with_suffix('.py')))
        if place == run.checkpoint:
            cfg = load_config(str(run.config))
        steps = cfg.get('test_pipeline')
        if steps is not None:
            cfg['test_pipeline'] = reads_any_image(steps)
        predictors.append(Predictor(cfg, place, device=device))
    first = predictors[0]
    others = [p for p in predictors[1:] if not _equal(p, first)]
    same = [p for p in others if p.channels == first.channels]
    return [first, *same[:1]]


def _equal(one: Predictor, other: Predictor) -> bool:
    here, there = (p.segmentor.state_dict() for p in (one, other))
    return here.keys() == there.keys() and all(
        torch.equal(value, there[key]) for key, value in here.items()
    )


def _look_at(
    files: dict[str, Path], look: Look, title: str, problems: list[str]
) -> dict[str, ImageUse]:
    found = {}
    for name, path in track(files.items(), len(files), title):
        try:
            found[name] = image_use(*look(path))
        except UsageError as error:
            problems.append(str(error))
    return found


def _write(
    folder: Path,
    rows: list[dict[str, Any]],
    files: dict[str, Path],
    predictor: Predictor,
    classes: list[str],
    root: Path,
) -> None:
    """Table and masks to correct, when all are made."""
    coco, drawings = CocoFile(classes), {}
    partial = folder / PARTIAL
    place = partial / 'labelme'
    items = track_parts(files.items(), len(files), 'drawing masks')
    for (name, path), tell in items:
        labels, _ = predictor.predict(predictor.read(path), tell)
        smallest = max(16, int(SMALLEST_SHARE * labels.size))
        labels = without_specks(labels, smallest)
        areas = areas_of(labels)
        target = place / f'{name}.json'
        drawings[name] = labelme_data(
            labels, areas, classes, path, target.parent
        )
        seen = os.path.relpath(path, root if root.is_dir() else root.parent)
        coco.add(seen.replace(os.sep, '/'), labels, areas)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    # Names of files need not be text.
    content = stream.getvalue().encode(errors='surrogateescape')
    shutil.rmtree(partial, ignore_errors=True)  # of a call that was killed
    try:
        for name, data in drawings.items():
            write_json(place, f'{name}.json', data)
        write_json(partial, 'coco.json', coco.data())
        write_bytes(partial, TABLE, content)
    except UsageError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    move_aside(folder)
    os.replace(partial / TABLE, folder / TABLE)
    os.replace(partial, folder / FOLDER)


def move_aside(folder: Path) -> None:
    """Give what an earlier call wrote another name, and say so."""
    old = [folder / TABLE, folder / FOLDER]
    if not any(path.exists() for path in old):
        return
    number = 1
    while any(_numbered(path, number).exists() for path in old):
        number += 1
    for path in old:
        if path.exists():
            path.rename(_numbered(path, number))
    print(
        f'{folder / FOLDER} was there already and may hold corrections; it is '
        f'now {_numbered(folder / FOLDER, number).name}'
    )


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f'{path.stem}.{number}{path.suffix}')
