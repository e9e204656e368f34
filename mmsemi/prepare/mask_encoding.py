"""What the values of masks mean: found from what all masks hold.

Masks that were smoothed or saved as JPEG hold values between those of
classes. Such values hardly ever fill an area: few of their pixels have four
neighbors alike. Values of classes do.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mmsemi.doctor.findings import Finding
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE

from .class_names import ClassName, parse_classes, parse_value
from .mask_files import COLOR, GRAY, LABEL, MaskFacts, pack, unpack
from .mask_sources import CLAIMED, NOTHING, MaskSource

MOST_CLASSES = 254
_INNER = 0.05  # share of inner pixels of a value that fills areas
_WEAK = 4  # so many values between others are no coincidence
_NEAR = 32  # values of JPEG masks nearer than this are one
# Of a value of JPEG masks, at least so many pixels fill areas: noise never
# does (clothing masks of 19 colors, quality 60 to 85).
_RARE, _FEW = 1e-5, 20
_SLACK = 8  # by so much JPEG moves the values of areas


@dataclass
class Encoding:
    """How classes are stored in somebody's masks, and back.

    Attributes:
        kind: ``ids``, ``binary``, ``from one``, ``steps``, ``values``,
            ``colors`` or ``labels``.
        space: of the codes, see :mod:`.mask_files`.
        classes: their names; the index is the training id.
        codes: of each class, one of them.
        ignored: codes that become 255.
        snap: whether values between those of classes go to the nearest.
        slack: by how much the values of areas differ from ``codes``.
        mode: pixel format of the files.
        source: kind of :class:`.mask_sources.MaskSource`.
        palette: colors of palette files.
    """

    kind: str
    space: str
    classes: list[str]
    codes: list[int]
    ignored: list[int] = field(default_factory=list)
    snap: bool = False
    slack: int = 0
    mode: str = 'L'
    source: str = 'files'
    palette: list[int] | None = None

    def as_data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    def show(self, code: int) -> str:
        """A code as a person wrote it."""
        if self.space == COLOR:
            return f'#{code:06x}'
        return str(code)

    def lines(self) -> list[str]:
        """The mapping, a line a class."""
        words = (
            [name for name in self.classes]
            if self.space == LABEL
            else [self.show(code) for code in self.codes]
        )
        width = max(map(len, words), default=0)
        lines = [
            f'{word:>{width}} -> {index} {name}'
            for index, (word, name) in enumerate(zip(words, self.classes))
        ]
        if self.ignored and self.space != LABEL:
            shown = ', '.join(self.show(code) for code in self.ignored)
            lines.append(f'{shown:>{width}} -> {IGNORE} ignored')
        return lines

    def sure(self, codes: np.ndarray) -> np.ndarray:
        """(K,) bool, whether codes are those of a class, not of an edge."""
        known = np.array([*self.codes, *self.ignored], np.uint32)
        if not self.snap:
            return np.ones(len(codes), bool)
        return distances(codes, known, self.space).min(1) <= self.slack

    def map_codes(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Training ids of some codes, each for itself.

        Args:
            codes: (K,) uint32.

        Returns:
            (K,) uint8 ids and (K,) bool, whether a code was none of a class
            and went to the nearest.

        Raises:
            KeyError: if a code is unknown and nothing is to be snapped.
        """
        known = np.array([*self.codes, *self.ignored], np.uint32)
        ids = [*range(len(self.codes)), *[IGNORE] * len(self.ignored)]
        ids = np.array(ids, np.uint8)
        if self.space == LABEL:
            known = np.append(known, np.uint32(CLAIMED))
            ids = np.append(ids, np.uint8(IGNORE))
        order = np.argsort(known)
        known, ids = known[order], ids[order]
        place = np.searchsorted(known, codes).clip(max=len(known) - 1)
        changed = known[place] != codes
        if changed.any():
            if not self.snap:
                raise KeyError(int(codes[changed][0]))
            place = distances(codes, known, self.space).argmin(1)
        return ids[place], changed


