"""Unlabeled images of different sizes, several in a batch."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.runner import Runner
from mmseg.structures import SegDataSample

from mmsemi.models.pseudo_labelers import ClassBalancedPseudoLabeler
from mmsemi.pseudo_labels.store import PseudoLabelStore, read_png
from mmsemi.registry import MODELS
from mmsemi.self_training.batch_predictor import BatchPredictor
from mmsemi.self_training.labeling import LabelingPass
from tests.tiny import CLASSES, make_tiny_set, tiny_config, train

SIZES = [(32, 48), (40, 40), (36, 64)]
OUTCOME = dict(
    picture=dict(type='RoundPictureHook', num_images=2),
    summary=dict(type='RunSummaryHook'),
)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = make_tiny_set(tmp_path_factory.mktemp('set'))
    for k, stem in enumerate((root / 'unlabeled.txt').read_text().split()):
        for folder in ('images', 'masks'):
            path = str(root / folder / f'{stem}.png')
            picture = cv2.imread(path, cv2.IMREAD_UNCHANGED)
            size = SIZES[k % 3][::-1]
            picture = cv2.resize(picture, size, interpolation=0)
            cv2.imwrite(path, picture)
    return root


def test_views_have_sizes_that_the_network_takes(root, tmp_path) -> None:
    """A U-Net joins maps that it halved; 48 * 1.25 is no multiple of 16."""
    model = MODELS.build(tiny_config(root, tmp_path).model).eval()
    predict = BatchPredictor(model, scales=(1.0, 1.25, 0.1))
    seen = []

    def inference(images, metas):
        seen.append(tuple(images.shape[2:]))
        return torch.zeros(len(images), 2, *images.shape[2:])

    predict.segmentor.inference = inference
    inner = model.data_preprocessor.data_preprocessor
    batch = dict(
        inputs=[torch.zeros(3, 32, 48)], data_samples=[SegDataSample()]
    )
    for divisor, sizes in (
        (None, [(32, 48), (40, 60), (3, 5)]),
        (16, [(32, 48), (32, 64), (16, 16)]),
    ):
        seen.clear()
        inner.test_cfg = divisor and dict(size_divisor=divisor)
        assert predict(batch).probabilities.shape == (1, 2, 32, 48)
        assert seen == sizes


def sizes_of(folder):
    return {p.stem: read_png(p).shape for p in folder.glob('*.png')}


def images_of(root):
    stems = (root / 'unlabeled.txt').read_text().split()
    return {stem: SIZES[k % 3] for k, stem in enumerate(stems)}


def label(root, out, batch_size, rule, **kwargs):
    cfg = tiny_config(root, out)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    model.init_weights()
    with torch.no_grad():
        model.student.decode_head.conv_seg.weight.mul_(40)
    cfg.label_dataloader.batch_size = batch_size
    cfg.label_dataloader.sampler.batch_size = batch_size
    loader = Runner.build_dataloader(cfg.label_dataloader, seed=0)
    store = PseudoLabelStore(out)
    manifest = LabelingPass(
        BatchPredictor(model),
        loader,
        ClassBalancedPseudoLabeler(len(CLASSES), rule),
        store,
        keep_confidence=True,
        **kwargs,
    ).run(1, 0.5)
    assert store.problem(1) is None
    return manifest, store.folder(1)


@pytest.mark.parametrize(
    'rule, compact', [('argmax', False), ('scaled', False), ('scaled', True)]
)
def test_labels_do_not_depend_on_the_batch(root, tmp_path, rule, compact):
    kwargs = dict(compact_logits=compact)
    one, a = label(root, tmp_path / 'one', 1, rule, **kwargs)
    four, b = label(root, tmp_path / 'four', 4, rule, **kwargs)
    assert one['images'] == four['images'] == 9
    for kind in ('labels', 'confidence'):
        assert sizes_of(a / kind) == sizes_of(b / kind) == images_of(root)
    differing = [
        (read_png(p) != read_png(b / 'labels' / p.name)).mean()
        for p in (a / 'labels').glob('*.png')
    ]
    # Convolutions of one and of several images round differently.
    assert np.mean(differing) < 1e-3


def test_a_whole_run(root, tmp_path):
    cfg = tiny_config(root, tmp_path, default_hooks=OUTCOME)
    part = cfg.semi_dataloader.dataset.unlabeled.dataset
    part.pipeline.insert(2, dict(type='RandomCrop', crop_size=(24, 32)))
    cfg.label_dataloader.batch_size = 4
    cfg.label_dataloader.sampler.batch_size = 4
    train(cfg)
    for k in (1, 2):
        folder = Path(cfg.work_dir) / f'pseudo_labels/round_{k}/labels'
        assert sizes_of(folder) == images_of(root)
    assert (tmp_path / 'pictures/before_after.png').is_file()
