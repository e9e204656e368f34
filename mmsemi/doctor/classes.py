"""Findings about the classes of masks, from pixels counted."""

from collections.abc import Sequence

import numpy as np

from .findings import Finding

# Fewer labeled images than this leave no honest hold-out.
FEW_IMAGES = 12
RARE_IMAGES, RARE_PIXELS = 3, 1e-3
NEARLY_NONE = 1e-4  # of the pixels of a mask
# Share of known pixels up to which a mask is partly labeled: borders of things
# that somebody left out are less.
PARTLY = 0.75


def check_numbers(labeled: int, unlabeled: int) -> list[Finding]:
    """Findings about how many images there are of each kind."""
    found = []
    if labeled == 1:
        found.append(
            Finding(
                'one-labeled-image',
                'error',
                '',
                1,
                'only one image has a mask, so none is left to measure on',
                'Label another image',
            )
        )
    elif labeled < FEW_IMAGES:
        found.append(
            Finding(
                'few-labeled-images',
                'warning',
                '',
                labeled,
                f'only {labeled} images have a mask, so figures measured on '
                'some of them are uncertain',
                'Use mmsemi fit --cross-validate, or label more images',
            )
        )
    if not unlabeled:
        found.append(
            Finding(
                'no-unlabeled-images',
                'warning',
                '',
                0,
                'every image has a mask',
                'Training is plain supervised training; add images without '
                'masks to learn from them, too',
            )
        )
    return found


def check_classes(
    names: Sequence[str],
    counts: np.ndarray,
    ignored: np.ndarray,
    files: Sequence[str],
) -> list[Finding]:
    """Findings about classes and about masks with next to nothing in them.

    Args:
        names: of C classes.
        counts: (N, C) pixels of each class in each mask.
        ignored: (N,) pixels without a class.
        files: N mask files.
    """
    images = (counts > 0).sum(0)
    pixels = counts.sum(0)
    present = np.flatnonzero(pixels)
    found = []
    if len(present) < 2:
        one = f'only {names[present[0]]}' if len(present) else 'no class'
        found.append(
            Finding(
                'one-class',
                'error',
                files[0] if len(files) else '',
                one,
                f'the masks hold {one}; training needs two classes',
                'Check the masks, or label images with another class',
            )
        )
    share = pixels / max(pixels.sum(), 1)
    for at in present:
        if images[at] < RARE_IMAGES and len(files) >= RARE_IMAGES:
            number = int(images[at])
            where = files[int(np.flatnonzero(counts[:, at])[0])]
            what = f'{number} mask{"s" * (number > 1)}'
            found.append(
                Finding(
                    'class-rare',
                    'warning',
                    where,
                    {names[at]: number},
                    f'{names[at]} is in {what} only',
                    'It can hardly be learned and measured; label more '
                    'images with it',
                )
            )
        elif share[at] < RARE_PIXELS:
            found.append(
                Finding(
                    'class-small',
                    'note',
                    '',
                    {names[at]: float(share[at])},
                    f'{names[at]} has {share[at]:.3%} of the labeled pixels',
                    'Expect it to be learned late; its images are worth '
                    'labeling',
                )
            )
    return found + _check_masks(counts, ignored, files)


def are_partly(counts: np.ndarray, ignored: np.ndarray) -> np.ndarray:
    """(N,) bool, whether masks know a part only; see :func:`check_classes`."""
    known = counts.sum(1)
    return (known > 0) & (known <= PARTLY * (known + ignored))


def _check_masks(
    counts: np.ndarray, ignored: np.ndarray, files: Sequence[str]
) -> list[Finding]:
    found = []
    known = counts.sum(1)
    total = np.maximum(known + ignored, 1)

    def add(kind, severity, holds, text, remedy) -> None:
        rows = np.flatnonzero(holds)
        if len(rows):
            first = int(rows[0])
            value = dict(known=int(known[first]), pixels=int(total[first]))
            found.append(
                Finding(
                    kind,
                    severity,
                    files[first],
                    value,
                    text(first),
                    remedy,
                    len(rows),
                )
            )

    add(
        'mask-empty',
        'warning',
        known == 0,
        lambda i: 'mask in which every pixel is ignored',
        'It teaches nothing; take it out, and the image counts as unlabeled',
    )
    add(
        'mask-partly',
        'note',
        are_partly(counts, ignored),
        lambda i: f'mask of which {known[i] / total[i]:.1%} is labeled',
        'The rest is learned from like an unlabeled image',
    )
    # Some pixels of a class, and all the rest of one other: a slip?
    most = counts.max(1, initial=0)
    rest = known - most
    add(
        'mask-nearly-empty',
        'warning',
        (rest > 0) & (rest < NEARLY_NONE * known),
        lambda i: f'mask of one class but for {rest[i]} pixels',
        'Check that they are no slip of the pen',
    )
    return found


def check_held_partly(names: Sequence[str], held: np.ndarray) -> list[Finding]:
    """A finding about held-out images in which not all classes were drawn.

    Args:
        names: of N images.
        held: (N,) whether they are such.
    """
    rows = np.flatnonzero(held)
    if not len(rows):
        return []
    return [
        Finding(
            'held-out-partly-drawn',
            'warning',
            names[rows[0]],
            len(rows),
            'image to measure on in which only some classes were drawn',
            'Mistakes where nothing is known are not counted; name images '
            'with all classes by --val',
            len(rows),
        )
    ]


def check_holdout(
    names: Sequence[str], labeled: np.ndarray, held_out: np.ndarray
) -> list[Finding]:
    """Findings about images held out for measuring.

    Args:
        names: of C classes.
        labeled: (N, C) pixels in the masks of training.
        held_out: (M, C) pixels in those that are held out.
    """
    shown = np.flatnonzero(held_out.sum(0))
    only = (labeled.sum(0) == 0) & (held_out.sum(0) > 0)
    missing = (labeled.sum(0) > 0) & (held_out.sum(0) == 0)
    found = []
    if only.any():
        listed = [names[i] for i in np.flatnonzero(only)]
        found.append(
            Finding(
                'class-held-out-only',
                'error',
                '',
                listed,
                f'{", ".join(listed)} is in images that are held out, and in '
                'none to learn from',
                'Hold other images out, or label more with it',
            )
        )
    if len(shown) == 1 and not only.any():
        one = names[shown[0]]
        found.append(
            Finding(
                'one-class-held-out',
                'error',
                '',
                one,
                f'the images to measure on hold only {one}, and a mean IoU '
                'needs two classes',
                'Label more images with the other classes, name images to '
                'measure on by --val, or use --cross-validate',
            )
        )
    elif missing.any():
        listed = [names[i] for i in np.flatnonzero(missing)]
        found.append(
            Finding(
                'class-not-measured',
                'warning',
                '',
                listed,
                f'{", ".join(listed)} is in no image that is held out',
                'Its IoU cannot be measured',
            )
        )
    return found
