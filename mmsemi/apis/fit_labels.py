"""Whether labels for the other images would be right often enough.

A model that learns from its own labels repeats their mistakes. Where mistakes
are the rule, it only gets worse: on clothing photos, with 44 masks, 15 of 19
classes lost.
"""

from pathlib import Path
from typing import Any

import numpy as np
from mmengine.device import get_device

from mmsemi.evaluation.holdout import HoldoutScores, surer_half_precision
from mmsemi.io.files import write_text
from mmsemi.report.own_data.run_folder import PLACES, RunFolder
from mmsemi.report.tables import percent
from mmsemi.utils.progress import track_parts

from .config import load_config
from .fit_run import CONFIG, TRAIN, TWIN, TWIN_CONFIG, say, write_facts
from .inference import Predictor

# Precision below which the unlabeled images are left aside. Measured when a
# training was half done: 0.40 to 0.44 on the clothing photos, which lost,
# 0.65 to 0.99 in twelve runs on other data, see docs/results.md.
LEAST = 0.5


def leave_poor_labels(run: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Do without unlabeled images where labels would mostly be wrong.

    Asks the model that the training with all images would begin with. What
    a person has chosen by ``--method`` is trained whatever it says.

    Args:
        run: folder of the run, whose twin is trained.
        facts: content of its ``fit.json``.

    Returns:
        The facts, changed where labels are poor.
    """
    if (run / TRAIN).exists() or facts.get('folds') or not facts['shared']:
        return facts
    if facts['wish']['method'] != 'auto':
        return facts
    precision = label_precision(run, facts['shared'])
    if precision is None or precision >= LEAST:
        return facts
    settings = {s['name']: s for s in facts['settings']}
    del settings['shared']
    method = settings['method']['value']
    share = percent(precision, 0)
    right = f'right in {share} of the pixels of an average class'
    settings['method'] = dict(
        name='method',
        value='supervised',
        reason=f'labels for the other images would have been {right}',
    )
    number = facts['numbers']['unlabeled']
    left = 'What is unknown in partly labeled images is'
    if number:
        left = (
            f'The {number} unlabeled images are'
            if number > 1
            else 'The unlabeled image is'
        )
    say(
        f'\n{left} left aside: half-way through its training the model would '
        f'have given labels that are {right} (the more confident half of '
        'them, measured on the hold-out). A model that learns from such '
        f'labels repeats their mistakes. More masks help; --method {method} '
        'trains with the unlabeled images all the same'
    )
    return write_facts(
        run,
        settings=list(settings.values()),
        twin=False,
        shared=0,
        label_precision=precision,
    )


def label_precision(run: Path, iteration: int) -> float | None:
    """How often labels of the twin are right, as it was at an iteration.

    Args:
        run: folder of the run.
        iteration: one of which it kept the weights.

    Returns:
        Precision of the more confident half of the pixels of a class, mean
        of the classes that are predicted; None without any. Where not all
        classes were drawn, those that no mask shows are left out: nobody
        knows how often they are right.
    """
    folder = RunFolder(run)
    names = folder.names('holdout')
    model = Predictor(
        load_config(str(run / TWIN_CONFIG)),
        run / PLACES['twin'] / f'iteration_{iteration}.pth',
        device=get_device(),
    )
    scores = HoldoutScores(len(folder.classes))
    for name, tell in track_parts(names, len(names), 'trying labels out'):
        found = model(folder.image(name), tell)
        scores.add(name, found['ids'], found['confidence'], folder.mask(name))
    precision = surer_half_precision(scores.pixels, scores.right)
    if folder.facts['wish']['labeled_classes']:
        shown = sum(scores.images.values()).sum(1) > 0
        precision[~shown] = np.nan
    return None if np.isnan(precision).all() else float(np.nanmean(precision))


def make_twin_the_model(run: Path) -> None:
    """Give the training with labeled images alone the place of the other.

    May be stopped anywhere, and called again.
    """
    if (run / TWIN).exists():
        (run / TWIN).rename(run / TRAIN)
    if (run / TWIN_CONFIG).exists():
        text = (run / TWIN_CONFIG).read_text(encoding='utf-8')
        # Only there: the path of the images may have such a name in it.
        text = text.replace(f'train {TWIN_CONFIG}`', f'train {CONFIG}`', 1)
        write_text(run, CONFIG, text)
        (run / TWIN_CONFIG).unlink()
