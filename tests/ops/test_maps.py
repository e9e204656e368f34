"""Maxima and accuracies over classes are those of PyTorch and mmseg."""

import pytest
import torch
from mmseg.models.decode_heads import decode_head
from mmseg.models.losses import accuracy as theirs

from mmsemi.models.losses import TargetLoss  # noqa: F401, sets mmseg up
from mmsemi.ops.maps import accuracy, max_of_quotients, max_over_classes


@pytest.mark.parametrize('classes', [2, 21, 300])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_the_maximum_over_classes(classes, dtype) -> None:
    torch.manual_seed(0)
    scores = torch.randn(2, classes, 37, 5).to(dtype)
    scores[:, :, :20] = scores[:, :, :20].round()  # many are equal
    top, labels = max_over_classes(scores)
    assert torch.equal(top, scores.amax(1)) and labels.dtype == torch.int64
    # The lowest class of equal ones; torch.max takes any.
    if dtype == torch.float32 and classes < 256:
        first = (scores == top[:, None]).float().argmax(1)
        assert torch.equal(labels, first)
    assert torch.equal(scores.gather(1, labels[:, None])[:, 0], top)


@pytest.mark.parametrize(
    'layout', [torch.contiguous_format, torch.channels_last]
)
def test_the_maximum_of_quotients_in_any_layout(layout) -> None:
    torch.manual_seed(0)
    # More pixels than are taken at once, and a view into a larger map.
    scores = (8 * torch.rand(2, 5, 190, 200)).round()[:, :, 3:]
    scores = scores.contiguous(memory_format=layout)[:, :, 4:]
    divisors = torch.tensor([1.0, 0.5, 3.0, 0.1, 0.1])
    quotients = scores / divisors.view(-1, 1, 1)
    best, labels, top = max_of_quotients(scores, divisors)
    assert torch.equal(best, quotients.amax(1))
    assert torch.equal(top, scores.amax(1))
    first = (quotients == best[:, None]).float().argmax(1)
    assert torch.equal(labels, first)
    assert torch.equal(max_over_classes(quotients)[1], first)


def test_maps_that_numpy_cannot_see_are_left_to_pytorch() -> None:
    """Those of Apple's GPUs are not CUDA's either."""
    scores = torch.empty(2, 3, 4, 5, device='meta')
    for found in (
        max_over_classes(scores),
        max_of_quotients(scores, torch.empty(3, device='meta')),
    ):
        assert all(part.shape == (2, 4, 5) for part in found)


@pytest.mark.parametrize('ignore', [None, 255])
@pytest.mark.parametrize(
    'options', [{}, dict(topk=(1, 3)), dict(topk=2), dict(thresh=0.5)]
)
def test_the_accuracy_is_that_of_mmseg(ignore, options) -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 5, 33, 7), torch.randint(5, (2, 33, 7))
    labels[:, 3:9] = 4 if ignore is None else ignore
    if 'thresh' in options:  # mmseg's own cannot take maps there
        logits, labels = logits[:, :, 0, 0], labels[:, 0, 0]
    found = accuracy(logits, labels, ignore_index=ignore, **options)
    wanted = theirs(logits, labels, ignore_index=ignore, **options)
    torch.testing.assert_close(found, wanted)
    if not options:
        nothing = torch.full_like(labels, 255)
        torch.testing.assert_close(
            accuracy(logits, nothing, ignore_index=255),
            theirs(logits, nothing, ignore_index=255),
        )
        assert len(accuracy(logits[:0], labels[:0]).shape) == 0


def test_heads_of_mmseg_log_it() -> None:
    assert decode_head.accuracy is accuracy


def test_heads_of_mmseg_copy_no_logits_of_full_size() -> None:
    logits = torch.randn(1, 2, 4, 4)
    resize = decode_head.resize
    assert resize(logits, (4, 4), mode='bilinear') is logits
    assert resize(logits, size=[4, 4], align_corners=False) is logits
    larger = resize(logits, scale_factor=2, mode='nearest')
    assert torch.equal(larger[..., ::2, ::2], logits)
    assert resize(logits, (8, 8), mode='bilinear').shape == (1, 2, 8, 8)
