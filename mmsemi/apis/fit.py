"""From two folders to a trained model, masks for all images, and a report.

It trains nothing itself: it writes configs and runs them.
"""

import inspect
import re
import shlex
import signal
from pathlib import Path
from typing import Any

from mmsemi.engine.interruption import Interrupted
from mmsemi.io.files import no_file, write_bytes
from mmsemi.io.lock import FolderLock, withdrawn
from mmsemi.prepare.masks import keep_apart
from mmsemi.report.own_data.before import BEFORE
from mmsemi.report.own_data.run_folder import (
    FACTS,
    PLACES,
    RunFolder,
    check_told,
    read_facts,
)
from mmsemi.utils.errors import UsageError

from .fit_begin import begin
from .fit_run import check_out, refuse_own, say, take_model, write_facts
from .fit_train import train_all, train_both, train_one
from .holdout import evaluate_holdout, show_unlabeled
from .predict import predict
from .report import write_report
from .selection import label_next

_TIME = '20m'
_NEXT = 20  # images to label next
# Options that name files, and those that may.
_FILES = ('images', 'masks', 'val', 'weights', 'labeled_classes')
_MAY_BE_FILES = ('classes', 'model')
# Facts that a run which goes on looks up.
_NEEDED = (
    'wish',
    'images',
    'numbers',
    'settings',
    'twin',
    'shared',
    'earlier',
)


def fit(
    images: str,
    masks: str,
    out: str,
    mask_suffix: str = '',
    classes: str | None = None,
    ignore_value: str = '255',
    background: str = 'class',
    labeled_classes: str | None = None,
    val: str | None = None,
    cross_validate: int | str | None = None,
    method: str = 'auto',
    model: str = 'auto',
    weights: str | None = None,
    time: str | None = None,
    iters: int | None = None,
    twin: bool = True,
    confidence: bool = False,
    seed: int = 0,
    resume: bool = False,
) -> Path:
    """Train with two folders, and segment every image.

    Looks at the data as :func:`.doctor.doctor` does, chooses settings and
    says why, writes configs, trains, also with the labeled images alone,
    and compares the two. Nothing in the two folders is changed. What is in
    ``out`` afterwards is said in the documentation. The same call with more
    or corrected masks trains again, from the model there is.

    Args:
        images: folder of images.
        masks: folder of masks, or a COCO JSON file. An image without a mask
            is unlabeled.
        out: folder of the run.
        mask_suffix: see :func:`.doctor.doctor`, as are the next four.
        classes: names.
        ignore_value: of pixels that belong to no class.
        background: ``class`` or ``ignore``.
        labeled_classes: CSV file about images in which not all classes were
            drawn.
        val: images to measure on, a list or a folder below ``images``; by
            default some of the labeled images are held out.
        cross_validate: hold every labeled image out once, in so many
            parts; ``auto`` for as many as is usual. The model that remains
            learns from all. For few labeled images.
        method: how to learn from unlabeled images, or ``auto``, which does
            without them where labels for them would be poor.
        model: ``small``, ``unet``, a config with a model, or ``auto``.
        weights: checkpoint that the backbone starts from.
        time: time for all training, such as ``30m`` or ``2h``; 20 minutes
            by default.
        iters: iterations of each training, instead.
        twin: train with the labeled images alone, too, to see what the
            unlabeled ones gain.
        confidence: write how sure the model is of each pixel, too.
        seed: of draws and trainings.
        resume: go on with a run that was stopped.

    Returns:
        The folder of the run.

    Raises:
        UsageError: if something is wrong with what was given.
        Interrupted: after SIGTERM or Ctrl-C, when the state is saved.
    """
    run = Path(out)
    for folder in (images, masks):
        keep_apart(run, folder)
    check_out(run)
    own = {'IMAGES': images, 'MASKS': masks, '--weights': weights}
    refuse_own(run, **own)
    if time is not None and iters is not None:
        raise UsageError(
            f'--time {time} and --iters {iters} both say how long to train. '
            'Give one of them'
        )
    budget = seconds_of(time or _TIME)
    if iters is not None and iters < 1:
        raise UsageError(f'--iters must be at least 1, got {iters}')
    if val and cross_validate:
        raise UsageError(
            f'--val {val}: --cross-validate measures on all labeled images. '
            'Leave one of the two out'
        )
    wish = named_from_anywhere(
        images=images,
        masks=masks,
        mask_suffix=mask_suffix,
        classes=classes,
        ignore_value=ignore_value,
        background=background,
        labeled_classes=labeled_classes,
        val=val,
        cross_validate=cross_validate,
        method=method,
        model=model,
        weights=weights,
        time=time,
        iters=iters,
        twin=twin,
        seed=seed,
    )
    if weights and not Path(weights).is_file():
        raise UsageError(f'--weights {weights} {no_file(weights)}')
    with (
        FolderLock(run, '--out') as lock,
        withdrawn(lock, (run / FACTS).exists),
    ):
        facts = read_facts(run)
        if facts and resume:
            check_told(run, facts, _NEEDED)
            _check_same(facts['wish'], wish)
            if facts.get('finished'):
                say(f'the run in {run} is finished; nothing to resume')
                return run
        elif resume:
            raise UsageError(
                f'nothing to resume: {run} holds no run. Start it without '
                '--resume'
            )
        else:
            facts = _begin(
                run,
                wish,
                facts,
                budget,
                _command(dict(wish, confidence=confidence)),
            )
        train_all(run, facts)
        _finish(run, facts, confidence)
    return run


