"""What a report warns of, and what it says to do next."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mmsemi.evaluation.bootstrap import FEWEST

from ..scalars import Curve
from ..tables import percent
from .verdict import FEW, SURER, images_of

_DEAD, _ENOUGH = 1, 12  # percent of IoU, and labeled images to learn from
_LOW = 50  # percent of IoU: a class below needs more labels
_MIXED = 0.2  # share of a class taken for one other
_RISING = 0.5  # points of mIoU between the last two validations
_MOST = 400  # hold-out images worth to be wished for


def listed(names: Sequence[str], most: int = 6) -> str:
    """``a, b and 3 more``."""
    more = len(names) - most
    return ', '.join(names[:most]) + (f' and {more} more' if more > 0 else '')


def warnings_of(
    rows: Sequence[Mapping[str, Any]],
    number: int,
    dead: Sequence[str],
    lost: Sequence[str],
    summaries: Mapping[str, Any],
    shared: int = 0,
) -> list[str]:
    """What a reader must know before believing the figures.

    Args:
        rows: of :func:`.class_rows.class_rows`.
        number: of hold-out images.
        dead: classes of which the recommended model finds nothing.
        lost: classes of which the method finds nothing, but the twin does.
        summaries: ``summary.json`` of ``method`` and ``twin``, None where
            there is none.
        shared: iterations that the method's training has from the twin's.
    """
    found = []
    if 0 < number < FEW:
        found.append(
            f'Everything below was measured on {images_of(number)}. With so '
            'few, other images would give other figures, and '
            + (
                'no interval can be given.'
                if number < FEWEST
                else 'intervals are rough, too.'
            )
        )
    absent = [row['name'] for row in rows if not row['images']]
    if absent and number:
        found.append(
            f'No hold-out image shows {listed(absent)}: how well '
            f'{"this class is" if len(absent) == 1 else "these classes are"} '
            'found is unknown, and the mean leaves '
            f'{"it" if len(absent) == 1 else "them"} out.'
        )
    scarce = [row['name'] for row in rows if 0 < row['images'] < FEWEST]
    if scarce and number >= FEWEST:
        found.append(
            f'Fewer than {FEWEST} hold-out images show {listed(scarce)}, so '
            'there is no interval.'
        )
    if dead:
        found.append(
            f'The recommended model finds no pixel of {listed(dead)}.'
        )
    if lost:
        found.append(
            f'With unlabeled images no pixel of {listed(lost)} is found any '
            'more, though the model trained on labeled images only finds '
            'some.'
        )
    names = dict(
        method='The training with unlabeled images',
        twin='The training on labeled images only',
    )
    for key, summary in summaries.items():
        if summary and not summary.get('finished', True):
            found.append(
                f'{names[key]} is not over: it has done '
                f'{summary.get("iterations")} iterations.'
            )
        for event in (summary or {}).get('collapses') or []:
            found.append(f'{names[key]}: {event["text"]} ({event["action"]}).')
    lengths = [
        s['iterations'] + (shared if key == 'method' else 0)
        for key, s in summaries.items()
        if s
    ]
    if len(set(lengths)) > 1:
        found.append(
            'The two trainings differ in length '
            f'({lengths[0]} and {lengths[1]} iterations), so the comparison '
            'is not a fair one.'
        )
    return found


def next_steps(
    rows: Sequence[Mapping[str, Any]],
    shares: Sequence[Mapping[str, Any]],
    mistakes: Sequence[Mapping[str, Any]],
    gain: Mapping[str, Any] | None,
    number: int,
    curves: Mapping[str, Curve],
    label_next: bool | None,
    folds: bool = False,
) -> list[dict[str, str]]:
    """What to do, most useful first: ``title``, ``text``, ``command``.

    Args:
        rows: see :func:`warnings_of`.
        shares: rows of :func:`.class_shares.class_shares`.
        mistakes: of :func:`.mistakes.worst_mistakes`.
        gain: of the mean, an ``Estimate`` as plain data.
        number: of hold-out images.
        curves: of the method.
        label_next: whether ``label_next.csv`` is there; None where all
            images are labeled.
        folds: whether all labeled images were held out once.
    """
    steps = []
    weak = [
        row
        for row in rows
        if row['score']['value'] is not None and row['score']['value'] < _LOW
    ]
    labeled = {row['name']: row['labeled'] for row in shares}
    # Of classes found equally badly, first those with the fewest images.
    weak.sort(
        key=lambda row: (
            round(row['score']['value']),
            labeled[row['name']]['images'],
        )
    )
    unlearned = [
        row['name']
        for row in weak
        if row['score']['value'] < _DEAD
        and labeled[row['name']]['images'] >= _ENOUGH
    ]
    weak = [row for row in weak if row['name'] not in unlearned][:4]
    if unlearned:
        steps.append(_longer(unlearned))
    if weak:
        parts = []
        for row in weak:
            held = labeled[row['name']]
            parts.append(
                f'{row["name"]} (IoU {row["score"]["value"]:.0f} %; in '
                f'{held["images"]} labeled image'
                f'{"" if held["images"] == 1 else "s"}, '
                f'{percent(held["share"] / 100, 2)} of the pixels)'
            )
        steps.append(
            dict(
                title='Label more of what is found badly',
                text=f'Weakest {"is" if len(parts) == 1 else "are"} '
                f'{"; ".join(parts)}.',
            )
        )
    if label_next is not None:
        steps.append(_label_step(label_next))
    mixed = _mixed(mistakes)
    # Else it tells of the training, not of masks.
    if mixed and not unlearned and len(rows) > 2:
        pairs = '; '.join(
            f'{m["truth"]} and {m["taken_for"]} ({100 * m["share"]:.0f} % of '
            f'{m["truth"]} taken for {m["taken_for"]})'
            for m in mixed
        )
        steps.append(
            dict(
                title='Check masks of classes that are mixed up',
                text=f'{pairs}. Are they drawn by the same rule in all '
                'masks? If nobody can tell them apart, join them.',
            )
        )
    text = _more_images(gain, rows, number, folds)
    if text:
        steps.append(dict(title='Measure on more images', text=text))
    if still_rising(curves) and not unlearned:
        steps.append(
            dict(
                title='Train longer',
                text='The mean IoU was still rising when the training ended. '
                'Give fit more iterations (--iters) or time (--time).',
            )
        )
    return steps


def _mixed(mistakes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The worst pairs of classes, none of them both ways."""
    found: dict[frozenset, Mapping[str, Any]] = {}
    for mistake in mistakes:
        pair = frozenset((mistake['truth'], mistake['taken_for']))
        if mistake['share'] >= _MIXED:
            found.setdefault(pair, mistake)
    return list(found.values())[:3]


