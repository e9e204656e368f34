"""Images that lists of labeled and unlabeled ones are drawn from."""

import os.path as osp
from collections.abc import Callable, Sequence
from pathlib import Path

from mmsemi.datasets.splits import read_list
from mmsemi.utils.errors import UsageError

from .files import describe_left_out, find_files, without_masks
from .splits import sort_stems, write_lists

CITYSCAPES_SUFFIX = '_leftImg8bit.png'


class Pool:
    """Images that may be labeled, images that may not, and their masks.

    Args:
        dataset: name of the data set's folder of lists.
        stems: images with a mask.
        mask: path of the mask of a stem.
        others: images without a mask, unlabeled in every split.
        val: images no list may hold.
    """

    def __init__(
        self,
        dataset: str,
        stems: Sequence[str],
        mask: Callable[[str], str],
        others: Sequence[str] = (),
        val: Sequence[str] = (),
    ) -> None:
        if not stems:
            raise UsageError(
                f'{dataset}: no image with a mask was found. '
                'Check the folders and suffixes'
            )
        self.dataset = dataset
        self.stems = sort_stems(stems)
        self.mask = mask
        self.others = sort_stems(others)
        self.val = list(val)


def stems_below(folder: Path, suffix: str) -> list[str]:
    """Files with a suffix below a folder, as stems relative to it."""
    return find_files(folder, suffix).stems


def voc_pool(
    root: str | Path, aug: bool = False, overwrite: bool = False
) -> Pool:
    """trainaug of VOC 2012, from its list or from the masks.

    Args:
        root: folder VOC2012.
        aug: write ``ImageSets/Segmentation/{aug,trainaug}.txt``.
        overwrite: replace these if they differ.
    """
    lists = Path(root) / 'ImageSets/Segmentation'
    masks = Path(root) / 'SegmentationClassAug'
    val = read_list(str(lists / 'val.txt'))
    trainaug = lists / 'trainaug.txt'
    if trainaug.is_file():
        stems = read_list(str(trainaug))
    else:
        stems = sorted(set(stems_below(masks, '.png')) - set(val))
    if aug:
        train = set(read_list(str(lists / 'train.txt')))
        rest = [stem for stem in stems if stem not in train]
        write_lists(
            {str(trainaug): stems, str(lists / 'aug.txt'): rest}, overwrite
        )
        print(f'{lists}: trainaug.txt {len(stems)}, aug.txt {len(rest)}')
    return Pool(
        'voc12', stems, lambda stem: str(masks / f'{stem}.png'), val=val
    )


def cityscapes_pool(root: str | Path) -> Pool:
    """Training images of Cityscapes; masks of either kind.

    Args:
        root: folder with ``leftImg8bit`` and ``gtFine``.
    """
    stems = stems_below(Path(root) / 'leftImg8bit/train', CITYSCAPES_SUFFIX)

    def mask(stem: str) -> str:
        path = f'{root}/gtFine/train/{stem}_gtFine_labelTrainIds.png'
        return path if osp.isfile(path) else path.replace('TrainIds', 'Ids')

    return Pool('cityscapes', stems, mask)


def folder_pool(
    images: str,
    masks: str,
    name: str,
    image_suffix: str = '.jpg',
    mask_suffix: str = '.png',
    exclude: str | None = None,
) -> Pool:
    """Any images and masks that share their stems; says what is left out.

    Args:
        images: folder of images.
        masks: folder of masks.
        name: of the data set.
        image_suffix: how images end.
        mask_suffix: how masks end.
        exclude: list of images to leave out.
    """
    together = osp.realpath(images) == osp.realpath(masks)
    found, left = without_masks(
        find_files(images, image_suffix),
        image_suffix,
        mask_suffix,
        together=together,
    )
    with_mask = set(find_files(masks, mask_suffix).stems)
    excluded = set(read_list(exclude)) if exclude else set()
    stems = [stem for stem in found.stems if stem not in excluded]
    others = [path for path in found.others if path not in left]
    alone = sorted(with_mask - set(found.stems))
    if together:
        others = [path for path in others if not path.endswith(mask_suffix)]
    for paths, why in (
        (left, 'they end as masks do'),
        (
            others,
            f'a list holds images of one suffix, here {image_suffix}. '
            'Rename them, or choose with --image-suffix',
        ),
        (
            [stem + mask_suffix for stem in alone],
            f'masks without an image that ends with {image_suffix}',
        ),
    ):
        if paths:
            print(describe_left_out(paths, why))
    if not stems:
        raise UsageError(
            f'{images}: no image ends with {image_suffix}. Say how '
            'they end with --image-suffix'
        )
    return Pool(
        name,
        [stem for stem in stems if stem in with_mask],
        lambda stem: osp.join(masks, stem + mask_suffix),
        others=[stem for stem in stems if stem not in with_mask],
        val=sorted(excluded),
    )


# What data sets are known, and how their images are found.
POOLS: dict[str, Callable[..., Pool]] = dict(
    voc=voc_pool, cityscapes=cityscapes_pool, folder=folder_pool
)
