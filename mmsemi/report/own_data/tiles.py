"""The few figures at the top of a report."""

from collections.abc import Mapping
from typing import Any

from mmsemi.utils.progress import format_seconds

from .verdict import points


def tiles(
    numbers: Mapping[str, int],
    measured: Mapping[str, Any],
    summaries: Mapping[str, Any],
    folds: int = 0,
) -> list[dict[str, str]]:
    """``name``, ``value``, ``more`` and ``tone`` of each figure.

    Args:
        numbers: of images in each part.
        measured: facts of :class:`.measured.Measured`.
        summaries: ``summary.json`` of ``method`` and ``twin``, None where
            there is none.
        folds: of cross-validation.
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
    return [dict(dict(tone=''), **t) for t in [*found, *_times(summaries)]]


def _times(summaries: Mapping[str, Any]) -> list[dict[str, str]]:
    seconds = {
        key: summary['wall_seconds']
        for key, summary in summaries.items()
        if summary and summary.get('wall_seconds')
    }
    if 'method' not in seconds:
        return []
    more = ''
    if 'twin' in seconds:
        more = f'and {format_seconds(seconds["twin"])} for labeled only'
    return [
        dict(
            name='training time',
            value=format_seconds(seconds['method']),
            more=more,
        )
    ]


def _tone(gain: dict) -> str:
    if gain['low'] is None or gain['low'] <= 0 <= gain['high']:
        return 'open'
    return 'better' if gain['low'] > 0 else 'worse'
