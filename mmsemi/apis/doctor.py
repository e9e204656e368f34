"""Look at somebody's images and masks: what is there, and what is wrong."""

import os
import sys
import warnings
from contextlib import ExitStack, redirect_stdout
from dataclasses import replace

import numpy as np
from PIL import Image

from mmsemi.doctor.classes import are_partly, check_classes, check_numbers
from mmsemi.doctor.findings import Finding, finding_of, in_order
from mmsemi.doctor.photos import Photo, check_photos, examine
from mmsemi.prepare.files import images_of_other_formats, is_line
from mmsemi.prepare.find_encoding import find_encoding
from mmsemi.prepare.labeled_classes import count_undrawn, read_labeled_classes
from mmsemi.prepare.mask_files import MaskFacts
from mmsemi.prepare.masks import (
    class_counts,
    in_threads,
    survey_masks,
    threads_for,
)
from mmsemi.prepare.open_masks import open_masks
from mmsemi.prepare.pairing import Pairs
from mmsemi.utils.errors import UsageError

from .diagnosis import Diagnosis
from .diagnosis_files import check_out, check_page, write_files, write_page
from .unlike import find_unlike


def doctor(
    images: str,
    masks: str,
    mask_suffix: str = '',
    classes: str | None = None,
    ignore_value: str = '255',
    background: str = 'class',
    labeled_classes: str | None = None,
    out: str | None = None,
    html: str | None = None,
    json: bool = False,
    threads: int = 8,
) -> Diagnosis:
    """Find out what is in two folders; changes nothing in them.

    Args:
        images: folder of images.
        masks: folder of masks, or a COCO JSON file. An image without a mask
            is unlabeled.
        mask_suffix: what names of masks have behind those of images, such
            as ``_mask``.
        classes: names, with commas between; names with values,
            ``0=background,255=crack``; or a text file with one a line.
        ignore_value: value, or color as ``#rrggbb``, of pixels that belong
            to no class.
        background: ``class``, or ``ignore`` to leave it out of loss and
            mean.
        labeled_classes: CSV file that names the classes that were drawn in
            images in which not all were; see
            :func:`mmsemi.prepare.labeled_classes.read_labeled_classes`.
        out: folder for ``doctor.json``, ``doctor.txt`` and ``masks.png``, a
            sheet of masks drawn over images.
        html: file for a page with all of that. Without these two, nothing is
            written.
        json: whether the result prints as JSON.
        threads: how many files are read at once.

    Returns:
        What was found.

    Raises:
        UsageError: if images and masks cannot be paired.
    """
    if out is not None:
        check_out(out, images, masks)
    if html is not None:
        check_page(html, images, masks)
    with warnings.catch_warnings(), ExitStack() as stack:
        if json:  # progress is not for who reads that
            stack.enter_context(redirect_stdout(sys.stderr))
        # Photos of 10 000 x 10 000 pixels are no attack here.
        warnings.simplefilter('ignore', Image.DecompressionBombWarning)
        result = _diagnose(
            (images, masks, mask_suffix),
            (classes, ignore_value, background),
            labeled_classes,
            threads,
        )
        result.json = json
        if out is not None:
            write_files(result, out)
        if html is not None:
            write_page(result, html, (images, masks))
    return result


