"""Curves and times of the two trainings of a run."""

from typing import Any

from mmsemi.utils.errors import UsageError
from mmsemi.utils.progress import format_seconds

from ..scalars import Curve, read_run
from .run_folder import RunFolder
from .verdict import points

PANELS = (
    ('mIoU', 'Mean IoU on the hold-out, %'),
    ('loss_sup_ce', 'Loss on labeled images'),
    ('loss_unsup', 'Loss on unlabeled images'),
    ('confident_ratio', 'Share of unlabeled pixels that are learned from'),
    ('pseudo_label_accuracy', 'Share of pseudo-labels that are right'),
)


def run_curves(run: RunFolder, place: str) -> dict[str, Curve]:
    """Curves of one training, none where nothing was logged."""
    try:
        return read_run(str(run.path / place))
    except UsageError:  # nothing was logged: the page goes without
        return {}


def panels(curves: dict[str, dict[str, Curve]]) -> list[dict[str, Any]]:
    """Lines of each picture, of the methods that have them."""
    found = []
    for key, title in PANELS:
        lines = []
        for name, run in curves.items():
            # Of two networks the one that predicts.
            for full in (key, f'teacher/{key}', f'student/{key}'):
                if full in run:
                    curve = run[full]
                    lines.append((name, curve.steps, curve.values))
                    break
        if lines:
            found.append(dict(title=title, lines=lines, points=key == 'mIoU'))
    return found


def tiles(
    numbers: dict[str, int], means: dict, summaries: dict
) -> list[dict[str, Any]]:
    """The few figures at the top of the page."""
    found = [
        dict(
            name='images',
            value=str(sum(numbers.values())),
            more=f'{numbers["labeled"]} labeled, {numbers["holdout"]} held '
            f'out, {numbers["unlabeled"]} unlabeled',
        )
    ]
    score = means['score']
    if score['value'] is not None:
        found.append(
            dict(
                name='mean IoU',
                value=f'{score["value"]:.1f} %',
                more='of the recommended model',
            )
        )
    gain = means.get('gain')
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
    seconds = {
        key: summary['wall_seconds']
        for key, summary in summaries.items()
        if summary and summary.get('wall_seconds')
    }
    if seconds:
        words = f'{format_seconds(seconds["twin"])} for labeled only' * (
            'twin' in seconds
        )
        main = seconds.get('method', next(iter(seconds.values())))
        found.append(
            dict(
                name='training time',
                value=format_seconds(main),
                more=f'and {words}' if words else '',
            )
        )
    return [dict(dict(tone=''), **tile) for tile in found]


def _tone(gain: dict) -> str:
    if gain['low'] is None or gain['low'] <= 0 <= gain['high']:
        return 'open'
    return 'better' if gain['low'] > 0 else 'worse'
