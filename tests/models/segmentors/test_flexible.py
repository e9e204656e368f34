"""Ways to run a segmentor on whole images."""

import pytest
import torch
from mmengine.config import ConfigDict

from mmsemi.models.segmentors.flexible import windows
from mmsemi.registry import MODELS
from tests.models.tiny import tiny_student

SLIDE = dict(mode='slide', crop_size=(32, 32), stride=(21, 21))


def network(kind='FlexibleEncoderDecoder', **test_cfg):
    torch.manual_seed(0)
    cfg = ConfigDict(tiny_student(), type=kind, test_cfg=test_cfg)
    model = MODELS.build(cfg).eval()
    torch.nn.init.normal_(model.decode_head.conv_seg.weight, std=9.0)
    return model


def scores(model, size=(40, 56)):
    torch.manual_seed(1)
    images = torch.randn(2, 3, *size)
    metas = [dict(ori_shape=size, img_shape=size) for _ in images]
    with torch.no_grad():
        return model.inference(images, metas)


@pytest.mark.parametrize('size', [(40, 56), (32, 32), (20, 75)])
def test_without_more_it_is_mmsegs(size):
    found = scores(network(**SLIDE), size)
    wanted = scores(network('EncoderDecoder', **SLIDE), size)
    torch.testing.assert_close(found, wanted)
    whole = scores(network(mode='whole'), size)
    torch.testing.assert_close(
        whole, scores(network('EncoderDecoder', mode='whole'), size)
    )


@pytest.mark.parametrize('border', ['shift', 'cut'])
def test_probabilities_are_averaged(border):
    model = network(**SLIDE, added='probabilities', border=border)
    found = scores(model)
    torch.testing.assert_close(found.exp().sum(1), torch.ones(2, 40, 56))
    torch.testing.assert_close(found.softmax(1), found.exp())
    # Of all windows at one pixel.
    torch.manual_seed(1)
    images = torch.randn(2, 3, 40, 56)
    parts = []
    for rows, columns in windows((40, 56), (32, 32), (21, 21), border):
        if rows.start <= 30 < rows.stop and columns.start <= 25 < columns.stop:
            part = images[..., rows, columns]
            logits = model.encode_decode(
                part, [dict(img_shape=part.shape[2:])]
            )
            place = logits[..., 30 - rows.start, 25 - columns.start]
            parts.append(place.softmax(1))
    assert len(parts) == dict(shift=6, cut=4)[border]
    torch.testing.assert_close(
        found[..., 30, 25].exp(), torch.stack(parts).mean(0)
    )


def test_one_window_is_the_whole_image():
    for border, number in (('shift', 1), ('cut', 1)):
        assert (
            len(list(windows((30, 30), (32, 32), (32, 32), border))) == number
        )
    slide = dict(SLIDE, crop_size=(64, 64), stride=(64, 64))
    found = scores(network(**slide, added='probabilities'))
    whole = scores(network(mode='whole'))
    torch.testing.assert_close(found, whole.log_softmax(1), atol=1e-4, rtol=0)


def test_windows_of_published_codes():
    cut = list(windows((1024, 2048), (801, 801), (534, 534), 'cut'))
    assert len(cut) == 8 and cut[-1] == (slice(534, 1024), slice(1602, 2048))
    inside = list(windows((1024, 2048), (798, 798), (532, 532), 'shift'))
    assert len(inside) == 8
    assert inside[-1] == (slice(226, 1024), slice(1250, 2048))


def test_sides_become_the_nearest_multiple():
    model = network(mode='whole', multiple_of=14)
    seen = []
    plain = model.encode_decode
    model.encode_decode = lambda x, metas: (
        seen.append(tuple(x.shape[2:])) or plain(x, metas)
    )
    assert scores(model, (40, 35)).shape == (2, 4, 40, 35)
    assert scores(model, (28, 42)).shape == (2, 4, 28, 42)
    assert seen == [(42, 42), (28, 42)]


@pytest.mark.parametrize(
    'cfg, words',
    [
        (dict(SLIDE, added='votes'), "logits, probabilities, got 'votes'"),
        (dict(SLIDE, border='pad'), "shift, cut, got 'pad'"),
        (dict(mode='whole', multiple_of=0), 'positive, got 0'),
        (
            dict(mode='whole', added='probabilities'),
            "added='probabilities' changes nothing with mode='whole': set "
            "mode='slide', or added='logits'",
        ),
        (
            dict(mode='whole', border='cut'),
            "border='cut' changes nothing with mode='whole': set "
            "mode='slide', or border='shift'",
        ),
        (
            dict(SLIDE, multiple_of=14),
            "multiple_of=14 changes nothing with mode='slide': set "
            "mode='whole', or multiple_of=1",
        ),
    ],
)
def test_unknown_ways_are_said(cfg, words):
    with pytest.raises(ValueError, match=words):
        network(**cfg)


def test_ways_of_mmseg_may_be_written_down():
    whole = network(mode='whole', added='logits', border='shift')
    torch.testing.assert_close(scores(whole), scores(network(mode='whole')))
    slide = network(**SLIDE, multiple_of=1)
    torch.testing.assert_close(scores(slide), scores(network(**SLIDE)))


def test_probabilities_of_one_channel_are_averaged():
    """A softmax of one channel would be one everywhere."""
    cfg = ConfigDict(
        tiny_student(2),
        type='FlexibleEncoderDecoder',
        test_cfg=dict(SLIDE, added='probabilities'),
    )
    cfg.decode_head.update(out_channels=1, threshold=0.3)
    cfg.decode_head.loss_decode.use_sigmoid = True
    model = MODELS.build(cfg).eval()
    torch.nn.init.normal_(model.decode_head.conv_seg.weight, std=9.0)
    found = scores(model, (32, 32))
    logits = scores_of_whole(model)
    torch.testing.assert_close(found.sigmoid(), logits.sigmoid())
    assert found.std() > 0


def scores_of_whole(model):
    """Logits of an image that is one window."""
    torch.manual_seed(1)
    images = torch.randn(2, 3, 32, 32)
    metas = [dict(img_shape=(32, 32)) for _ in images]
    with torch.no_grad():
        return model.encode_decode(images, metas)
