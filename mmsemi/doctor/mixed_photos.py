"""Images of a set that differ in what a network sees."""

from typing import TYPE_CHECKING

from .findings import Finding

if TYPE_CHECKING:
    from .photos import Photo


def mixed_photos(photos: list['Photo']) -> list[Finding]:
    """Whether images differ in what a network sees."""
    good = [photo for photo in photos if not photo.problem]
    findings = []
    bands: dict[int, str] = {}
    for photo in good:
        colors = (
            3 if photo.kind not in ('bands', 'four bands') else photo.bands
        )
        bands.setdefault(colors, photo.file)
    if len(bands) > 1:
        (few, one), (many, other) = sorted(bands.items())[:2]
        findings.append(
            Finding(
                'image-bands-differ',
                'error',
                other,
                sorted(bands),
                f'image with {many} bands, but {one} has {few}',
                'Save all images with the same bands',
            )
        )
    sizes = {photo.size for photo in good}
    if len(sizes) > 1:
        rows = sorted(sizes, key=lambda size: size[0] * size[1])
        low, high = rows[0], rows[-1]
        findings.append(
            Finding(
                'image-sizes',
                'note',
                '',
                [list(low), list(high)],
                f'images of {len(sizes)} sizes, {low[1]}x{low[0]} to '
                f'{high[1]}x{high[0]}',
                'Crops of one size are cut from them',
            )
        )
    return findings
