"""Boxes and pasting of UniMatch, CutMix-Seg and CPS."""

import numpy as np
import pytest
import torch

from mmsemi.models.mixing import box_mask, paste
from mmsemi.ops.boxes import fixed_share_boxes, random_area_boxes
from tests.oracles.kinds import files, load


class Replay:
    """Gives recorded draws and checks of what kind each is."""

    def __init__(self, kinds, values) -> None:
        self.draws = list(zip(kinds, values))

    def take(self, kind: int, low: float, high: float) -> float:
        found, value = self.draws.pop(0)
        assert found == kind and low <= value <= high
        return value

    def uniform(self, low: float, high: float) -> float:
        return self.take(1, low, high)

    def randint(self, low: int, high: int) -> int:
        return int(self.take(2, low, high - 1))


def test_cutmix_box(oracle_dir) -> None:
    for path in files(oracle_dir, 'unimatch', 'cutmix_box'):
        z = load(path)
        for size, box, begin, end in zip(
            z['img_size'], z['box'], z['call_ptr'][:-1], z['call_ptr'][1:]
        ):
            rng = Replay(
                z['call_kind'][begin:end], z['call_value_f64'][begin:end]
            )
            place = np.zeros(4, np.int64)
            if rng.take(0, 0, 1) <= float(z['p']):
                place = random_area_boxes(1, int(size), int(size), rng)[0, 0]
            # One that came out empty is none, wherever it was drawn.
            empty = (place[2:] <= place[:2]).any()
            y0, x0, y1, x1 = box[1:]
            assert (y1 <= y0 or x1 <= x0) == empty
            if not empty:
                assert box.tolist() == [1, *place.tolist()]
            assert not rng.draws


class Uniform:
    """Gives recorded arrays of uniform numbers, brought to a range."""

    def __init__(self, *arrays) -> None:
        self.arrays = list(arrays)

    def uniform(self, low=0.0, high=1.0, size=None):
        values = self.arrays.pop(0)
        assert values.shape == size
        return low + (high - low) * values


@pytest.mark.parametrize('kind', ['french_boxmask', 'cps_boxmask'])
def test_box_masks(oracle_dir, kind) -> None:
    for path in files(oracle_dir, 'unimatch', kind):
        z = load(path)
        number, count = z['u_prop_f64'].shape
        assert count == z['n_boxes']
        height, width = z['hw'].tolist()
        boxes = fixed_share_boxes(
            number,
            height,
            width,
            Uniform(z['u_prop_f64'], z['u_aspect_f64'], z['u_pos_f64']),
            count=count,
            share=z['prop_range'].astype(float),
        )
        mask = box_mask(torch.from_numpy(boxes), height, width)
        if not z['invert']:  # boxes out of a mask of ones
            mask = ~mask
        assert np.array_equal(mask.numpy(), z['mask'][:, 0])


def test_pasting_of_a_second_stream(oracle_dir) -> None:
    for path in files(oracle_dir, 'unimatch', 'v1_image_mix'):
        z = load(path, torch.from_numpy)
        for k in '12':
            mixed = paste(
                z[f'img_u_s{k}'],
                z[f'img_u_s{k}_mix'],
                z[f'cutmix_box{k}'] == 1,
            )
            assert torch.equal(mixed, z[f'out_s{k}'])