def _diagnose(
    place: tuple, meaning: tuple, labeled_classes: str | None, threads: int
) -> Diagnosis:
    pairs, source = open_masks(*place)
    files = [pair.image for pair in pairs.pairs]
    photos = in_threads(examine, files, 'reading images', threads)
    findings = check_photos(photos)
    others = images_of_other_formats(place[0])
    if others:
        findings.append(
            Finding(
                'image-other-format',
                'warning',
                os.path.join(place[0], others[0]),
                None,
                'images of this format are not read, so it is left out',
                'Save it as JPEG, PNG or TIFF',
                len(others),
            )
        )
    names = [os.path.relpath(file, place[0]) for file in files]
    odd = [file for file, name in zip(files, names) if not is_line(name)]
    if odd:
        findings.append(
            Finding(
                'image-name',
                'error',
                odd[0],
                None,
                'image whose name no list can hold: it begins or ends with a '
                'blank, or has a backslash, a line break or bytes that are '
                'not UTF-8 in it',
                'Rename the file or its folder',
                len(odd),
            )
        )
    if pairs.lonely:
        findings.append(
            Finding(
                'mask-without-image',
                'error',
                pairs.lonely[0],
                None,
                f'no image of {place[0]} fits this mask',
                'Add the image or take the mask away',
                len(pairs.lonely),
            )
        )
    labeled = pairs.labeled
    findings += check_numbers(len(labeled), len(pairs.unlabeled))
    good = {p.file for p in photos if not p.problem}
    labeled = [
        pair
        for pair in labeled
        if pair.image in good or not source.needs_image(pair)
    ]
    threads = threads_for((photo.size for photo in photos), threads)
    facts, unreadable = survey_masks(labeled, source, threads)
    findings += unreadable
    findings += _check_sizes(pairs, photos, facts)
    findings += find_unlike(pairs, photos, threads)
    encoding = None
    drawn: dict[str, frozenset[int]] = {}
    counts, ignored = np.zeros((0, 0), np.int64), np.zeros(0, np.int64)
    unknown = ignored
    if facts:
        try:
            encoding, facts, notes = find_encoding(facts, source, *meaning)
            findings += notes
        except UsageError as error:
            files = [item.file for item in facts]
            findings.append(finding_of('mask-values', error, files))
    if encoding is not None:
        counts, ignored = class_counts(facts, encoding)
        files = [item.file for item in facts]
        if labeled_classes is not None:
            names = [item.name for item in facts]
            try:
                drawn = read_labeled_classes(
                    labeled_classes,
                    [pair.name for pair in pairs.labeled],
                    encoding.classes,
                )
            except UsageError as error:
                findings.append(finding_of('labeled-classes', error))
            else:
                counts, ignored, notes = count_undrawn(
                    counts, ignored, names, files, drawn, encoding.classes
                )
                findings += notes
        unknown = ignored
        if meaning[-1] == 'ignore':  # what was seen to be no class is known
            some = [item.name in drawn for item in facts]
            unknown = np.where(some, ignored, 0)
        if are_partly(counts, unknown).any():  # which are both
            none = 'no-unlabeled-images'
            findings = [item for item in findings if item.kind != none]
        findings += [
            _if_background_is_left_out(item)
            if meaning[-1] == 'ignore'
            else item
            for item in check_classes(encoding.classes, counts, unknown, files)
        ]
        findings += _overlaps(facts)
    return Diagnosis(
        pairs,
        source,
        photos,
        facts,
        encoding,
        counts,
        ignored,
        unknown,
        in_order(findings),
        drawn,
    )


def _if_background_is_left_out(finding: Finding) -> Finding:
    if finding.kind != 'one-class':
        return finding
    return replace(
        finding,
        text=f'but for background the masks hold only {finding.value}; '
        'training needs two classes',
        remedy='Do without --background ignore',
    )


def _check_sizes(
    pairs: Pairs, photos: list[Photo], facts: list[MaskFacts]
) -> list[Finding]:
    """Masks of another size than their image."""
    known = {pair.name: (pair, p) for pair, p in zip(pairs.pairs, photos)}
    wrong = []
    for item in facts:
        pair, photo = known[item.name]
        if not photo.problem and photo.size != item.size:
            wrong.append((item, pair, photo))
    if not wrong:
        return []
    item, pair, photo = wrong[0]
    value = dict(mask=list(item.size), image=list(photo.size))
    text = (
        f'mask of {item.size[1]}x{item.size[0]} for an image of '
        f'{photo.size[1]}x{photo.size[0]} ({pair.image})'
    )
    remedy = 'Replace one of the two'
    if photo.turned and item.size == photo.size[::-1]:
        text = (
            f"mask is not turned, but the camera's tag turns the image "
            f'{pair.image}'
        )
        remedy = 'Turn the mask, too, or take the tag off the image'
    return [
        Finding(
            'mask-size', 'error', item.file, value, text, remedy, len(wrong)
        )
    ]


def _overlaps(facts: list[MaskFacts]) -> list[Finding]:
    found = [item for item in facts if item.overlap]
    if not found:
        return []
    first = found[0]
    share = first.overlap / max(first.size[0] * first.size[1], 1)
    return [
        Finding(
            'mask-overlap',
            'warning',
            first.file,
            first.overlap,
            f'{share:.2%} of the pixels belong to several classes',
            'Such pixels are ignored; correct the masks if they matter',
            len(found),
        )
    ]
