"""Codes of all masks together, and those that are classes.

Masks that were smoothed or saved as JPEG hold values between those of
classes. Such values hardly ever fill an area: few of their pixels have four
neighbors alike. Values of classes do.
"""

from collections.abc import Sequence

import numpy as np

from mmsemi.utils.errors import UsageError

from .encoding import MOST_CLASSES, distances
from .mask_files import COLOR, GRAY, INNER, LABEL, MaskFacts

_WEAK = 4  # so many values between others are no coincidence
_NEAR = 32  # values of JPEG masks nearer than this are one
# Of a value of JPEG masks, at least so many pixels fill areas: noise never
# does (clothing masks of 19 colors, quality 60 to 85).
_RARE, _FEW = 1e-5, 20
_MOST_IDS = 128  # numbers in a row that are classes, not shades
SLACK = 8  # by so much JPEG moves the values of areas


class Totals:
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


def find_centers(
    totals: Totals, facts: Sequence[MaskFacts], space: str
) -> tuple[list[int], bool]:
    """Values that are classes, and whether others are to be snapped."""
    codes, pixels, inner = totals.codes, totals.pixels, totals.inner
    if any(f.lossy for f in facts):
        return _jpeg_centers(totals, facts, space), True
    strong = inner > INNER * pixels
    weak = ~strong
    share = (pixels[weak].sum() + totals.others) / max(pixels.sum(), 1)
    number = int(weak.sum()) + bool(totals.others) * _WEAK
    enough = _WEAK
    if codes[strong].tolist() in ([0, 255], [0, 0xFFFFFF]):
        enough = 2
    few_strong = 1 < strong.sum() and (enough == 2 or number > strong.sum())
    soft = space == COLOR or not _thin_ids(codes, strong)
    if number >= enough and few_strong and share < 0.3 and soft:
        return codes[strong].tolist(), True
    if totals.others or len(codes) > MOST_CLASSES + 2:
        raise UsageError(
            f'{facts[0].file} and the other masks hold {len(codes)} different '
            f'{"colors" if space == COLOR else "values"} or more, too many '
            'for classes. Are these photos, or the numbers of objects? Give '
            'masks of classes'
        )
    return codes.tolist(), False


def _thin_ids(codes: np.ndarray, strong: np.ndarray) -> bool:
    """Whether weak values are class ids of thin things.

    All values are numbers in a row then, and weak ones come behind those
    that fill areas; what smoothing makes lies between these. Between 0 and
    255 it may make all values, which are too many for classes.
    """
    ids = ~np.isin(codes, (255, 65535))
    found = codes[ids]
    row = np.arange(len(found)) + (found[0] if len(found) else 0)
    weak, filled = codes[ids & ~strong], codes[ids & strong]
    return bool(
        len(weak)
        and len(filled)
        and found[0] < 2
        and len(found) < _MOST_IDS
        and np.array_equal(found, row)
        and weak.max() > filled.max()
    )


def _jpeg_centers(
    totals: Totals, facts: Sequence[MaskFacts], space: str
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
        usual[row.argmin()] if row.min() <= SLACK else code
        for code, row in zip(centers, far)
    )


def holder(facts: Sequence[MaskFacts], code: int, space: str) -> str:
    return next(
        (f.file for f in facts if code in codes_in(f, space)), facts[0].file
    )
