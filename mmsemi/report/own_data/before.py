"""What changed since the run before, on the same images with fewer masks."""

from collections.abc import Mapping
from typing import Any

from .verdict import points

BEFORE = 'previous.json'
_WORTH = 2.0  # points of IoU: less is not worth a line


def compare_with_before(
    before: Mapping[str, Any] | None, facts: Mapping[str, Any]
) -> dict[str, Any] | None:
    """A sentence on the mean, and classes that changed.

    Args:
        before: ``report.json`` of the run before, None without one.
        facts: of this run, see :func:`mmsemi.report.own_data.facts.collect`.

    Returns:
        ``text`` and ``classes`` (``name``, ``before``, ``now``,
        ``change`` in points, largest first); None where one of the runs has
        no figures.
    """
    if not before:
        return None
    old = before['means']['score']['value']
    new = facts['means']['score']['value']
    if old is None or new is None:
        return None
    same = before['holdout_names'] == facts['holdout_names']
    labeled = before['numbers']['labeled'], facts['numbers']['labeled']
    date = f' of {before["date"]}' if before.get('date') else ''
    text = (
        f'The run before{date} had {labeled[0]} labeled images and a mean IoU '
        f'of {old:.1f} %; this one has {labeled[1]} and {new:.1f} %: '
        f'{points(new - old)} points on '
        + (
            'the same hold-out images.'
            if same
            else 'other hold-out images, so part of the difference is due to '
            'them.'
        )
    )
    then = {row['name']: row['score']['value'] for row in before['rows']}
    classes = []
    for row in facts['rows']:
        now, earlier = row['score']['value'], then.get(row['name'])
        if now is None or earlier is None or abs(now - earlier) < _WORTH:
            continue
        classes.append(
            dict(
                name=row['name'], before=earlier, now=now, change=now - earlier
            )
        )
    classes.sort(key=lambda row: -abs(row['change']))
    return dict(text=text, classes=classes)