def distances(
    codes: np.ndarray, centers: np.ndarray, space: str
) -> np.ndarray:
    """(K, C) float32, how far codes are from those of classes."""
    if space == COLOR:
        here, there = unpack(codes), unpack(centers)
    else:
        here, there = codes[:, None], centers[:, None]
    gap = here[:, None].astype(np.float32) - there[None].astype(np.float32)
    return np.sqrt((gap**2).sum(-1))


class _Totals:
    """Codes of all masks together."""

    def __init__(self, facts: Sequence[MaskFacts], space: str) -> None:
        codes = np.concatenate([codes_in(f, space) for f in facts])
        self.codes, index = np.unique(codes, return_inverse=True)
        size = len(self.codes)
        self.pixels, self.inner = (
            np.bincount(
                index,
                weights=np.concatenate([getattr(f, key) for f in facts]),
                minlength=size,
            )
            for key in ('pixels', 'inner')
        )
        self.others = sum(f.others for f in facts)


def space_of(facts: Sequence[MaskFacts]) -> str:
    """Whether codes are gray values, colors or labels.

    One mask in color makes all of them color: an empty one may well be
    stored as gray. Palettes that differ from file to file do, too.
    """
    spaces = {f.space for f in facts}
    if LABEL in spaces:
        return LABEL
    if COLOR in spaces:
        return COLOR
    listed: dict[int, int] = {}
    for f in facts:
        if f.colors is None:
            continue
        for code, color in zip(f.codes.tolist(), f.colors.tolist()):
            if listed.setdefault(code, color) != color:
                return COLOR
    return GRAY


def codes_in(facts: MaskFacts, space: str) -> np.ndarray:
    """Codes of a mask, in the space of all of them."""
    if space == COLOR and facts.space == GRAY:
        if facts.colors is not None:
            return facts.colors
        return np.minimum(facts.codes, 255) * np.uint32(0x010101)
    return facts.codes


def find_encoding(
    facts: Sequence[MaskFacts],
    source: MaskSource,
    classes: str | list[str] | None = None,
    ignore_value: int | str = 255,
    background: str = 'class',
) -> tuple[Encoding, list[Finding]]:
    """Find out what the values of masks mean.

    Args:
        facts: of all masks, at least one.
        source: where they come from.
        classes: see :func:`.class_names.parse_classes`.
        ignore_value: value of pixels that belong to no class.
        background: ``class`` or ``ignore``: whether pixels of value 0, of
            the color black or without a label are a class.

    Returns:
        The encoding, and what a person should know about it.

    Raises:
        UsageError: if the values make no sense as classes.
    """
    if background not in ('class', 'ignore'):
        raise UsageError(
            f"--background must be 'class' or 'ignore', got {background!r}"
        )
    given = parse_classes(classes)
    ignored = parse_value(str(ignore_value))[0]
    space = space_of(facts)
    totals = _Totals(facts, space)
    findings: list[Finding] = []
    by_value = bool(given) and given[0].code is not None
    if by_value and given[0].color != (space == COLOR):
        raise UsageError(
            f'--classes gives {"colors" if given[0].color else "numbers"}, '
            f'but {facts[0].file} and the other masks hold '
            f'{"colors" if space == COLOR else "numbers"}. Give those'
        )
    if space == LABEL:
        encoding = _labels(source, totals, given, background)
    elif by_value:
        encoding = _explicit(given, totals, ignored, space, facts)
    else:
        centers, snap = _centers(totals, facts, space)
        encoding = _meaning(
            centers, space, [c.name for c in given], ignored, background, facts
        )
        encoding.snap = snap
    encoding.source = source.kind
    encoding.slack = _SLACK * any(f.lossy for f in facts)
    encoding.mode = _mode(facts, encoding)
    palettes = [f for f in facts if f.colors is not None]
    if palettes and encoding.mode == 'P':
        table = np.zeros(256, np.uint32)
        for f in palettes:
            table[f.codes] = f.colors
        encoding.palette = unpack(table).ravel().tolist()
    _check_number(encoding, facts)
    findings += _notes(encoding, totals, facts)
    return encoding, findings


