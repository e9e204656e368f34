"""Masks for all images, as the masks came that a run learned from."""

import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmseg.apis import inference_model, init_model
from PIL import Image

import mmsemi
from mmsemi import apis
from mmsemi.apis import predict
from mmsemi.apis.bands import (
    Windows,
    resized_rows,
    rows_of_logits,
    windows_for,
)
from mmsemi.apis.config import load_config
from mmsemi.apis.inference import Predictor
from mmsemi.prepare.encoding import Encoding
from mmsemi.prepare.mask_labels import labels_of
from mmsemi.prepare.open_masks import open_masks
from mmsemi.utils.errors import UsageError
from mmsemi.utils.progress import Progress

from .tiny_run import (
    CLASSES,
    PALETTE,
    write_photos,
    write_run,
    write_segmentor,
)

NAMES = ('a.png', 'sub dir/Ünïcode €.jpg', 'sub dir/B.JPG')
ENCODINGS = {
    'ids': dict(space='gray', codes=[0, 1, 2], ignored=[255]),
    'steps': dict(space='gray', codes=[0, 127, 255]),
    'from one': dict(space='gray', codes=[1, 2, 3], ignored=[0]),
    'deep': dict(space='gray', codes=[0, 500, 40000], mode='I;16'),
    'colors': dict(space='color', codes=[0, 0xFF0000, 0x00FF80], mode='RGB'),
    'labelme': dict(space='label', codes=[0, 1, 2], source='labelme'),
    'coco': dict(space='label', codes=[0, 1, 2], source='coco'),
    'folders': dict(space='label', codes=[0, 1, 2], source='folders'),
}


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """A folder of images and a run."""
    folder = tmp_path_factory.mktemp('predict')
    write_photos(folder / 'images', NAMES)
    write_run(folder / 'run', folder / 'images')
    return folder


def ids_of(folder, path) -> np.ndarray:
    """Labels that mmseg predicts."""
    model = init_model(
        str(folder / 'segmentor.py'),
        str(folder / 'segmentor.pth'),
        device='cpu',
    )
    return inference_model(model, str(path)).pred_sem_seg.data[0].numpy()


def test_palette_png_of_mmsegs_labels_without_an_encoding(
    made, tmp_path
) -> None:
    done = predict(made / 'run', made / 'images', tmp_path, confidence=True)
    assert (done.images, done.exit_code) == (3, 0)
    seen = set()
    for name in NAMES:
        stem = os.path.splitext(name)[0]
        with Image.open(tmp_path / f'masks/{stem}.png') as mask:
            ids = np.array(mask)
            assert mask.getpalette()[:9] == sum(PALETTE, [])
        assert np.array_equal(
            ids, ids_of(made / 'run', made / 'images' / name)
        )
        seen |= set(ids.ravel().tolist())
        with Image.open(tmp_path / f'confidence/{stem}.png') as sure:
            assert sure.mode == 'L' and sure.size == mask.size
            assert 255 / 3 <= np.array(sure).min() < np.array(sure).max()
    assert seen == {0, 1, 2}
    assert len([p for p in tmp_path.rglob('*') if p.is_file()]) == 6


@pytest.mark.parametrize('name', ENCODINGS)
def test_masks_are_encoded_as_they_came(made, tmp_path, name) -> None:
    """Read back as somebody's masks, they are the labels."""
    classes = ['background', *CLASSES[1:]]
    encoding = Encoding(kind=name, classes=classes, **ENCODINGS[name])
    run = shutil.copytree(made / 'run', tmp_path / 'run')
    (run / 'data/encoding.json').write_text(json.dumps(encoding.as_data()))
    for wanted in ('original', 'ids'):
        out = tmp_path / wanted
        predict(run, made / 'images', out, encoding=wanted)
    pairs, source = open_masks(made / 'images', tmp_path / 'original/masks')
    found = source.labels
    for pair in pairs.pairs:
        codes = source.read(pair)
        if found:  # labels are numbered as they are met
            order = {label: code for code, label in found.items()}
            encoding.codes = [0, *(order.get(c, 99) for c in classes[1:])]
        labels, changed = labels_of(codes, encoding)
        ids = cv2.imdecode(
            np.fromfile(tmp_path / f'ids/masks/{pair.name}.png', np.uint8),
            cv2.IMREAD_UNCHANGED,
        )
        assert not changed and np.array_equal(labels, ids), pair.name
        if name == 'labelme':  # which opens the image from there
            file = Path(pair.masks[0][1])
            shown = file.parent / json.loads(file.read_text())['imagePath']
            assert shown.samefile(pair.image)
    assert len(pairs.labeled) == 3


