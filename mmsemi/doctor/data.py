"""Look at all lists, images and masks of a run before it starts."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from mmengine.config import Config

from mmsemi.datasets.samplers.cutmix_partner import check_partner_hook
from mmsemi.datasets.splits import check_disjoint
from mmsemi.io.files import write_json
from mmsemi.io.json_data import load_json

from .heads import check_heads
from .images import check_images
from .lists import ImageList, collect, partly_labeled
from .masks import check_classes, count_pixels
from .same_files import check_same_files

STAMP = 'data_check.json'


def check_data(
    cfg: Config,
    work_dir: str | None = None,
    threads: int = 8,
    roles: Sequence[str] = ('labeled', 'unlabeled', 'val'),
) -> list[str]:
    """Stop with one clear error if the data of a run cannot be used.

    Every list, every file and every labeled, validation and test mask is
    looked at; masks of unlabeled images are not opened. When nothing has
    changed since a check that ended well, files are not read again.

    Args:
        cfg: config of the run.
        work_dir: where the result of the check is kept, None to keep none.
        threads: how many files are read at once.
        roles: what to look at: ``('test',)`` is what a test reads.

    Returns:
        Lines for the log: count and hash of each list, absent classes,
        what else a person should know.

    Raises:
        UsageError: naming file, value and remedy.
    """
    check_partner_hook(cfg)
    lists = collect(cfg, roles)
    for images in lists:
        images.check_files()
        check_heads(cfg, images)
    partly = partly_labeled(cfg)
    for a, b in combinations(lists, 2):
        if a.role != b.role:
            both = {a.role, b.role} == {'labeled', 'unlabeled'}
            check_disjoint(
                **{
                    f'{images.role} ({images.source})': [
                        path
                        for path in images.images
                        if not both or images.stem(path) not in partly
                    ]
                    for images in (a, b)
                }
            )
    linked = check_same_files(lists, partly)
    path = Path(work_dir) / STAMP if work_dir else None
    stamp = _read_stamp(path)
    messages, found = [], {}
    for images in lists:
        messages.append(
            f'{images.role}: {images.size} image{"s" * (images.size != 1)}, '
            f'{images.source}, sha256 {images.hash[:12]}'
        )
        state = images.state()
        found[state] = (images, stamp.get(state) or _look_at(images, threads))
    for role in ('labeled', 'val', 'test'):
        pixels = sum(
            np.array(entry['pixels'])
            for images, entry in found.values()
            if images.role == role and images.masks
        )
        if np.any(pixels):
            messages += check_classes(role, lists, pixels)
    checked = {state: entry for state, (_, entry) in found.items()}
    if path and checked != stamp:
        write_json(path.parent, path.name, checked)
    notes = [note for entry in checked.values() for note in entry['notes']]
    return messages + linked + list(dict.fromkeys(notes))


def _look_at(images: ImageList, threads: int) -> dict:
    """Pixels of each id and notes; stops at the first file without use."""
    notes = check_images(images, threads)
    pixels = [0] * 256
    if images.masks:
        pixels = count_pixels(images, threads)[0].tolist()
    return dict(pixels=pixels, notes=notes)


def _read_stamp(path: Path | None) -> dict[str, dict]:
    """Results of the check before; nothing where the file is damaged."""
    try:
        found = load_json(path) if path else {}
        good = all(
            len(entry['pixels']) == 256
            and all(type(number) is int for number in entry['pixels'])
            and all(isinstance(note, str) for note in entry['notes'])
            for entry in found.values()
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
    return found if good else {}
