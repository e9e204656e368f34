from collections.abc import Sequence

import numpy as np
from mmcv.transforms.utils import cache_randomness
from mmseg.datasets.transforms import RandomCrop

from mmsemi.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RareClassCrop(RandomCrop):
    """Random crop that often is centered on a rare class (CBST, CRST).

    With probability ``prob`` one of the rare classes that the labels of the
    image hold is drawn, then one of its pixels, and the crop is centered
    there; otherwise, and where no such class is present, the crop is any.
    ``SelfTrainingLoop`` says before every round which classes are rare, from
    the predictions on the target images.

    Args:
        crop_size: height and width; give even sides.
        prob: probability of looking for a rare class.
        inside: choose among pixels half a crop away from the border, as
            CBST does. By default any pixel may be chosen and the crop is
            moved inside the image, as CRST does.
        use_rarest: where no rare class is present look for the rarest three
            of the data set, as CBST does, rare or not.
        classes: rare classes; the loop sets them.
        rarest: the rarest classes, rare or not; the loop sets them.
        ignore_index: label that is no class.
    """

    def __init__(
        self,
        crop_size: int | tuple[int, int],
        prob: float = 0.8,
        inside: bool = False,
        use_rarest: bool = False,
        classes: Sequence[int] = (),
        rarest: Sequence[int] = (),
        ignore_index: int = 255,
    ) -> None:
        super().__init__(crop_size, ignore_index=ignore_index)
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must lie in [0, 1], got {prob}')
        self.prob = prob
        self.inside = inside
        self.use_rarest = use_rarest
        self.classes = list(classes)
        self.rarest = list(rarest)

    @cache_randomness
    def crop_bbox(self, results: dict) -> tuple:
        """Rows and columns (top, bottom, left, right) of the crop."""
        if np.random.uniform() < self.prob:
            seed = self._rare_pixel(results['gt_seg_map'])
            if seed is not None:
                return self._centered(seed, results['img'].shape)
        return super().crop_bbox(results)

    def _rare_pixel(self, labels: np.ndarray):
        """Row and column of a pixel of a rare class, None if there is none."""
        top = left = 0
        if self.inside:
            top, left = self.crop_size[0] // 2, self.crop_size[1] // 2
            # One less at the end, as in CBST's code.
            bottom, right = np.array(labels.shape) - [top + 1, left + 1]
            labels = labels[top : max(bottom, top), left : max(right, left)]
        there = np.bincount(labels.ravel(), minlength=256) > 0
        present = [c for c in self.classes if there[c]]
        if not present and self.use_rarest:
            present = [c for c in self.rarest if there[c]]
        if not present:
            return None
        chosen = present[np.random.randint(len(present))]
        rows, columns = np.nonzero(labels == chosen)
        pixel = np.random.randint(len(rows))
        return int(rows[pixel]) + top, int(columns[pixel]) + left

    def _centered(self, seed: tuple[int, int], shape: tuple) -> tuple:
        """A crop around a pixel, moved so that it lies in the image."""
        box = []
        for center, side, length in zip(seed, self.crop_size, shape):
            start = min(max(center - side // 2, 0), max(length - side, 0))
            box += [start, start + side]
        return tuple(box)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(crop_size={self.crop_size}, '
            f'prob={self.prob}, classes={self.classes})'
        )
