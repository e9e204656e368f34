"""Images of which a part is labeled: truth there, pseudo-labels elsewhere."""

import copy

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData

from mmsemi.datasets import UnlabeledDataset
from mmsemi.datasets.mask_watch import MaskWatch
from mmsemi.doctor.data import check_data
from mmsemi.engine.build import resolve
from mmsemi.engine.runner import build_runner
from mmsemi.models.segmentors import Batch
from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import resize_labels
from tests.conftest import ROOT
from tests.models.segmentors.peers import unimatch
from tests.models.segmentors.test_mean_teacher import build, data_of
from tests.models.segmentors.test_u2pl import build as u2pl
from tests.models.tiny import tiny_student
from tests.tiny import make_tiny_set

TWO = dict(sup=2, unsup_teacher=2, unsup_student=2, unsup_student_2=2)


def some_known(data, share=0.1, views=('unsup_teacher',)):
    """Say of a tenth of the pixels of the first image what they are."""
    generator = torch.Generator().manual_seed(1)
    known = torch.randint(0, 4, (1, 32, 32), generator=generator)
    known[torch.rand((1, 32, 32), generator=generator) > share] = 255
    for view in views:
        sample = data['data_samples'][view][0]
        sample.set_field(PixelData(data=known.byte()), 'gt_known')
    return known[0]


def learned(model, data):
    model.recording = True
    model(**model.data_preprocessor(data, True), mode='loss')
    return [record.targets for record in model.records['learned']]


@pytest.mark.parametrize('threshold', [0.0, 1.0])
@pytest.mark.parametrize(
    'loss', ['PseudoLabelCrossEntropyLoss', 'SoftmaxMSELoss']
)
def test_known_pixels_keep_their_label(threshold, loss) -> None:
    model, data = build(loss=loss, threshold=threshold), data_of(padded=0)
    known = some_known(data)
    sure = known != 255
    assert 0.05 < sure.float().mean() < 0.15
    (targets,) = learned(model, data)
    assert torch.equal(targets.labels[0][sure], known[sure])
    assert (targets.weights[0][sure] == 1).all()
    assert (targets.confidence[0][sure] == 1).all()
    if targets.soft is not None:
        exact = targets.soft[0][:, sure]
        assert torch.equal(exact.argmax(0), known[sure])
        assert torch.equal(exact.sum(0), torch.ones(int(sure.sum())))
    # All else is what it would be without.
    (others,) = learned(
        build(loss=loss, threshold=threshold), data_of(padded=0)
    )
    for name in ('labels', 'weights', 'confidence'):
        mine, theirs = getattr(targets, name), getattr(others, name)
        assert torch.equal(mine[0][~sure], theirs[0][~sure])
        assert torch.equal(mine[1], theirs[1])
    assert (targets.weights[0][~sure] > 0).all() == (threshold == 0)


def test_what_is_known_is_left_behind_when_the_config_says_so() -> None:
    model, data = (
        build(threshold=0.0, semi_train_cfg=dict(known_iters=5)),
        data_of(padded=0),
    )
    known = some_known(data)
    plain = build(threshold=0.0)
    found = []
    for iteration in (4, 5):
        model.set_progress(iteration, 10)
        found += learned(model, data)
    sure = known != 255
    assert torch.equal(found[0].labels[0][sure], known[sure])
    (without,) = learned(plain, data_of(padded=0))
    assert torch.equal(found[1].labels, without.labels)
    assert not torch.equal(found[1].labels[0][sure], known[sure])


def test_unknown_pixels_have_a_gradient_towards_the_teacher() -> None:
    """With 90 % unknown the student learns both, pixel by pixel."""
    model, data = build(threshold=0.0), data_of(padded=0)
    known = some_known(data)
    (targets,) = learned(model, data)
    logits = torch.randn(2, 4, 32, 32, requires_grad=True)
    model.unsup(logits, targets)['loss_unsup'].backward()
    grown = -logits.grad  # which class a step makes more likely
    assert torch.equal(grown.argmax(1), targets.labels)
    assert (grown.abs().amax(1) > 0).all()
    sure = known != 255
    assert torch.equal(grown.argmax(1)[0][sure], known[sure])