def _longer(names: Sequence[str]) -> dict[str, str]:
    one = len(names) == 1
    return dict(
        title='Train longer',
        text=f'{listed(names)} {"is" if one else "are"} in {_ENOUGH} or more '
        f'labeled images and yet hardly found, so training was too short, or '
        f'{"it is" if one else "they are"} too small where images are made '
        'smaller. Give fit more iterations (--iters) or time (--time) before '
        'anything else.',
    )


def _more_images(
    gain: Mapping[str, Any] | None,
    rows: Sequence[Mapping[str, Any]],
    number: int,
    folds: bool,
) -> str:
    wanted, parts = images_wanted(gain, number), []
    if wanted:
        parts.append(
            f'If the gain stayed what it is, about {wanted} '
            f'{"labeled" if folds else "hold-out"} images '
            f'instead of {number} would be needed to tell it from chance.'
        )
    # Without a gain the figures of the one model are as unsure.
    open_ = not gain or gain['low'] is None or gain['low'] <= 0 <= gain['high']
    if open_ and 0 < number < FEW and not folds:
        parts.append(SURER)
    scarce = [row['name'] for row in rows if row['images'] < FEWEST]
    if scarce:
        parts.append(
            f'{"Label" if folds else "Hold out"} at least {FEWEST} images '
            f'with {listed(scarce)}, or nothing sure can be said about '
            f'{"it" if len(scarce) == 1 else "them"}.'
        )
    if (wanted or scarce) and not folds:
        parts.append('Name images to hold out by --val.')
    return ' '.join(parts)


def _label_step(there: bool) -> dict[str, str]:
    title = 'Label the images that help most'
    if there:
        return dict(
            title=title,
            text='label_next.csv ranks the unlabeled images, and label_next/ '
            'holds masks drawn in advance for an annotation tool. Put the '
            'corrected masks to the others and run the same command again.',
        )
    return dict(
        title=title,
        text='This ranks the unlabeled images by what they are expected to '
        'bring, and draws masks in advance for an annotation tool:',
        command='mmsemi label-next {run} --number 20',
    )


def images_wanted(gain: Mapping[str, Any] | None, number: int) -> int | None:
    """Hold-out images for an interval that does not cover 0.

    Its width goes with one over the root of their number. None where the
    gain is told from chance already, unknown, or too small to be worth it.
    """
    if not gain or gain['low'] is None or not gain['low'] <= 0 <= gain['high']:
        return None
    half, value = (gain['high'] - gain['low']) / 2, abs(gain['value'])
    if not value or not half:
        return None
    wanted = math.ceil(number * (half / value) ** 2)
    # In round figures: it is a guess.
    digits = 10 ** max(len(str(wanted)) - 2, 0)
    wanted = max(math.ceil(wanted / digits) * digits, number + 1)
    return wanted if wanted <= _MOST else None


def still_rising(curves: Mapping[str, Curve]) -> bool:
    """Whether the last validation was the best one by some way."""
    for key, curve in curves.items():
        if key.split('/')[-1] == 'mIoU' and len(curve.values) > 2:
            *before, last = curve.values
            return last - max(before) > _RISING
    return False
