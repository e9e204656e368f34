"""Convert a data set of image and label files into another folder."""

import os
import os.path as osp
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from mmsemi.datasets.splits import more
from mmsemi.datasets.transforms.geometry import nearest_indices
from mmsemi.io import files
from mmsemi.io.image_files import why_unreadable
from mmsemi.io.json_data import load_json
from mmsemi.io.regular import refuse_special
from mmsemi.prepare.splits import write_lists
from mmsemi.utils.errors import UsageError
from mmsemi.utils.progress import track

STAMP = 'conversion.json'


class Item(NamedTuple):
    """Files of one image; the last two are to be written."""

    stem: str
    image: str
    labels: str
    new_image: str
    new_labels: str


def find_items(root: str, out: str, images: str, labels: str) -> list[Item]:
    """Images of ``root/images`` with masks of the same name.

    Args:
        root: folder of the data set.
        out: folder to write to, another one.
        images: folder of the images below both.
        labels: folder of the masks below both.

    Raises:
        UsageError: if a folder or a mask is missing, or a link in ``out``
            leads elsewhere, where files would be replaced.
    """
    if osp.realpath(root) == osp.realpath(out):
        raise UsageError(
            f'{out} holds the originals, which stay as they '
            'are. Name another folder with --out'
        )
    for folder in (images, labels):
        if not osp.isdir(osp.join(root, folder)):
            raise UsageError(
                f'{osp.join(root, folder)}: no such folder. '
                'Unpack the data set there'
            )
        files.inside(out, osp.join(folder, 'any.png'))
    items = []
    for path in sorted(Path(root, images).glob('*.png')):
        items.append(
            Item(
                path.stem,
                str(path),
                osp.join(root, labels, path.name),
                osp.join(out, images, path.name),
                osp.join(out, labels, f'{path.stem}_labelTrainIds.png'),
            )
        )
    if not items:
        raise UsageError(f'{osp.join(root, images)}: no *.png in it')
    missing = [item.labels for item in items if not osp.isfile(item.labels)]
    if missing:
        raise UsageError(
            f'{missing[0]}: mask{more(missing)} missing. Unpack '
            'all parts of the data set'
        )
    return items


def bad_pairs(items: Sequence[Item], threads: int = 8) -> list[str]:
    """Which items have a mask of another size, or a file beyond reading.

    Only the headers are read.

    Returns:
        A sentence for each such item, ``''`` for the others.
    """

    def problem(item: Item) -> str:
        sizes = []
        for path in (item.image, item.labels):
            try:
                refuse_special(path)
                with Image.open(path) as image:
                    sizes.append('{}x{}'.format(*image.size))
            except Exception as error:  # damaged bytes raise nearly anything
                return f'{path}: cannot be read ({why_unreadable(error)})'
        if sizes[0] == sizes[1]:
            return ''
        return f'{item.labels}: mask of {sizes[1]}, image of {sizes[0]}'

    with ThreadPoolExecutor(threads) as pool:
        return list(
            track(pool.map(problem, items), len(items), 'checking sizes')
        )


def begin(
    items: Sequence[Item], out: str, settings: dict, overwrite: bool = False
) -> None:
    """Claim a folder for a conversion, or go on with the same one.

    Args:
        items: what will be written.
        out: the folder.
        settings: what the files depend on. A folder converted otherwise is
            refused.
        overwrite: delete the files of another conversion instead.

    Raises:
        UsageError: if there are files of another conversion.
    """
    stamp = Path(out, STAMP)
    found = load_json(stamp) if stamp.is_file() else None
    if found == settings and not overwrite:
        return
    old = [
        path
        for item in items
        for path in (item.new_image, item.new_labels)
        if osp.exists(path)
    ]
    if old and not overwrite:
        raise UsageError(
            f'{old[0]}{more(old)} exists'
            + (f' and was made with {found}' if found else '')
            + '. Replace it with --overwrite, or write elsewhere (--out)'
        )
    for path in old:
        os.remove(path)
    files.write_json(stamp.parent, stamp.name, settings)


