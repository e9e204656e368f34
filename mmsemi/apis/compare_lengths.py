"""Runs of a comparison in another length than their configs have."""

from collections.abc import Sequence
from typing import Any

from mmengine.config import Config

from mmsemi.registry import HOOKS, LOOPS, is_type
from mmsemi.utils.errors import UsageError

ROUNDS = 'SelfTrainingLoop'
# Numbers of iterations in a method's `semi_train_cfg`.
STAGES = (
    'warmup_iters',
    'ramp_up_iters',
    'known_iters',
    'contrast_start',
    'iters_per_epoch',
)


def lengths(cfg: Config) -> tuple[int, int]:
    """Iterations of a resolved config: on labeled images first, in rounds.

    Raises:
        UsageError: if it counts its rounds in epochs, which is known only
            when data is built.
    """
    loop = cfg.train_cfg
    if not is_type(loop, LOOPS, ROUNDS):
        if not loop.get('max_iters'):
            raise UsageError(
                f'{cfg.filename}: train_cfg.max_iters is missing; a '
                'comparison needs runs that are counted in iterations'
            )
        return loop.max_iters, 0
    return loop.get('supervised_iters', 0), sum(round_lengths(cfg))


def round_lengths(cfg: Config) -> list[int]:
    """Iterations of each round of a resolved config."""
    from mmsemi.engine.loops.round_lengths import per_round
    from mmsemi.pseudo_labels.schedules import per_round_shares

    loop = cfg.train_cfg
    rounds = len(tuple(per_round_shares(loop.portions)))
    if loop.get('iters_per_round') is None:
        raise UsageError(
            f'{cfg.filename}: its rounds are counted in epochs. Give '
            '--set train_cfg.iters_per_round=N train_cfg.epochs_per_round='
            'None to compare it'
        )
    return list(per_round(loop.iters_per_round, rounds, 'iters_per_round'))


def set_length(cfg: Config, written: Config, iterations: int) -> None:
    """Give a config another length and the same course.

    Args:
        cfg: changed in place.
        written: the same, resolved.
        iterations: the new length.

    Raises:
        UsageError: if a round would be empty.
    """
    keep_teacher(cfg, written, iterations / sum(lengths(written)))
    cfg.merge_from_dict(length_options(written, iterations))


def length_options(cfg: Config, iterations: int) -> dict[str, Any]:
    """Settings that give a run another length and the same course.

    Rounds, the times of validation and all of ``STAGES`` keep their share
    of the run.

    Args:
        cfg: resolved config.
        iterations: the new length.

    Raises:
        UsageError: if a round would be empty.
    """
    first, later = lengths(cfg)
    factor = iterations / (first + later)
    loop = cfg.train_cfg
    options: dict[str, Any] = {}
    if later:
        rounds = [round(n * factor) for n in round_lengths(cfg)]
        start, least = iterations - sum(rounds), shortest_start(cfg)
        if first and start < least:
            # Of very short runs the beginning is no longer in proportion.
            rounds[rounds.index(max(rounds))] -= least - start
            start = least
        if min(rounds) < 1 or start < 0:
            raise UsageError(
                f'--iterations {iterations} are too few for the '
                f'{len(rounds)} rounds of {cfg.filename}'
            )
        if not first:
            rounds[-1] += start
            start = 0
        options['train_cfg.supervised_iters'] = start
        options['train_cfg.iters_per_round'] = rounds
    else:
        options['train_cfg.max_iters'] = iterations
    if loop.get('val_interval'):
        interval = max(1, round(loop.val_interval * factor))
        options['train_cfg.val_interval'] = interval
    settings = cfg.model.get('semi_train_cfg') or {}
    for key, value in stretched(settings, STAGES, factor).items():
        options[f'model.semi_train_cfg.{key}'] = value
    return options


def shortest_start(cfg: Config) -> int:
    """Iterations that a resolved config needs before its rounds."""
    snapshots = [
        hook.get('snapshots', 3)
        for hook in cfg.get('custom_hooks') or []
        if is_type(hook, HOOKS, 'ReliableFirstHook')
    ]
    return max(snapshots, default=1)


def keep_teacher(cfg: Config, written: Config, factor: float) -> None:
    """Let a teacher keep its time as a copy, as a share of the run.

    Args:
        cfg: config of the method, changed in place.
        written: the same, resolved.
        factor: by which the run grows longer.
    """
    hook, whole = teacher_hook(cfg), teacher_hook(written)
    if hook is not None and whole is not None:
        hook.update(stretched(whole, ('start_iter', 'copy_until'), factor))


def teacher_hook(cfg: Config) -> dict | None:
    """The hook that averages a method's teacher."""
    hooks = [*(cfg.get('hooks') or {}).values()]
    hooks += cfg.get('custom_hooks') or []
    for hook in filter(None, hooks):
        if hook.get('type') and is_type(hook, HOOKS, 'MeanTeacherHook'):
            return hook
    return None


def stretched(
    settings: dict[str, Any], keys: Sequence[str], factor: float
) -> dict[str, int]:
    """Those of some numbers of iterations that are set, times a factor."""
    return {
        key: max(1, round(settings[key] * factor))
        for key in keys
        if settings.get(key)
    }
