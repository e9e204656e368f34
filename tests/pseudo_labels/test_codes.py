import numpy as np
import pytest
import torch

from mmsemi.pseudo_labels.codes import (
    NUM_CODES,
    TOP_CODE,
    code_edges,
    decode_confidence,
    encode_confidence,
)

ONE = np.float32(1)


def _confidences() -> np.ndarray:
    """Ascending float32 values: ends, steps below one, logit-like, uniform."""
    rng = np.random.default_rng(0)
    below_one = ONE - np.arange(5000, dtype=np.float32) * np.float32(2**-24)
    logits = rng.normal(0, 6, 200_000)
    return np.unique(
        np.concatenate(
            [
                below_one,
                1 / (1 + np.exp(-logits)),
                rng.random(200_000),
                10.0 ** -rng.uniform(0, 44, 20_000),
                [0, 0.5, np.nextafter(ONE, np.float32(0)), 1],
            ]
        ).astype(np.float32)
    )


def test_ends():
    p = np.array(
        [0, 1, np.nextafter(ONE, np.float32(0)), 1.0000001, -0.1, np.nan],
        dtype=np.float32,
    )
    assert encode_confidence(p).tolist() == [
        0,
        TOP_CODE,
        TOP_CODE - 1,
        TOP_CODE,
        0,
        0,
    ]
    assert NUM_CODES == 24 * 2048 + 2 <= 2**16
    edges = decode_confidence(np.array([0, TOP_CODE], dtype=np.uint16))
    assert edges.tolist() == [0, 1]


def test_monotone_and_torch_equals_numpy():
    p = _confidences()
    codes = encode_confidence(p)
    assert codes.dtype == np.uint16
    assert (np.diff(codes.astype(np.int64)) >= 0).all()
    tensor = encode_confidence(torch.from_numpy(p).view(1, -1))
    assert tensor.dtype == torch.int32 and tensor.shape == (1, p.size)
    np.testing.assert_array_equal(tensor[0].numpy(), codes)


def test_edges_are_exact_for_every_code():
    codes = np.arange(NUM_CODES)
    edges = decode_confidence(codes)
    assert edges.dtype == np.float32
    assert (encode_confidence(edges) >= codes).all()
    below = np.nextafter(edges[1:], np.float32(-1))
    assert (encode_confidence(below) < codes[1:]).all()
    # A code some float32 has decodes to a value of that same code.
    reached = np.unique(encode_confidence(_confidences()))
    np.testing.assert_array_equal(
        encode_confidence(decode_confidence(reached)), reached
    )
    np.testing.assert_array_equal(
        decode_confidence(torch.from_numpy(codes)).numpy(), edges
    )


def test_comparing_codes_is_comparing_confidences():
    rng = np.random.default_rng(1)
    p = rng.choice(_confidences(), 20_000)
    thresholds = rng.integers(0, NUM_CODES, p.size)
    np.testing.assert_array_equal(
        p >= decode_confidence(thresholds), encode_confidence(p) >= thresholds
    )


def test_relative_error_of_one_minus_p():
    p = _confidences()
    edge = decode_confidence(encode_confidence(p))
    assert (edge <= p).all()
    q = np.maximum(1 - p.astype(np.float64), 2.0**-25)
    # One bin, plus the rounding of 1 - p in float32.
    assert ((p.astype(np.float64) - edge) <= q * 2.0**-11 + 2.0**-24).all()


def test_numbers_that_are_no_code_are_refused():
    with pytest.raises(ValueError, match='49153'):
        decode_confidence(np.array([65535], dtype=np.uint16))
    assert decode_confidence(np.zeros((0, 3), dtype=np.uint16)).shape == (0, 3)
    with pytest.raises(ValueError):
        code_edges()[0] = 1


def test_half_precision_input():
    p = torch.tensor([0.5, 0.999], dtype=torch.float16)
    torch.testing.assert_close(
        encode_confidence(p), encode_confidence(p.float())
    )
