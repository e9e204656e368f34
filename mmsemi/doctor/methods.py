"""Whether a config has all that its method lives on.

Without these parts a run trains to its end and says nothing: a teacher that
nobody moves labels as it was initialized, and a batch without labeled images
teaches no class.
"""

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from mmsemi.datasets.splits import leaf_datasets
from mmsemi.engine.student_config import dicts
from mmsemi.models.segmentors import OnlineSegmentor
from mmsemi.registry import (
    DATA_SAMPLERS,
    DATASETS,
    HOOKS,
    LOOPS,
    MODELS,
    class_of,
    is_type,
)
from mmsemi.utils.errors import UsageError

# What moves a network that follows the student, and its name in our configs.
_MOVED_BY = dict(
    teacher=('MeanTeacherHook', 'hooks.teacher'),
    generator=('GeneratorRefreshHook', 'hooks.generator'),
)
_OURS = ('mmsemi', 'mmseg', 'mmengine')
_ROUND_LOOP = 'SelfTrainingLoop'


def check_methods(cfg: Config) -> list[str]:
    """Stop where a method lacks a part; say what is left out on purpose.

    Args:
        cfg: resolved config of a training.

    Returns:
        Lines for the log.

    Raises:
        UsageError: naming the part and how to bring it back.
    """
    _check_moved(cfg)
    _check_labelers(cfg)
    if is_type(cfg.train_cfg, LOOPS, _ROUND_LOOP):
        _check_rounds(cfg.train_cfg)
    _check_frequencies(cfg)
    return [*_batch_notes(cfg), *_schedule_notes(cfg), *_resume_notes(cfg)]


def _hooks(cfg: Config) -> Iterator[dict]:
    for hook in (cfg.get('default_hooks') or {}).values():
        if isinstance(hook, dict):
            yield hook
    for hook in cfg.get('custom_hooks') or []:
        if isinstance(hook, dict):
            yield hook


def _has_hook(cfg: Config, name: str, does: str) -> bool:
    """Whether a hook is there, or one of somebody's own in its place.

    Args:
        cfg: config.
        name: of the hook.
        does: method of a hook without which it could not be in its place.
    """
    for hook in _hooks(cfg):
        if is_type(hook, HOOKS, name):
            return True
        kind = class_of(hook.get('type'), HOOKS)
        if any(
            base.__module__.split('.')[0] not in _OURS and does in vars(base)
            for base in getattr(kind, '__mro__', ())
        ):
            return True
    return False


def _check_moved(cfg: Config) -> None:
    """Networks that follow the student are moved by a hook."""
    kind = class_of(cfg.model.get('type'), MODELS)
    for network in getattr(kind, 'frozen_copies', ()):
        hook, usual = _MOVED_BY.get(network, ('', ''))
        _check_momentum(cfg)
        if not hook or _has_hook(cfg, hook, 'after_train_iter'):
            continue
        raise UsageError(
            f'model.type={cfg.model.type} has a {network}, but no hook moves '
            f'it, so it would stay as it was at the start. Add {usual}=dict('
            f"type='{hook}'), or take {usual}=None out"
        )


def _check_momentum(cfg: Config) -> None:
    """A teacher that takes nothing over stays as it was, too."""
    for hook in _hooks(cfg):
        if (
            is_type(hook, HOOKS, 'MeanTeacherHook')
            and hook.get('momentum') == 0
            and hook.get('schedule', 'constant') == 'constant'
        ):
            raise UsageError(
                f'{hook["type"]}: with momentum=0 the teacher takes nothing '
                "over from the student. It is the new weights' share, such "
                'as 0.01'
            )


def _check_labelers(cfg: Config) -> None:
    """Rounds have labels, and who labels has rounds."""
    labeled_by = [
        hook for hook in _hooks(cfg) if is_type(hook, HOOKS, 'PseudoLabelHook')
    ]
    rounds = is_type(cfg.train_cfg, LOOPS, _ROUND_LOOP)
    if labeled_by and not rounds:
        raise UsageError(
            f'{labeled_by[0]["type"]} labels at the start of rounds, and '
            f'train_cfg.type={cfg.train_cfg.get("type")} has none. Take '
            f'{_ROUND_LOOP}, or leave the hook out'
        )
    if rounds and not cfg.get('semi_dataloader'):
        raise UsageError(
            'rounds learn from what semi_dataloader loads, and the config has '
            'none. Take semi_dataloader=None out'
        )
    semi = (cfg.get('semi_dataloader') or {}).get('dataset')
    waits = any(
        is_type(part, DATASETS, 'PseudoLabelDataset')
        and not part.get('pseudo_label_dir')
        for part in dicts(semi)
    )
    if (
        rounds
        and waits
        and not _has_hook(cfg, 'PseudoLabelHook', 'before_round')
    ):
        raise UsageError(
            'rounds learn from pseudo-labels, and no hook makes any. Add a '
            "PseudoLabelHook as hooks.labeling, or take 'hooks.labeling=None' "
            'out'
        )


def _check_rounds(loop: dict) -> None:
    """Rounds have whole lengths, and there is one at least."""
    for name in ('supervised_iters', 'iters_per_round', 'epochs_per_round'):
        lengths = loop.get(name)
        lengths = lengths if isinstance(lengths, (list, tuple)) else [lengths]
        for length in lengths:
            if length is None and name != 'supervised_iters':
                continue  # one of the two is given
            if type(length) is not int or length < 0:
                raise UsageError(
                    f'train_cfg.{name} must be a whole number of 0 or more, '
                    f'got {length!r}'
                )
    portions = loop.get('portions')
    if not isinstance(portions, (dict, list, tuple)) or not portions:
        raise UsageError(
            'train_cfg.portions must name the share of pseudo-labels that '
            f'each round keeps, such as (0.2, 0.5), got {portions!r}. Without '
            'rounds, train a config of configs/supervised'
        )


