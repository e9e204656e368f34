"""Images are packed plane by plane, however they lie in memory."""

import numpy as np
import pytest
import torch
from mmseg.datasets.transforms import PackSegInputs

from mmsemi.datasets.transforms import PackSemiInputs

TURNS = dict(
    plain=np.s_[:],
    window=np.s_[3:20, 5:30],
    left_right=np.s_[:, ::-1],
    upside_down=np.s_[::-1],
    both=np.s_[::-1, ::-1],
    every_other=np.s_[::2, ::3],
    colors_turned=np.s_[..., ::-1],
)


@pytest.mark.parametrize('turn', TURNS)
@pytest.mark.parametrize('dtype', [np.uint8, np.float32, np.int16])
@pytest.mark.parametrize('bands', [1, 3, 4, 6])
def test_any_image_is_packed(bands, dtype, turn) -> None:
    image = np.random.default_rng(0).normal(99, 20, (32, 48, bands))
    image = image.astype(dtype)
    before = image.copy()
    packed = PackSemiInputs()(dict(img=image[TURNS[turn]]))['inputs']
    expected = before[TURNS[turn]].transpose(2, 0, 1)
    assert packed.is_contiguous()
    assert torch.equal(packed, torch.from_numpy(expected.copy()))
    # What is packed is a copy: strong views change theirs in place.
    packed += 1
    assert (image == before).all()


def test_gray_images_without_a_band_axis() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    packed = PackSemiInputs()(dict(img=image))
    assert torch.equal(packed['inputs'], torch.from_numpy(image)[None])
    assert set(packed) == {'inputs', 'data_samples'}


def test_all_but_the_image_is_packed_as_mmseg_does() -> None:
    rng = np.random.default_rng(0)
    item = dict(
        img=rng.integers(0, 256, (6, 8, 3), np.uint8),
        gt_seg_map=rng.integers(0, 5, (6, 8), np.uint8)[:, ::-1],
        gt_depth_map=rng.random((6, 8)),
        img_path='a.jpg',
        img_shape=(6, 8),
        scale_factor=(0.5, 0.4),
        flip=True,
        flip_direction='horizontal',
        of_no_meaning=3,
    )
    ours, theirs = (
        kind()(dict(item))['data_samples']
        for kind in (PackSemiInputs, PackSegInputs)
    )
    assert ours.metainfo == theirs.metainfo and len(ours.metainfo) == 5
    assert set(ours.keys()) == set(theirs.keys())
    for name in ours.keys():
        assert torch.equal(ours.get(name).data, theirs.get(name).data)
