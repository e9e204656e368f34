"""Which class a value of masks is, and what it is called."""

from collections.abc import Sequence

import numpy as np

from mmsemi.utils.errors import UsageError

from .class_names import ClassName
from .encoding import Encoding
from .mask_codes import Totals, holder
from .mask_files import COLOR, GRAY, INNER, LABEL, MaskFacts
from .mask_source import BACKGROUND_LABELS, NOTHING, MaskSource


def explicit(
    given: Sequence[ClassName],
    totals: Totals,
    ignored: int,
    background: str,
    space: str,
    facts: Sequence[MaskFacts],
) -> Encoding:
    """A mapping that a person gave; ``ignored`` is -1 where no code is."""
    codes = [int(c.code or 0) for c in given]
    rest = [] if ignored in codes or ignored < 0 else [ignored]
    if background == 'ignore':
        void = {c.code for c in given if c.name in BACKGROUND_LABELS} | {0}
        if void >= {*codes}:
            raise UsageError(
                f'--classes names only {given[0].name}, and --background '
                'ignore leaves it out. Name a class to learn'
            )
        given = [c for c in given if c.code not in void]
        codes = [int(c.code or 0) for c in given]
        rest = sorted({*rest, *void})
    known = {*codes, *rest}
    unknown = [c for c in totals.codes.tolist() if c not in known]
    encoding = Encoding(
        'colors' if space == COLOR else 'values',
        space,
        [c.name for c in given],
        codes,
        rest,
    )
    if unknown or totals.others:
        at = np.isin(totals.codes, unknown)
        lossy = any(f.lossy for f in facts)
        filled = totals.inner[at] > INNER * totals.pixels[at]
        if filled.any() and not lossy:
            code = int(totals.codes[at][filled][0])
            raise UsageError(
                f'{holder(facts, code, space)}: mask holds the value '
                f'{encoding.show(code)}, which --classes does not name. Name '
                'it, or make it the --ignore-value'
            )
        encoding.snap = True
    return encoding


def label_classes(
    source: MaskSource,
    totals: Totals,
    given: Sequence[ClassName],
    background: str,
) -> Encoding:
    """Classes of files that hold words."""
    _check_values(source, given)
    by_label = {label: code for code, label in source.labels.items()}
    names = [c.name for c in given] or sorted(by_label)
    rest = [n for n in names if n not in ('background', '_background_')]
    unnamed = [label for label in by_label if label not in rest]
    if unnamed:
        raise UsageError(
            f'the masks hold the label {unnamed[0]!r}, which --classes does '
            'not name. Name it, or correct the label'
        )
    missing = [name for name in rest if name not in by_label]
    if missing and not any(name in by_label for name in rest):
        raise UsageError(
            f'--classes names {missing[0]!r}, but the masks hold no such '
            f'label. They hold {", ".join(sorted(by_label)) or "none"}'
        )
    free = max(by_label.values(), default=0) + 1
    codes = [by_label.get(n, free + i) for i, n in enumerate(rest)]
    if background == 'ignore':
        return Encoding('labels', LABEL, rest, codes, [NOTHING])
    if len(rest) < len(names):  # where the person put it
        at = next(i for i, n in enumerate(names) if n not in rest)
        return Encoding(
            'labels', LABEL, names, [*codes[:at], NOTHING, *codes[at:]]
        )
    return Encoding('labels', LABEL, ['background', *rest], [NOTHING, *codes])


def _check_values(source: MaskSource, given: Sequence[ClassName]) -> None:
    """Refuse values of labels, unless they are those that a file gives them.

    Raises:
        UsageError: naming the label.
    """
    if not given or given[0].code is None:
        return
    names = [c.name for c in given]
    ids = source.category_ids(names)
    plain = f'Give names alone: --classes {",".join(names)}'
    if ids is None:
        raise UsageError(
            f'--classes gives {names[0]!r} a value, but the masks hold '
            f'labels, which have none. {plain}'
        )
    known = {*source.labels.values()}
    for item, number in zip(given, ids):
        if item.name in known and (item.color or item.code != number):
            value = f'#{item.code:06x}' if item.color else item.code
            raise UsageError(
                f'--classes gives {item.name!r} the value {value}, but its '
                f'id in the COCO file is {number}. {plain}'
            )


