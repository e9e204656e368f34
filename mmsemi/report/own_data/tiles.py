"""The few figures at the top of a report."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmsemi.utils.progress import format_seconds

from .verdict import points


def tiles(
    numbers: Mapping[str, int],
    measured: Mapping[str, Any],
    seconds: Mapping[str, Sequence[float]],
    folds: int = 0,
    shared: bool = False,
) -> list[dict[str, str]]:
    """``name``, ``value``, ``more`` and ``tone`` of each figure.

    Args:
        numbers: of images in each part.
        measured: facts of :class:`.measured.Measured`.
        seconds: of each training of ``method`` and ``twin``.
        folds: of cross-validation.
        shared: whether the method's trainings begin with half of the twin's.
    """
    held = 'each held out once' if folds else f'{numbers["holdout"]} held out'
    found = [
        dict(
            name='images',
            value=str(sum(numbers.values())),
            more=f'{numbers["labeled"]} labeled, {held}, '
            f'{numbers["unlabeled"]} unlabeled',
        )
    ]
    score = measured['means']['score']
    if score['value'] is not None:
        found.append(
            dict(
                name='mean IoU',
                value=f'{score["value"]:.1f} %',
                more='of the recommended model; '
                f'{measured["pixels_right"]:.1f} % of the pixels right',
            )
        )
    gain = measured['means'].get('gain')
    if gain and gain['value'] is not None:
        more = 'interval unknown'
        if gain['low'] is not None:
            more = f'{points(gain["low"])} to {points(gain["high"])} points'
        found.append(
            dict(
                name='gain by unlabeled images',
                value=points(gain['value']),
                more=more,
                tone=_tone(gain),
            )
        )
        images = measured['images']
        found.append(
            dict(
                name='images that got better',
                value=f'{images["better"]} of {sum(images.values())}',
                more=f'{images["worse"]} got worse',
            )
        )
    return [
        dict(dict(tone=''), **t) for t in [*found, *_times(seconds, shared)]
    ]


def _times(
    seconds: Mapping[str, Sequence[float]], shared: bool
) -> list[dict[str, str]]:
    both = [sum(seconds.get(key, ())) for key in ('method', 'twin')]
    number = sum(map(len, seconds.values()))
    if not number:
        return []
    parts = [f'{number} trainings'] * (number > 2)
    if all(both):
        method, twin = map(format_seconds, both)
        parts += [f'{method} with all images', f'{twin} labeled only']
        if shared:
            parts.append('which does the first half of both')
    return [
        dict(
            name='training time',
            value=format_seconds(sum(both)),
            more=', '.join(parts),
        )
    ]


def _tone(gain: dict) -> str:
    if gain['low'] is None or gain['low'] <= 0 <= gain['high']:
        return 'open'
    return 'better' if gain['low'] > 0 else 'worse'
