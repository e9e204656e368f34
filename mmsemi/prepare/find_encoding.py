"""What the values of masks mean: found from what all masks hold."""

from collections.abc import Sequence

import numpy as np

from mmsemi.doctor.findings import Finding
from mmsemi.utils.errors import UsageError

from .class_names import parse_classes, parse_value
from .encoding import MOST_CLASSES, Encoding
from .joined_masks import JoinedMasks
from .mask_codes import SLACK, Totals, find_centers, space_of
from .mask_files import COLOR, LABEL, MaskFacts, unpack
from .mask_meaning import explicit, label_classes, meaning
from .mask_notes import notes
from .mask_source import IGNORED_LABELS, MaskSource


def find_encoding(
    facts: Sequence[MaskFacts],
    source: MaskSource,
    classes: str | list[str] | None = None,
    ignore_value: int | str = 255,
    background: str = 'class',
) -> tuple[Encoding, list[MaskFacts], list[Finding]]:
    """Find out what the values of masks mean.

    Args:
        facts: of all masks, at least one.
        source: where they come from.
        classes: see :func:`.class_names.parse_classes`.
        ignore_value: value of pixels that belong to no class.
        background: ``class`` or ``ignore``: whether pixels of value 0, of
            the color black or without a label are a class.

    Returns:
        The encoding, what masks hold in its codes, and what a person should
        know about it. Of a :class:`.JoinedMasks`, images decide what classes
        there are.

    Raises:
        UsageError: if the values make no sense as classes.
    """
    if background not in ('class', 'ignore'):
        raise UsageError(
            f"--background must be 'class' or 'ignore', got {background!r}"
        )
    given = parse_classes(classes)
    parse_value(str(ignore_value))  # a bad one is said first
    everything = list(facts)
    if isinstance(source, JoinedMasks):
        stored = [item for item in facts if item.space != LABEL]
        if stored:
            facts = stored
        else:  # no image can be read
            source = source.drawn
    space = space_of(facts)
    white = _white_of(facts, space, [c.code for c in given])
    facts, everything = (
        _with_white(facts, white),
        _with_white(everything, white),
    )
    totals = Totals(facts, space)
    ignored = _ignored_code(str(ignore_value), space, facts)
    findings: list[Finding] = []
    by_value = bool(given) and given[0].code is not None
    drawn = space == LABEL
    if by_value and not drawn and given[0].color != (space == COLOR):
        raise UsageError(
            f'--classes gives {"colors" if given[0].color else "numbers"}, '
            f'but {facts[0].file} and the other masks hold '
            f'{"colors" if space == COLOR else "numbers"}. Give those'
        )
    if drawn:
        encoding = label_classes(source, totals, given, background)
    elif by_value:
        encoding = explicit(given, totals, ignored, background, space, facts)
    else:
        centers, snap = find_centers(totals, facts, space)
        encoding = meaning(
            centers, space, [c.name for c in given], ignored, background, facts
        )
        encoding.snap = snap
    encoding.source = source.kind
    encoding.categories = source.category_ids(encoding.classes)
    encoding.slack = SLACK * any(f.lossy for f in facts)
    encoding.mode, encoding.white = _mode(facts, encoding), white
    palettes = [f for f in facts if f.colors is not None]
    if palettes and encoding.mode == 'P':
        table = np.zeros(256, np.uint32)
        for f in palettes:
            table[f.codes] = f.colors
        encoding.palette = unpack(table).ravel().tolist()
    _check_number(encoding, facts)
    if isinstance(source, JoinedMasks):
        everything = source.adopt(everything, encoding)
        totals = Totals(everything, space)
    findings += source.notes(everything)
    findings += notes(encoding, totals, everything)
    return encoding, everything, findings


def _ignored_code(
    ignore_value: str, space: str, facts: Sequence[MaskFacts]
) -> int:
    """Code of ignored pixels, -1 where masks cannot hold it.

    Raises:
        UsageError: if it is a number and masks hold colors, or a color and
            they hold numbers. The default says nothing about colors.
    """
    code, color = parse_value(ignore_value)
    if space == LABEL and (color or code != 255):
        raise UsageError(
            f'--ignore-value {ignore_value}: {facts[0].file} and the other '
            f'masks hold labels, of which {", ".join(IGNORED_LABELS)} are '
            'ignored. Leave it out'
        )
    if space == LABEL or color == (space == COLOR):
        return code
    if code == 255 and not color:
        return -1
    raise UsageError(
        f'--ignore-value {ignore_value} is a {"color" if color else "number"}'
        f', but {facts[0].file} and the other masks hold '
        f'{"numbers" if color else "colors"}. Give one of those'
    )


def _mode(facts: Sequence[MaskFacts], encoding: Encoding) -> str:
    modes = [f.mode for f in facts]
    if encoding.space == COLOR:
        colors = [m for m in modes if m in ('RGB', 'RGBA')]
        return max(set(colors), key=colors.count) if colors else 'RGB'
    # A file of 1 bit holds two classes, not those of all the others.
    modes = [m for m in modes if m != '1'] or modes
    return max(sorted(set(modes)), key=modes.count)


def _white_of(
    facts: Sequence[MaskFacts], space: str, named: Sequence[int | None]
) -> int:
    """The value that white in files of 1 bit stands for.

    Programs that make PNG small store black and white in 1 bit, so among
    masks of 0 and 255, and among colors, it is white; and so it is where a
    person names 255.
    """
    if 255 in named and 1 not in named:
        return 255
    others = [f for f in facts if f.mode != '1']
    values = {code for f in others for code in f.codes.tolist()}
    alike = 255 in values and 1 not in values
    return 255 if others and (space == COLOR or alike) else 1


def _with_white(facts: Sequence[MaskFacts], white: int) -> list[MaskFacts]:
    return [
        f._replace(codes=f.codes * np.uint32(white)) if f.mode == '1' else f
        for f in facts
    ]


def _check_number(encoding: Encoding, facts: Sequence[MaskFacts]) -> None:
    number = len(encoding.classes)
    if number > MOST_CLASSES:
        raise UsageError(
            f'{facts[0].file} and the other masks hold {number} values. '
            f'Masks of at most {MOST_CLASSES} classes are supported; if the '
            'values number objects, give masks of classes'
        )
