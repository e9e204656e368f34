"""Whether the figures a config asks for are there."""

import inspect
from typing import Any

import mmseg.evaluation
from mmengine.config import Config

from mmsemi.evaluation.class_iou import IoUMetric
from mmsemi.io.spelling import did_you_mean
from mmsemi.registry import METRICS, class_of
from mmsemi.utils.errors import UsageError

# Figures of mmseg's IoUMetric by what `iou_metrics` names.
IOU_METRICS = {
    'mIoU': ('mIoU', 'mAcc'),
    'mDice': ('mDice', 'mAcc'),
    'mFscore': ('mFscore', 'mPrecision', 'mRecall'),
}
_OURS = ('mmseg', 'mmsemi')  # what they read is known
# Metrics of whose figures all names are known.
OF_MMSEG = (IoUMetric, mmseg.evaluation.IoUMetric)


def check_metrics(cfg: Config, phase: str) -> None:
    """Stop at names of figures, or settings of metrics, that nobody knows.

    The first validation would say so of the former, and nobody of the
    latter: mmseg's metrics pass over what they do not know.

    Raises:
        UsageError: naming them.
    """
    place = f'{phase}_evaluator'
    for part in _parts(cfg.get(place)):
        kind = class_of(part.get('type'), METRICS)
        if isinstance(kind, type) and not _is_ours(kind):
            _check_settings(part, place)
            continue  # it may know other figures
        figures = part.get('iou_metrics', ['mIoU'])
        figures = [figures] if isinstance(figures, str) else figures
        if not isinstance(figures, (list, tuple)) or not figures:
            raise UsageError(
                f'{place}.iou_metrics must be some of '
                f'{", ".join(IOU_METRICS)}, got {figures!r}'
            )
        for figure in figures:
            if figure not in IOU_METRICS:
                raise UsageError(
                    f'{place}.iou_metrics: there is no {figure}, '
                    f'but {", ".join(IOU_METRICS)}. Name some of these'
                )
        _check_settings(part, place)


def _parts(evaluators: Any) -> list[dict]:
    several = isinstance(evaluators, (list, tuple))
    parts = evaluators if several else [evaluators]
    return [part for part in parts if isinstance(part, dict)]


def _is_ours(kind: type) -> bool:
    return kind.__module__.split('.')[0] in _OURS


def _check_settings(part: dict, place: str) -> None:
    kind: Any = class_of(part.get('type'), METRICS)
    if not isinstance(kind, type):
        return
    known = {'type'}
    for base in kind.__mro__[:-1]:  # without `object`
        if '__init__' not in vars(base):
            continue
        parameters = inspect.signature(vars(base)['__init__']).parameters
        known |= set(parameters)
        if not _is_ours(base) and any(
            p.kind is p.VAR_KEYWORD for p in parameters.values()
        ):
            return  # which may read any
    for name in part:
        if name not in known:
            raise UsageError(
                f'{place}.{name}: {kind.__name__} has no such setting'
                f'{did_you_mean(name, known)}'
            )


def check_best(cfg: Config) -> None:
    """Stop where the best model is kept by a figure that nobody measures.

    Raises:
        UsageError: naming the figure and those there are.
    """
    saving = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    wanted = saving.get('save_best')
    if wanted is None:
        return
    place = 'default_hooks.checkpoint.save_best'
    names = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(names, (list, tuple)) or not all(
        isinstance(name, str) for name in names
    ):
        raise UsageError(f'{place} must name figures, got {wanted!r}')
    if not cfg.get('val_dataloader'):
        raise UsageError(
            f'{place}={wanted!r}, but nothing is validated. Set it to None, '
            'or name images to validate on'
        )
    known = _figures(cfg.get('val_evaluator'))
    for name in names:
        # Networks and metrics put a prefix of theirs before it.
        bare = name.rpartition('/')[2]
        if known is not None and bare not in (*known, 'auto'):
            raise UsageError(
                f'{place}: no validation gives {name}, but '
                f'{", ".join(sorted(known))}{did_you_mean(bare, known)}'
            )


def _figures(evaluators: Any) -> set[str] | None:
    """Names of all figures, None where a metric may give others."""
    found = set()
    for part in _parts(evaluators):
        if class_of(part.get('type'), METRICS) not in OF_MMSEG:
            return None
        figures = part.get('iou_metrics', ['mIoU'])
        for figure in [figures] if isinstance(figures, str) else figures:
            found.update(('aAcc', *IOU_METRICS[figure]))
    return found