def _mode(facts: Sequence[MaskFacts], encoding: Encoding) -> str:
    modes = [f.mode for f in facts]
    if encoding.space == COLOR:
        colors = [m for m in modes if m in ('RGB', 'RGBA')]
        return max(set(colors), key=colors.count) if colors else 'RGB'
    return max(sorted(set(modes)), key=modes.count)


def _centers(
    totals: _Totals, facts: Sequence[MaskFacts], space: str
) -> tuple[list[int], bool]:
    """Values that are classes, and whether others are to be snapped."""
    codes, pixels, inner = totals.codes, totals.pixels, totals.inner
    if any(f.lossy for f in facts):
        return _jpeg_centers(totals, facts, space), True
    strong = inner > _INNER * pixels
    weak = ~strong
    share = (pixels[weak].sum() + totals.others) / max(pixels.sum(), 1)
    number = int(weak.sum()) + bool(totals.others) * _WEAK
    enough = _WEAK
    if codes[strong].tolist() in ([0, 255], [0, 0xFFFFFF]):
        enough = 2
    few_strong = 1 < strong.sum() and (enough == 2 or number > strong.sum())
    if number >= enough and few_strong and share < 0.3:
        return codes[strong].tolist(), True
    if totals.others or len(codes) > MOST_CLASSES + 2:
        raise UsageError(
            f'{facts[0].file} and the other masks hold {len(codes)} different '
            f'{"colors" if space == COLOR else "values"} or more, too many '
            'for classes. Are these photos, or the numbers of objects? Give '
            'masks of classes'
        )
    return codes.tolist(), False


def _jpeg_centers(
    totals: _Totals, facts: Sequence[MaskFacts], space: str
) -> list[int]:
    centers: list[int] = []
    floor = max(_RARE * totals.inner.sum(), _FEW)
    for at in np.argsort(-totals.inner, kind='stable'):
        if totals.inner[at] < floor:
            break
        code = totals.codes[at : at + 1]
        near = distances(code, np.array(centers or [0], np.uint32), space)
        if not centers or near.min() > _NEAR:
            centers.append(int(code[0]))
    if len(centers) < 2:
        lossy = next(f.file for f in facts if f.lossy)
        raise UsageError(
            f'{lossy}: this format changes values, and those of the classes '
            'are too near each other to be told. Save masks as PNG, or give '
            'the values with --classes 0=name,255=name'
        )
    # JPEG moves black and white by a few steps; these are meant.
    usual = [0, 0xFFFFFF] if space == COLOR else [0, 255]
    far = distances(np.array(centers), np.array(usual), space)
    return sorted(
        usual[row.argmin()] if row.min() <= _SLACK else code
        for code, row in zip(centers, far)
    )


def _explicit(
    given: Sequence[ClassName],
    totals: _Totals,
    ignored: int,
    space: str,
    facts: Sequence[MaskFacts],
) -> Encoding:
    """A mapping that a person gave."""
    codes = [int(c.code or 0) for c in given]
    rest = [] if ignored in codes else [ignored]
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
        filled = totals.inner[at] > _INNER * totals.pixels[at]
        if filled.any() and not lossy:
            code = int(totals.codes[at][filled][0])
            raise UsageError(
                f'{_holder(facts, code, space)}: mask holds the value '
                f'{encoding.show(code)}, which --classes does not name. Name '
                'it, or make it the --ignore-value'
            )
        encoding.snap = True
    return encoding


def _labels(
    source: MaskSource,
    totals: _Totals,
    given: Sequence[ClassName],
    background: str,
) -> Encoding:
    """Classes of files that hold words."""
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


def _meaning(
    centers: list[int],
    space: str,
    names: list[str],
    ignored: int,
    background: str,
    facts: Sequence[MaskFacts],
) -> Encoding:
    """Give values their classes."""
    values = sorted(centers)
    deep = any(v > 255 for v in values) and space == GRAY
    void = {ignored, 65535} if deep and ignored == 255 else {ignored}
    rest: list[int] = [v for v in values if v in void]
    if space == COLOR and ignored < 256:
        rest = []  # a gray value says nothing about colors
    if rest and space == GRAY and _is_class(values, deep):
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


