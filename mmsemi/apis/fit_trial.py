"""What a person's machine can do in a given time, found by trying."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmsemi.engine.memory import StepTooLarge
from mmsemi.engine.trial import Trial, try_steps
from mmsemi.prepare.fit_settings import Setting, device_kind
from mmsemi.utils.errors import UsageError
from mmsemi.utils.progress import format_seconds

from .config import load_config
from .fit_folds import TRAINED, steps_of_all, trainings

FEWEST, MOST = 100, 40_000


class Tried(NamedTuple):
    """What steps that were tried tell.

    Attributes:
        iterations: of each training.
        settings: all that was found, for a person.
        seconds: of a step of each config; none if they were not timed.
    """

    iterations: int
    settings: list[Setting]
    seconds: list[float]


def try_out(
    run: Path,
    configs: Sequence[str],
    iters: int | None,
    budget: float,
    folds: int,
    labeled: int = 0,
) -> Tried:
    """Take a few steps of each config, for time and for memory.

    On a CPU, and with a number of iterations, there is nothing to find out.

    Args:
        run: folder of the configs.
        configs: names of that of the method, and of the twin's.
        iters: iterations that were asked for.
        budget: seconds for the whole run, else.
        folds: of cross-validation.
        labeled: images that the method labels between its steps.

    Raises:
        UsageError: if a step does not even fit image by image.
    """
    gpu = device_kind() == 'cuda'
    trials = []
    if gpu or iters is None:
        # The second step holds the state of the optimizer, too.
        steps = 8 if iters is None else 2
        trials = [_tried(run / name, steps) for name in configs]
    settings = [_parts(trials)] if gpu else []
    seconds = [] if iters else [trial.seconds for trial in trials]
    labeling = sum(t.labeling for t in trials) * labeled * (folds + 1)
    iterations = _iterations(iters, budget, labeling, seconds, folds)
    return Tried(iterations.value, [*settings, iterations], seconds)


def _tried(config: Path, steps: int) -> Trial:
    try:
        return try_steps(load_config(str(config)), steps)
    except StepTooLarge as error:
        raise UsageError(
            f'{config.name}: a step takes its images one by one and still '
            'needs more memory than the GPU has. Choose a smaller network by '
            '--model'
        ) from error


def _parts(trials: Sequence[Trial]) -> Setting:
    parts = max(trial.parts for trial in trials)
    used = max(trial.memory or 0 for trial in trials)
    if parts == 1:
        why = 'a step fits the memory of the GPU'
    else:
        why = (
            'a step does not fit the memory of the GPU; so it is taken in '
            'parts, and gradients are averaged'
        )
    return Setting('accumulate', parts, f'{why} ({used:.0%} of it in use)')


def _iterations(
    iters: int | None,
    budget: float,
    labeling: float,
    seconds: Sequence[float],
    folds: int,
) -> Setting:
    """As many as fit in the time, with that of labeling taken off."""
    if iters is not None:
        return Setting('iterations', iters, 'as you said')
    step = steps_of_all(seconds, folds)
    fitting = max(math.floor((budget * TRAINED - labeling) / step), 0)
    number = max(FEWEST, min(fitting, MOST))
    times = ' and '.join(f'{value:.2f} s' for value in seconds)
    only = ' (labeled only)' * (len(seconds) > 1)
    often = f', {trainings(len(seconds), folds)} times' * bool(folds)
    why = (
        f'a step takes {times}{only}; that makes about '
        f'{format_seconds(number * step)} of training{often}'
    )
    if labeling:
        why += f', and {format_seconds(labeling)} of labeling'
    if fitting < FEWEST:
        why += (
            f', LONGER than --time allows: that would be {fitting} '
            f'iterations, and fewer than {FEWEST} teach nothing. Give more '
            'time, or fewer by --iters'
        )
    return Setting('iterations', number, why)