def meaning(
    centers: list[int],
    space: str,
    names: list[str],
    ignored: int,
    background: str,
    facts: Sequence[MaskFacts],
) -> Encoding:
    """Give values their classes; ``ignored`` is -1 where no code is."""
    values = sorted(centers)
    deep = any(v > 255 for v in values) and space == GRAY
    void = {ignored, 65535} if deep and ignored == 255 else {ignored}
    rest: list[int] = [v for v in values if v in void]
    highest = rest[-1:] == values[-1:]
    if highest and space == GRAY and _is_class(values, deep):
        rest = []
    values = [v for v in values if v not in rest]
    if not values:
        raise UsageError(
            f'{facts[0].file} and the other masks hold only {ignored}, which '
            'means "ignored". Check the masks, or give another --ignore-value'
        )
    dark = values[0] == 0
    if background == 'ignore':
        if 'background' in names and dark:
            names = [n for n in names if n != 'background']
        if dark:
            values, rest = values[1:], [0, *rest]
        if not values:
            raise UsageError(
                f'{facts[0].file} and the other masks hold only background, '
                'and --background ignore leaves it out. Check the masks'
            )
    kind = _kind(values, rest, space)
    if not names:
        return Encoding(kind, space, _names(values, kind, space), values, rest)
    return _with_names(values, rest, names, kind, space, facts)


def _is_class(values: list[int], deep: bool) -> bool:
    """Whether the highest value is a class: 0/255, or even gray steps."""
    top = 65535 if deep else 255
    if values[0] != 0 or values[-1] != top:
        return False
    steps = np.linspace(0, top, len(values))
    slack = 2 * (257 if deep else 1)
    return len(values) <= 18 and bool(
        (np.abs(np.array(values) - steps) <= slack).all()
    )


def _kind(values: list[int], rest: list[int], space: str) -> str:
    if space == COLOR:
        return 'colors'
    if values == [*range(len(values))]:
        return 'ids'
    if values in ([0, 255], [0, 65535], [255], [65535]):
        return 'binary'
    if values == [*range(1, len(values) + 1)]:
        return 'from one'
    if _is_class([0, *values] if 0 in rest else values, values[-1] > 255):
        return 'steps'
    return 'values'


def _names(values: list[int], kind: str, space: str) -> list[str]:
    if space == COLOR:
        return ['background' if v == 0 else f'#{v:06x}' for v in values]
    if kind == 'binary':
        return ['background', 'foreground'][-len(values) :]
    return ['background' if v == 0 else f'class {v}' for v in values]


def _with_names(
    values: list[int],
    rest: list[int],
    names: list[str],
    kind: str,
    space: str,
    facts: Sequence[MaskFacts],
) -> Encoding:
    number, top = len(names), values[-1]
    if len(values) == number:
        return Encoding(kind, space, names, values, rest)
    if space == GRAY and kind in ('ids', 'values', 'from one'):
        if 0 in values and top < number:
            return Encoding('ids', space, names, [*range(number)], rest)
        if 0 not in values and top <= number:
            codes = [*range(1, number + 1)]
            return Encoding('from one', space, names, codes, rest)
    if (
        len(values) == number + 1
        and values[0] == 0
        and 'background' not in names
    ):
        return Encoding(kind, space, ['background', *names], values, rest)
    shown = Encoding(kind, space, [], [])
    few = ', '.join(shown.show(v) for v in values[:8])
    few += ' ...' if len(values) > 8 else ''
    verb = 'class is' if number == 1 else 'classes are'
    raise UsageError(
        f'{facts[0].file} and the other masks hold {len(values)} values '
        f'({few}), but {number} {verb} named. Name one for each, or give '
        f'values, too: --classes {shown.show(values[0])}={names[0]},...'
    )