def test_every_view_of_unimatch_knows() -> None:
    model, data = unimatch(), data_of(TWO, padded=0)
    known = some_known(data)
    sure = known != 255
    labeled = []
    model.recording = True
    model(**model.data_preprocessor(data, True), mode='loss')
    labeled = [r.targets for r in model.records['labeled']]
    assert len(labeled) == 2
    for targets in labeled:
        assert torch.equal(targets.labels[0][sure], known[sure])


@pytest.mark.parametrize('share', [0.3, 1.0])
def test_known_pixels_are_certain_for_u2pl(share, monkeypatch) -> None:
    """They are neither dropped by entropy nor negatives of their class."""
    model, data = u2pl(mixing=None), data_of(padded=0)
    sure = some_known(data, share) != 255
    seen = {}
    monkeypatch.setattr(
        model.contrast,
        'forward',
        lambda own, other, probabilities, labels, low, high, number: (
            seen.update(low=low[number:], high=high[number:]) or own.sum()
        ),
    )
    (targets,) = learned(model, data)
    assert (targets.weights[0][sure] == 1).all()
    assert (targets.labels[0] != 255).float().mean() < 1 or share == 1
    near = resize_labels(sure[None].long(), seen['low'].shape[-2:])[0].bool()
    assert seen['low'][0][near].all()
    assert not seen['high'][0][near].any()
    (plain,) = learned(u2pl(mixing=None), data_of(padded=0))
    dropped = (plain.labels[0] == 255)[sure]
    assert dropped.any()


def test_truth_of_known_pixels_is_no_success_of_pseudo_labels() -> None:
    labels = torch.zeros(1, 2, 2, dtype=torch.long)
    known = torch.tensor([[[255, 3], [255, 255]]])
    targets = Targets(labels, truth=labels).with_known(known)
    assert targets.truth.tolist() == [[[0, 255], [0, 0]]]
    assert targets.labels.tolist() == [[[0, 3], [0, 0]]]
    assert Targets(labels).with_known(None).labels is labels


def test_what_is_annotated_is_padded_with_the_image() -> None:
    data = data_of(padded=0)
    known = some_known(data)
    sample = data['data_samples']['unsup_teacher'][0]
    sample.gt_known = PixelData(data=known[None, :20, :30].byte())
    model = build()
    done = model.data_preprocessor(data, True)
    batch = Batch.of(done['inputs'], done['data_samples'])
    assert torch.equal(batch.annotated[0, :20, :30], known[:20, :30])
    assert (batch.annotated[0, 20:] == 255).all()
    assert (batch.annotated[1] == 255).all()
    done = model.data_preprocessor(data_of(), True)
    batch = Batch.of(done['inputs'], done['data_samples'])
    assert batch.annotated is None


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """The tiny set; of two labeled images nine tenths are unknown."""
    import cv2

    root = make_tiny_set(tmp_path_factory.mktemp('partly') / 'set')
    for stem in ('00', '01'):
        path = str(root / f'masks/{stem}.png')
        mask = cv2.imread(path, cv2.IMREAD_UNCHANGED)
        mask[:, 5:] = 255
        cv2.imwrite(path, mask)
    (root / 'partly.txt').write_text('00\n01\n')
    lines = (root / 'unlabeled.txt').read_text()
    (root / 'both.txt').write_text(lines + '00\n01\n')
    return root