def test_nothing_is_written_over(made, tmp_path) -> None:
    write_photos(tmp_path / 'images', ('x.png', 'x.jpg', 'x.jpg.png'))
    out = tmp_path / 'out'
    assert predict(made / 'run', tmp_path / 'images', out).images == 3
    names = {p.name for p in (out / 'masks').iterdir()}
    assert names == {'x.png.png', 'x.jpg.png', 'x.jpg.png.png'}
    (out / 'masks/x.png.png').write_text('corrected by hand')
    with pytest.raises(UsageError, match='masks holds files.*--overwrite'):
        predict(made / 'run', tmp_path / 'images', out)
    assert (out / 'masks/x.png.png').read_text() == 'corrected by hand'
    predict(made / 'run', tmp_path / 'images', out, overwrite=True)
    assert Image.open(out / 'masks/x.png.png').size == (56, 40)
    for place in (tmp_path / 'images', tmp_path / 'images/new'):
        with pytest.raises(UsageError, match='where your data are'):
            predict(made / 'run', tmp_path / 'images', place)


@pytest.mark.parametrize('suffix', ['', '_mask'])
def test_masks_among_the_images_are_none(tmp_path, suffix) -> None:
    images = tmp_path / 'images'
    write_photos(images, ['a.png', 'b.png', 'new/c.png'])
    masks = images if suffix else images / 'masks'
    write_photos(masks, [f'a{suffix}.png'])
    wish = dict(images=str(images), masks=str(masks), mask_suffix=suffix)
    run = write_run(tmp_path / 'run', images, wish=wish)
    done = predict(run, images, tmp_path / 'out')
    assert done.images == 3
    assert not list((tmp_path / 'out').rglob('*mask*/*mask*'))
    # Elsewhere nobody knows of masks.
    shutil.copytree(images, tmp_path / 'other')
    assert predict(run, tmp_path / 'other', tmp_path / 'out2').images == 4


def test_unreadable_images_do_not_stop_the_others(made, tmp_path) -> None:
    write_photos(tmp_path / 'images', ('a.png', 'b.png'))
    (tmp_path / 'images/b.png').write_bytes(b'broken')
    done = predict(made / 'run', tmp_path / 'images', tmp_path / 'out')
    assert (done.images, done.exit_code) == (1, 1)
    assert str(done).startswith('masks of 1 image, in ')
    assert '1 image has none: ' in str(done) and 'b.png' in str(done)


def test_functions_are_found_under_short_names() -> None:
    for name in ('export', 'fit', 'infer', 'label_next', 'predict'):
        assert getattr(mmsemi, name) is getattr(apis, name)


@pytest.mark.parametrize('size', [(1, 1), (3, 90), (31, 33)])
def test_small_images(made, tmp_path, size) -> None:
    write_photos(tmp_path / 'images', ['a.png'], size)
    predict(made / 'run', tmp_path / 'images', tmp_path / 'out')
    mask = np.array(Image.open(tmp_path / 'out/masks/a.png'))
    assert mask.shape == size


def test_parts_that_are_missing_are_named(made, tmp_path) -> None:
    images = made / 'images'

    def refused(run, match, **options):
        with pytest.raises(UsageError, match=match):
            predict(
                run, options.pop('images', images), tmp_path / 'o', **options
            )

    refused(tmp_path / 'none', 'none: no such run')
    empty = tmp_path / 'empty'
    empty.mkdir()
    refused(empty, 'no segmentor.pth and no checkpoint of a training')
    refused(made / 'run', 'no images with the suffixes', images=empty)
    refused(made / 'run', 'nothing: no such file or folder', images='nothing')
    (empty / 'fit.json').write_text('{}')
    refused(empty, 'has not finished.*--resume')
    run = shutil.copytree(made / 'run', tmp_path / 'run')
    refused(run, 'must be positive, got 0', max_pixels=0)
    (run / 'fit.json').write_text('{')
    refused(run, 'fit.json is damaged')
    (run / 'fit.json').unlink()
    (run / 'data/encoding.json').write_text('[]')
    refused(run, 'no encoding of masks')
    two = Encoding('binary', 'gray', ['a', 'b'], [0, 255])
    (run / 'data/encoding.json').write_text(json.dumps(two.as_data()))
    refused(run, 'masks have 2 classes, but segmentor.pth predicts 3')
    (run / 'segmentor.py').unlink()
    refused(run, 'segmentor.py is missing')
    refused(run / 'segmentor.pth', 'no segmentor.py beside it')
    assert not (tmp_path / 'o').exists()