def _check_frequencies(cfg: Config) -> None:
    """Class weights by the labels need somebody who counts these."""
    awaited = any(
        part.get('class_frequency') == 'labeled' for part in dicts(cfg.model)
    )
    if awaited and not _has_hook(cfg, 'ClassFrequencyHook', 'before_run'):
        raise UsageError(
            "a loss of the model has class_frequency='labeled', and no hook "
            'counts the classes of the labels. Add '
            "hooks.class_frequency=dict(type='ClassFrequencyHook')"
        )


def _batch_notes(cfg: Config) -> Iterator[str]:
    """Which images a batch holds none of."""
    kind = class_of(cfg.model.get('type'), MODELS)
    online = isinstance(kind, type) and issubclass(kind, OnlineSegmentor)
    rounds = is_type(cfg.train_cfg, LOOPS, _ROUND_LOOP)
    for name in ('train_dataloader', 'semi_dataloader'):
        if name == 'semi_dataloader' and not rounds:
            continue
        loader = cfg.get(name) or {}
        shares = _shares(loader)
        if shares is None:
            dataset = loader.get('dataset') or {}
            roles = {role for role, _ in leaf_datasets(dataset)}
            if online and isinstance(dataset, dict) and roles == {'labeled'}:
                yield (
                    f'{name} names no unlabeled images: training is supervised'
                )
            continue
        labeled = shares.get('labeled', 0) + shares.get('target', 0)
        if not labeled:
            raise UsageError(
                f'{name}: a batch holds no labeled images, so nothing says '
                'what the classes are. Let data.batch.labeled (the share of '
                'labeled images in samples_per_source) be 1 or more'
            )
        if shares.get('unlabeled', 1):
            continue
        if name == 'semi_dataloader':
            raise UsageError(
                f'{name}: a batch holds no pseudo-labeled images, so rounds '
                'would learn nothing new. Let data.batch.unlabeled be 1 or '
                'more, or train a config of configs/supervised'
            )
        teacher = 'teacher' in getattr(kind, 'frozen_copies', ())
        yield (
            f'{name}: a batch holds no unlabeled images '
            '(data.batch.unlabeled=0): training is supervised'
            f'{", with an averaged teacher" if teacher else ""}'
            if online
            else f'{name}: a batch holds no unlabeled images'
        )


def _shares(loader: dict) -> dict[str, int] | None:
    """Images of each part in a batch, None where that is not fixed."""
    sampler, dataset = loader.get('sampler'), loader.get('dataset')
    if not is_type(dataset, DATASETS, 'SemiDataset') or not is_type(
        sampler, DATA_SAMPLERS, 'SourceRatioSampler', 'CutMixPartnerSampler'
    ):
        return None
    parts = [
        part
        for part in ('labeled', 'target', 'paste', 'unlabeled')
        if dataset.get(part) is not None
    ]
    samples = sampler.get('samples_per_source') or ()
    if len(samples) != len(parts):
        return None  # which the sampler says
    return dict(zip(parts, samples))


def _resume_notes(cfg: Config) -> Iterator[str]:
    """Whether a run that is stopped could go on."""
    saving = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    for key in ('save_optimizer', 'save_param_scheduler'):
        if saving.get(key) is False:
            yield (
                f'default_hooks.checkpoint.{key}=False: if this run is '
                'stopped, it cannot be resumed'
            )


def _schedule_notes(cfg: Config) -> Iterator[str]:
    """Phases that end behind the run, and losses without effect."""
    settings: Any = cfg.model.get('semi_train_cfg') or {}
    if not isinstance(settings, dict):
        raise UsageError(
            f'model.semi_train_cfg must be a dict of settings, got '
            f'{settings!r}'
        )
    length = cfg.train_cfg.get('max_iters')
    warmup = settings.get('warmup_iters') or 0
    begin = cfg.train_cfg.get('val_begin')
    if isinstance(length, int) and isinstance(begin, int) and begin > length:
        yield (
            f'train_cfg.val_begin={begin} is behind max_iters={length}: '
            'nothing is validated'
        )
    if isinstance(length, int) and isinstance(warmup, int):
        if warmup >= length:
            yield (
                f'model.semi_train_cfg.warmup_iters={warmup} is not below '
                f'train_cfg.max_iters={length}: unlabeled images are never '
                'learned from'
            )
        ramp = settings.get('ramp_up_iters') or 0
        if isinstance(ramp, int) and ramp and warmup < length < warmup + ramp:
            yield (
                f'model.semi_train_cfg.ramp_up_iters={ramp} ends behind '
                f'train_cfg.max_iters={length}: unlabeled images never reach '
                'their full weight'
            )
        for hook in _hooks(cfg):
            start = hook.get('copy_until') or hook.get('start_iter')
            moves = is_type(hook, HOOKS, 'MeanTeacherHook')
            if moves and isinstance(start, int) and start >= length:
                yield (
                    f'{hook["type"]}: up to iteration {start} the teacher is '
                    f'a copy of the student, which is the whole run of '
                    f'{length} iterations'
                )
    for key in ('sup_weight', 'unsup_weight'):
        if settings.get(key) == 0:
            yield f'model.semi_train_cfg.{key}=0: these losses have no effect'