def _check_number(encoding: Encoding, facts: Sequence[MaskFacts]) -> None:
    number = len(encoding.classes)
    if number > MOST_CLASSES:
        raise UsageError(
            f'{facts[0].file} and the other masks hold {number} values. '
            f'Masks of at most {MOST_CLASSES} classes are supported; if the '
            'values number objects, give masks of classes'
        )


def _holder(facts: Sequence[MaskFacts], code: int, space: str) -> str:
    return next(
        (f.file for f in facts if code in codes_in(f, space)), facts[0].file
    )


_SAYS = {
    'ids': 'class ids',
    'binary': 'black and white',
    'from one': 'class ids from 1 on',
    'steps': 'gray steps',
    'values': 'gray values',
    'colors': 'colors',
    'labels': 'labels in words',
}


def _notes(
    encoding: Encoding, totals: _Totals, facts: Sequence[MaskFacts]
) -> list[Finding]:
    """What a person should know about an encoding."""
    deep = encoding.space == GRAY and max(encoding.codes) > 255
    says = _SAYS[encoding.kind] + ' of 16 bits' * deep
    if encoding.kind == 'labels':
        says = {
            'labelme': 'JSON of labelme',
            'coco': 'COCO JSON',
            'folders': 'a file for each class',
        }[encoding.source]
    mapping = dict(zip(encoding.classes, map(encoding.show, encoding.codes)))
    found = [
        Finding(
            'mask-encoding',
            'note',
            '',
            dict(kind=encoding.kind, mapping=mapping),
            f'masks are {says}, {len(encoding.classes)} classes',
            'They are converted for training; your files stay as they are',
        )
    ]
    if encoding.kind == 'binary' and 255 in encoding.codes:
        found.append(
            Finding(
                'mask-white-is-class',
                'note',
                '',
                255,
                'white (255) is taken as a class, since masks hold black and '
                'white only',
                'If it means "ignored" there is nothing to learn',
            )
        )
    present = set(totals.codes.tolist())
    absent = [
        name
        for name, code in zip(encoding.classes, encoding.codes)
        if code not in present
    ]
    if absent and not encoding.snap:
        found.append(
            Finding(
                'class-absent',
                'warning',
                '',
                absent,
                f'no mask holds {", ".join(absent)}',
                'Label an image with it, or it is never predicted',
            )
        )
    return found + _snapped(encoding, totals, facts)


def _snapped(
    encoding: Encoding, totals: _Totals, facts: Sequence[MaskFacts]
) -> list[Finding]:
    if not encoding.snap:
        return []
    known = [*encoding.codes, *encoding.ignored]
    off = ~np.isin(totals.codes, known)
    pixels = totals.pixels[off].sum() + totals.others
    share = float(pixels / max(totals.pixels.sum() + totals.others, 1))
    lossy = [f.file for f in facts if f.lossy]
    between = [
        f
        for f in facts
        if f.others or not np.isin(codes_in(f, encoding.space), known).all()
    ]
    return [
        Finding(
            'mask-damaged',
            'warning',
            lossy[0] if lossy else between[0].file if between else '',
            share,
            f'{share:.2%} of the pixels of all masks have values between '
            f'those of classes ({"a lossy format" if lossy else "smoothed"})',
            'They go to the nearest class around'
            + (
                '; a class of few pixels may be missed: name all values with '
                '--classes, or save masks as PNG'
                if lossy
                else '; save masks without smoothing next time'
            ),
            max(len(between), 1),
        )
    ]


def color_of(encoding: Encoding, index: int) -> int:
    """The color that a class has in the files, -1 where it has none."""
    if encoding.space == COLOR:
        return encoding.codes[index]
    if encoding.palette is not None:
        table = np.array(encoding.palette, np.uint8).reshape(-1, 3)
        return int(pack(table[encoding.codes[index]]))
    return -1
