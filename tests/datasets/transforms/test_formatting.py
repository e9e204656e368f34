"""Images are packed plane by plane, however they lie in memory."""

import numpy as np
import pytest
import torch

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
