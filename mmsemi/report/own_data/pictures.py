"""Small pictures of a report: masks over photos, mistakes, confidence."""

import base64
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from mmsemi.utils.labels import IGNORE

from ..round_picture import bare_class, color_map, hatch
from .class_shares import hex_color

_STRENGTH = 0.6  # of colors over the photo
_FADED = 0.35  # of the photo below mistakes
# Told apart by people who do not see red or green, too.
RIGHTED, BROKEN, BOTH = (0, 158, 115), (213, 36, 90), (240, 180, 20)
TITLES = dict(
    photo='image',
    truth='ground truth',
    twin='labeled only',
    method='with unlabeled',
    changes='mistakes',
    confidence='confidence',
)
REASONS = dict(
    typical='A typical hold-out image',
    worst='Worst of the hold-out',
    best='Best of the hold-out',
    random='Others of the hold-out, drawn at random',
)


def overlay(
    photo: np.ndarray, ids: np.ndarray, colors: np.ndarray, bare: int = -1
) -> np.ndarray:
    """Classes in colors over the photo; ignored pixels have stripes.

    Args:
        photo: (h, w, 3) uint8 RGB.
        ids: (h, w) uint8.
        colors: (256, 3) uint8.
        bare: class that is left as it is, such as the background.
    """
    gray = np.repeat(photo.mean(2, keepdims=True), 3, 2)
    painted = _STRENGTH * colors[ids] + (1 - _STRENGTH) * gray
    painted = np.where((ids == bare)[..., None], photo, painted)
    painted = np.where((ids == IGNORE)[..., None], hatch(*ids.shape), painted)
    return painted.round().astype(np.uint8)


def changes(
    photo: np.ndarray,
    truth: np.ndarray,
    method: np.ndarray,
    twin: np.ndarray | None,
) -> np.ndarray:
    """Where the models are wrong, over the faded photo.

    Args:
        photo: (h, w, 3) uint8 RGB.
        truth: (h, w) uint8 ids.
        method: of the model trained with unlabeled images.
        twin: of the one trained without, None where there is none.
    """
    gray = 255 - _FADED * (255.0 - photo.mean(2, keepdims=True))
    picture = np.repeat(gray, 3, 2)
    known = truth != IGNORE
    wrong = known & (method != truth)
    if twin is None:
        picture[wrong] = BOTH
    else:
        before = known & (twin != truth)
        picture[wrong & before] = BOTH
        picture[wrong & ~before] = BROKEN
        picture[before & ~wrong] = RIGHTED
    return picture.round().astype(np.uint8)


def change_legend(compared: bool) -> list[dict[str, str]]:
    """Names and colors of :func:`changes`."""
    entries = [('wrong', BOTH)]
    if compared:
        entries = [
            ('put right by the unlabeled images', RIGHTED),
            ('newly wrong', BROKEN),
            ('wrong in both', BOTH),
        ]
    return [
        dict(name=name, color=hex_color(np.array(color)))
        for name, color in entries
    ]


def data_uri(picture: np.ndarray) -> str:
    """(h, w, 3) uint8 RGB as a JPEG within the page."""
    _, content = cv2.imencode(
        '.jpg',
        np.ascontiguousarray(picture[..., ::-1]),
        [
            *(cv2.IMWRITE_JPEG_QUALITY, 80),
            # Thin lines keep their colors.
            *(
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
            ),
        ],
    )
    text = base64.b64encode(content.tobytes()).decode()
    return f'data:image/jpeg;base64,{text}'


def shots(
    items: Sequence[dict[str, Any]],
    classes: Sequence[str],
    palette: np.ndarray,
    recommended: str,
) -> list[dict[str, Any]]:
    """Groups of the gallery, ready for the page.

    Args:
        items: of :func:`mmsemi.report.own_data.gallery.read_gallery`.
        classes: names.
        palette: (C, 3) uint8 RGB.
        recommended: ``method`` or ``twin``, whose confidence is shown.
    """
    colors = color_map(palette)
    bare = bare_class(classes, palette)
    groups = []
    for reason, title in REASONS.items():
        found = [
            dict(
                name=item['name'],
                caption=_caption(item),
                pictures=_pictures(item, colors, bare, recommended),
            )
            for item in items
            if item['part'] == 'holdout' and item['reason'] == reason
        ]
        groups.append(
            dict(part='holdout', reason=reason, title=title, shots=found)
        )
    found = [
        dict(
            name=item['name'],
            caption=f'mean confidence {100 * item["confidence"]:.0f} %',
            pictures=_pictures(item, colors, bare, recommended),
        )
        for item in items
        if item['part'] == 'unlabeled'
    ]
    groups.append(
        dict(
            part='unlabeled',
            reason='random',
            title='Images without a mask, drawn at random',
            shots=found,
        )
    )
    return [group for group in groups if group['shots']]


def _caption(item: dict[str, Any]) -> str:
    iou = item['iou']
    words = f'mean IoU {iou["method"]:.0f} %'
    if 'twin' in iou:
        words = (
            f'mean IoU {iou["twin"]:.0f} % labeled only, '
            f'{iou["method"]:.0f} % with unlabeled'
        )
    return f'{words}, mean confidence {100 * item["confidence"]:.0f} %'


def _pictures(
    item: dict[str, Any], colors: np.ndarray, bare: int, recommended: str
) -> list[dict[str, str]]:
    photo = item['photo']
    found = dict(photo=photo)
    for key in ('truth', 'twin', 'method'):
        if key in item:
            found[key] = overlay(photo, item[key], colors, bare)
    if 'truth' in item and 'method' in item:
        found['changes'] = changes(
            photo, item['truth'], item['method'], item.get('twin')
        )
    sure = item.get(f'{recommended}_confidence')
    if sure is not None:
        # Blue to yellow, and lighter with every step.
        found['confidence'] = cv2.applyColorMap(sure, cv2.COLORMAP_VIRIDIS)[
            ..., ::-1
        ]
    alone = not {'twin', 'method'} <= item.keys()
    return [
        dict(
            title='prediction'
            if alone and key in ('twin', 'method')
            else title,
            src=data_uri(found[key]),
            width=photo.shape[1],
            height=photo.shape[0],
        )
        for key, title in TITLES.items()
        if key in found
    ]