def own_config(root, tmp_path, **changes) -> Config:
    cfg = Config.fromfile(ROOT / 'tests/own_images.py')
    text = cfg.pretty_text.replace('data/my_data', str(root))
    (tmp_path / 'mine.py').write_text(text)
    cfg = Config.fromfile(tmp_path / 'mine.py')
    cfg.work_dir = str(tmp_path / 'work')
    cfg.merge_from_dict(
        {
            'data.labeled.img_suffix': '.png',
            'data.crop_size': (40, 32),
            'data.num_workers': 0,
            'data.batch': dict(labeled=2, unlabeled=3),
            'data.splits.mine.lists': (
                str(root / 'labeled.txt'),
                str(root / 'both.txt'),
            ),
            'data.partly_labeled': str(root / 'partly.txt'),
            'train_cfg.max_iters': 3,
            'train_cfg.val_interval': 3,
            **changes,
        }
    )
    return cfg


def test_masks_of_partly_labeled_images_alone_are_opened(
    root, tmp_path
) -> None:
    cfg = resolve(own_config(root, tmp_path))
    check_data(cfg)
    lines = (root / 'unlabeled.txt').read_text().split()
    groups = dict(
        unlabeled=[f'{root}/masks/{stem}.png' for stem in lines],
        partly=[f'{root}/masks/{stem}.png' for stem in ('00', '01')],
    )
    with MaskWatch({k: lambda v=v: v for k, v in groups.items()}) as watch:
        runner = build_runner(copy.deepcopy(cfg))
        dataset = runner.train_loop.dataloader.dataset.unlabeled
        items = [dataset[k] for k in range(len(dataset))]
        assert watch.opened('unlabeled') == 0 and watch.opened('partly') == 2
        runner.train()
        assert runner.iter == 3
        assert watch.opened('unlabeled') == 0
    views = ('unsup_teacher', 'unsup_student')
    for item, stem in zip(items, dataset.stems()):
        for view in views:
            sample = item['data_samples'][view]
            assert ('gt_known' in sample) == (stem in ('00', '01'))
            if 'gt_known' in sample:
                found = sample.gt_known.data
                assert found.shape == sample.gt_sem_seg.data.shape
                assert set(np.unique(found)) <= {0, 1, 2, 255}


def test_lists_that_do_not_fit_are_said(root, tmp_path) -> None:
    unlabeled = str(root / 'unlabeled.txt')
    cfg = resolve(
        own_config(
            root,
            tmp_path,
            **{
                'data.splits.mine.lists': (
                    str(root / 'labeled.txt'),
                    unlabeled,
                )
            },
        )
    )
    config = cfg.train_dataloader.dataset.unlabeled.to_dict()
    config.pop('type')
    with pytest.raises(UsageError, match='partly.txt: 00.* is not among'):
        UnlabeledDataset(**config)
    # Without the list an image may not be labeled and unlabeled.
    cfg = resolve(own_config(root, tmp_path, **{'data.partly_labeled': None}))
    with pytest.raises(UsageError, match='is in both the labeled'):
        check_data(cfg)
    with pytest.raises(UsageError, match='rounds label whole images'):
        changes = {'regime': 'rounds', 'data.batch.alone': 4}
        resolve(own_config(root, tmp_path, **changes))


def test_labeled_pixels_count_alike_whatever_is_unknown(
    root, tmp_path
) -> None:
    student = tiny_student(num_classes=3, auxiliary=True)
    changes = dict(model=dict(student=dict(_delete_=True, **student)))
    cfg = resolve(own_config(root, tmp_path, **changes))
    student = cfg.model.student
    for head in (student.decode_head, student.auxiliary_head):
        assert head.loss_decode.avg_non_ignore is True
    loss = MODELS.build(student.decode_head.loss_decode)
    logits = torch.randn(1, 3, 8, 8, requires_grad=True)
    labels = torch.full((1, 8, 8), 255)
    labels[:, 0] = 1
    loss(logits, labels, ignore_index=255).backward()
    alone = torch.zeros_like(logits.grad[:, :, :1]).requires_grad_()
    part = logits.detach()[:, :, :1].clone().requires_grad_()
    loss(part, labels[:, :1], ignore_index=255).backward()
    assert alone.shape == part.shape
    assert torch.allclose(logits.grad[:, :, :1], part.grad, atol=1e-6)
