"""What a person should know about how masks store classes."""

import re
from collections.abc import Sequence

import numpy as np

from mmsemi.doctor.findings import Finding

from .encoding import Encoding
from .mask_codes import Totals, codes_in
from .mask_files import GRAY, MaskFacts
from .mask_source import CLAIMED

_SAYS = {
    'ids': 'class ids',
    'binary': 'black and white',
    'from one': 'class ids from 1 on',
    'steps': 'gray steps',
    'values': 'gray values',
    'colors': 'colors',
    'labels': 'labels in words',
}
# Names that were made up for want of others.
_NAMELESS = re.compile('class [0-9]+|#[0-9a-f]{6}')


def notes(
    encoding: Encoding, totals: Totals, facts: Sequence[MaskFacts]
) -> list[Finding]:
    """What a person should know about an encoding."""
    says = _SAYS[encoding.kind]
    if encoding.space == GRAY and max(encoding.codes) > 255:
        says += f' of {16 if max(encoding.codes) < 65536 else 32} bits'
    if encoding.kind == 'labels':
        says = {
            'labelme': 'JSON of labelme',
            'coco': 'COCO JSON',
            'folders': 'a file for each class',
            'image folders': 'a file for each class of each image',
        }[encoding.source]
    number = len(encoding.classes)
    remedy = 'They are converted for training; your files stay as they are'
    if any(_NAMELESS.fullmatch(name) for name in encoding.classes):
        remedy += '. Names of classes, in this order: --classes a,b,...'
    mapping = dict(zip(encoding.classes, map(encoding.show, encoding.codes)))
    found = [
        Finding(
            'mask-encoding',
            'note',
            '',
            dict(kind=encoding.kind, mapping=mapping),
            f'masks are {says}, {number} class{"es" * (number != 1)}',
            remedy,
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
    encoding: Encoding, totals: Totals, facts: Sequence[MaskFacts]
) -> list[Finding]:
    if not encoding.snap:
        return []
    known = [*encoding.codes, *encoding.ignored, CLAIMED]
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