def named_from_anywhere(**wish: Any) -> dict[str, Any]:
    """Options with whole paths, which mean the same in every folder."""
    for key, value in wish.items():
        file = key in _MAY_BE_FILES and value and Path(value).is_file()
        if value and (key in _FILES or file):
            wish[key] = str(Path(value).absolute())
    return wish


def seconds_of(text: str) -> float:
    """``90s``, ``30m`` or ``2h`` in seconds.

    Raises:
        UsageError: if it is none of these.
    """
    found = re.fullmatch(r'(\d+(?:\.\d+)?)\s*([smh])', text.strip())
    if not found or float(found[1]) == 0:
        raise UsageError(f'--time {text}: give a time such as 90s, 30m or 2h')
    return float(found[1]) * dict(s=1, m=60, h=3600)[found[2]]


def _begin(run: Path, *given: Any) -> dict[str, Any]:
    try:
        return begin(run, *given)
    except KeyboardInterrupt as error:
        raise Interrupted(
            getattr(error, 'number', signal.SIGINT),
            'nothing is trained yet, so the same command starts anew',
        ) from error


def _command(wish: dict[str, Any]) -> str:
    """The command that does this from any folder, but for ``--out``."""
    words = ['mmsemi', 'fit', wish['images'], wish['masks']]
    usual = inspect.signature(fit).parameters
    for name, value in wish.items():
        if name in ('images', 'masks') or value == usual[name].default:
            continue
        option = name.replace('_', '-')
        if value is False:
            words.append(f'--no-{option}')
        elif value is True:
            words.append(f'--{option}')
        elif str(value).startswith('-'):  # else taken for an option
            words.append(f'--{option}={value}')
        else:
            words += [f'--{option}', str(value)]
    return shlex.join(words)


def _check_same(before: dict[str, Any], now: dict[str, Any]) -> None:
    for key, value in now.items():
        if value == before.get(key):
            continue
        name = f'--{key.replace("_", "-")}'
        names = dict(images='IMAGES', masks='MASKS', twin='--no-twin')
        old, new = (
            'not given' if v is None else not v if key == 'twin' else v
            for v in (before.get(key), value)
        )
        raise UsageError(
            f'cannot resume: {names.get(key, name)} was {old} when the run '
            f'began, and is {new}. Resume with the same options, or start '
            'another run with another --out'
        )


def _finish(run: Path, facts: dict[str, Any], confidence: bool) -> None:
    """Measure, take the better model, and show what came of it."""
    best = evaluate_holdout(run)['recommended']
    folds = facts.get('folds')
    if folds and best == 'method':  # which begins as the twin does
        train_both(run, facts, 'No image held out: ')
    elif folds:
        train_one(run, facts, best, 'No image held out: ')
    take_model(run, run / PLACES[best])
    show_unlabeled(run, best)
    if facts['earlier'] and (run / facts['earlier'] / 'report.json').exists():
        before = run / facts['earlier'] / 'report.json'
        write_bytes(run, BEFORE, before.read_bytes())
    say('')
    predicted = predict(
        run, facts['images'], run, confidence=confidence, overwrite=True
    )
    say(str(predicted))
    if facts['numbers']['unlabeled']:
        say(str(label_next(run, min(_NEXT, facts['numbers']['unlabeled']))))
    page = write_report(run)
    write_facts(run, finished=True)
    told = RunFolder(run).read_json('report.json')
    verdict = told['verdict']
    say(f'\n{verdict["headline"]}. {verdict["text"]} {verdict["advice"]}')
    if told['cross_validation']:
        say(told['cross_validation'])
    if told['before']:
        say(told['before']['text'])
    say(f'  report     {page}')
    say(f'  model      {run / "segmentor.pth"}, a plain MMSegmentation model')