def test_folder_of_a_training_and_a_pair_of_files(made, tmp_path) -> None:
    run = made / 'run'
    shutil.copy(run / 'segmentor.py', tmp_path / 'config.py')
    shutil.copy(run / 'segmentor.pth', tmp_path / 'iter_20.pth')
    for place in (tmp_path, run / 'segmentor.pth'):
        out = tmp_path / place.name
        assert predict(place, made / 'images/a.png', out).images == 1
        ids = np.array(Image.open(out / 'masks/a.png'))
        assert np.array_equal(ids, ids_of(run, made / 'images/a.png'))


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('size', [(37, 53), (90, 41), (20, 60), (5, 3)])
def test_bands_are_resized_as_torch_does_it(size, align_corners) -> None:
    logits = torch.randn(3, 37, 53)
    parts = (logits[:, top : top + 7] for top in range(0, 37, 7))
    got = torch.cat(
        list(resized_rows(parts, (37, 53), size, align_corners)), 1
    )
    want = torch.nn.functional.interpolate(
        logits[None], size, mode='bilinear', align_corners=align_corners
    )[0]
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('resize', [False, True])
def test_sliding_as_mmseg_does_it(tmp_path, resize) -> None:
    """Windows of the config, in bands, against mmseg on the whole image."""
    steps = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    if resize:
        steps.insert(1, dict(type='Resize', scale=(150, 110)))
    write_segmentor(
        tmp_path,
        pipeline=steps,
        test_cfg=dict(mode='slide', crop_size=(40, 48), stride=(24, 32)),
    )
    write_photos(tmp_path, ['a.png'], (130, 170))
    cfg = load_config(str(tmp_path / 'segmentor.py'))
    predictor = Predictor(cfg, tmp_path / 'segmentor.pth', max_pixels=1)
    ids, sure = predictor.predict(predictor.read(tmp_path / 'a.png'))
    want = ids_of(tmp_path, tmp_path / 'a.png')
    assert ids.shape == want.shape == (130, 170)
    assert (ids != want).mean() < 1e-3
    assert sure.min() > 0.3


def test_windows_are_progress_of_a_large_image(
    made, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.setattr('mmsemi.apis.inference.WINDOW', 32)
    monkeypatch.setattr(Progress, 'pause', 0)
    write_photos(tmp_path / 'images', ['a.png'], (104, 56))
    predict(made / 'run', tmp_path / 'images', tmp_path / 'out', max_pixels=99)
    lines = [x for x in capsys.readouterr().out.splitlines() if '%' in x]
    notes = [line.split(', ')[-1] for line in lines[:-1]]
    assert notes == [f'window {n} of 8' for n in range(1, 8)]
    assert lines[0].startswith('predicting:  12 % (0/1), ')
    assert lines[-1].startswith('predicting: 100 % (1/1), ')


def test_a_whole_image_in_windows_covers_every_pixel(made) -> None:
    """A network that sees single pixels gives the same in any windows."""
    image = torch.randint(0, 255, (3, 70, 90)).float()
    whole = torch.cat([image, image.sum(0, keepdim=True)])
    for windows in (
        Windows((32, 40), (20, 30)),
        Windows((70, 90), (70, 90)),
        Windows((64, 16), (64, 16)),
        Windows((200, 200), (150, 150)),
    ):
        parts = rows_of_logits(
            image, windows, lambda x: torch.cat([x, x.sum(0, keepdim=True)])
        )
        torch.testing.assert_close(torch.cat(list(parts), 1), whole)


def test_windows_of_wide_images_keep_bands_small() -> None:
    assert windows_for((2000, 3000), 19).size == (1024, 1024)
    rows, columns = windows_for((10_000, 10_000), 19).size
    assert 256 <= rows < 1024 == columns
    assert rows * 10_000 * 19 * 4 <= 1 << 28
    assert windows_for((100, 10**6), 150).size == (256, 1024)
