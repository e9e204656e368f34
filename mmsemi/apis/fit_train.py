"""The trainings of a run on somebody's own images, one after the other."""

from pathlib import Path
from typing import Any

from mmsemi.engine.checkpoints import is_whole, newest_whole
from mmsemi.report.own_data.run_folder import PLACES, fold_folder
from mmsemi.utils.errors import TrainingFailed, UsageError

from .fit_labels import leave_poor_labels, make_twin_the_model
from .fit_run import CONFIG, TWIN_CONFIG, say
from .run_record import RECORD, read_record
from .train import train


def train_all(run: Path, facts: dict[str, Any]) -> None:
    """Train what is measured: with all images to learn from, and the twin.

    Args:
        run: folder of the run.
        facts: content of its ``fit.json``.
    """
    number = facts.get('folds', 0)
    for k in range(1, number + 1):
        train_both(fold_folder(run, k), facts, f'Fold {k} of {number}: ')
    if not number:
        train_both(run, facts)


def train_both(run: Path, facts: dict[str, Any], title: str = '') -> None:
    """Train the labeled-only twin if there is one, then the method.

    Where the twin would give the other images poor labels, it is all there
    is; see :mod:`.fit_labels`.

    Args:
        run: folder of the run or of a fold.
        facts: content of the run's ``fit.json``.
        title: beginning of what is said.
    """
    if facts['twin']:
        train_one(run, facts, 'twin', title)
        _make_beginning(run, facts, title)
        facts = leave_poor_labels(run, facts)
    if 'label_precision' in facts:
        make_twin_the_model(run)
    else:
        train_one(run, facts, 'method', title)


def train_one(
    run: Path,
    facts: dict[str, Any],
    key: str,
    title: str = '',
    anew: bool = False,
) -> None:
    """Train one of the two, or go on with it.

    Where no checkpoint is whole any more, it starts anew.

    Args:
        run: see :func:`train_both`, as are ``facts`` and ``title``.
        facts: of the run.
        key: ``twin`` or ``method``.
        title: of what is said.
        anew: move a training that is there aside.
    """
    config = TWIN_CONFIG if key == 'twin' else CONFIG
    folder = run / PLACES[key]
    settings = {s['name']: s['value'] for s in facts['settings']}
    alone = key == 'twin' or settings['method'] == 'supervised'
    what = 'labeled images alone' if alone else 'all images'
    if key == 'method' and facts['shared']:
        what += f', from iteration {facts["shared"]} of the other training on'
    say(f'\n{title}Training with {what} ({folder})')
    if not anew and not read_record(folder).get('finished'):
        anew = _checkpoint(folder) is None
        if anew:
            say(
                f'no checkpoint in {folder} is whole, so this training '
                'starts anew; what is there is moved aside'
            )
    try:
        train(
            str(run / config),
            work_dir=str(folder),
            resume=not anew and (folder / RECORD).exists(),
            overwrite=anew,
            accumulate='auto',
        )
    except TrainingFailed as error:
        raise UsageError(f'{error}. {_way_out(run, config, alone)}') from error


def _way_out(run: Path, config: str, alone: bool) -> str:
    """What a person can do who has set no learning rate."""
    twin = run / PLACES['twin'] / 'segmentor.pth'
    if not alone and twin.exists():
        return (
            f'The model of the labeled images alone is {twin}. To learn from '
            'all of them, give fit another --method and another --out'
        )
    return (
        f'Lower the learning rate in {run / config} and run `mmsemi train '
        f'{run / config}`, or give fit another --model and another --out'
    )


def _checkpoint(folder: Path) -> bool | None:
    """Whether a training has one to go on from; None: a damaged one."""
    try:
        return newest_whole(folder, lambda _: None) is not None
    except UsageError:
        return None


def _make_beginning(run: Path, facts: dict[str, Any], title: str) -> None:
    """Have the weights that the training with all images begins with.

    The twin writes them on its way; where they were removed since, or are
    damaged, it goes the same way again.

    Raises:
        UsageError: if they are not there even then.
    """
    method = run / PLACES['method']
    begun = read_record(method).get('finished') or _checkpoint(method)
    if not facts['shared'] or begun:
        return
    begin = run / PLACES['twin'] / f'iteration_{facts["shared"]}.pth'
    if is_whole(begin):
        return
    state = 'damaged' if begin.exists() else 'missing'
    say(
        f'\n{begin} is {state}. Training with all images begins with it, so '
        'labeled images alone are trained with again to make it; what they '
        'had made is moved aside'
    )
    train_one(run, facts, 'twin', title, anew=True)
    if not is_whole(begin):
        raise UsageError(
            f'{begin} was not written, and training with all images begins '
            'with it. Start another run with --no-twin and another --out'
        )