def convert(
    items: Sequence[Item],
    read_labels: Callable[[str], np.ndarray],
    size: tuple[int, int] | None = None,
    threads: int = 4,
) -> None:
    """Write images and masks that are not there yet.

    Files appear whole or not at all, so an interrupted conversion goes on
    where it stopped. Images are resized bilinearly; those that have the size
    are linked (copied where that is not possible), not encoded again.

    Args:
        items: from :func:`find_items`.
        read_labels: path of an original mask -> training ids (H, W) uint8.
        size: width and height, None to leave sizes as they are.
        threads: how many items are worked on at once.
    """

    def work(item: Item) -> None:
        if not osp.exists(item.new_labels):
            labels = read_labels(item.labels)
            if size:
                rows = nearest_indices(labels.shape[0], size[1])
                columns = nearest_indices(labels.shape[1], size[0])
                labels = labels[rows[:, None], columns]
            write_png(item.new_labels, labels)
        if not osp.exists(item.new_image):
            write_image(item, size)

    for folder in {
        osp.dirname(path)
        for item in items
        for path in (item.new_image, item.new_labels)
    }:
        os.makedirs(folder, exist_ok=True)
    with ThreadPoolExecutor(threads) as pool:
        try:
            for _ in track(pool.map(work, items), len(items), 'converting'):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def write_image(item: Item, size: tuple[int, int] | None) -> None:
    """Resize, or link, one image."""
    with Image.open(item.image) as image:
        same = size is None or image.size == tuple(size)
    if same:
        partial = f'{item.new_image}.partial'
        if osp.lexists(partial):  # a link could lead anywhere
            os.remove(partial)
        try:
            os.link(item.image, partial)
        except OSError:
            shutil.copyfile(item.image, partial)
        os.replace(partial, item.new_image)
        return
    image = cv2.imread(item.image, cv2.IMREAD_COLOR)
    if image is None:
        raise UsageError(f'{item.image}: cannot be read. Restore the file')
    write_png(
        item.new_image, cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    )


def write_png(path: str, array: np.ndarray) -> None:
    """Write a PNG whole or not at all."""
    folder, name = osp.split(path)
    files.write_png(folder or '.', name, array)


def convert_set(
    items: list[Item],
    out: str,
    settings: dict,
    read_labels: Callable[[str], np.ndarray],
    skip_bad: bool = False,
    overwrite: bool = False,
    threads: int = 4,
) -> list[str]:
    """Check a data set, convert it and write the list of its images.

    Args:
        items: from :func:`find_items`.
        out: folder to write to; the list becomes ``train.txt`` in it.
        settings: see :func:`begin`; ``size`` as for :func:`convert`.
        read_labels: see :func:`convert`.
        skip_bad: leave out images that :func:`bad_pairs` finds.
        overwrite: see :func:`begin`.
        threads: how many items are worked on at once.

    Returns:
        Stems of the images that were left out.

    Raises:
        UsageError: if there are bad images and they may not be skipped.
    """
    problems = bad_pairs(items, threads)
    bad = [text for text in problems if text]
    if bad and not skip_bad:
        raise UsageError(
            f'{bad[0]}{more(bad)}. Restore the files, or leave '
            'such images out with --skip-bad'
        )
    good = [item for item, text in zip(items, problems) if not text]
    left_out = [item.stem for item, text in zip(items, problems) if text]
    begin(good, out, settings, overwrite)
    for text in bad:
        print(f'left out: {text}')
    convert(good, read_labels, settings['size'], threads)
    path = osp.join(out, 'train.txt')
    write_lists({path: [item.stem for item in good]}, overwrite=True)
    print(f'{path}: {len(good)} images' + f', {len(bad)} left out' * bool(bad))
    return left_out
