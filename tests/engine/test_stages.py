"""Stages that start from scratch, and images chosen by stability (ST++)."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from mmsemi.pseudo_labels.store import PseudoLabelStore, read_png
from mmsemi.registry import MODELS
from mmsemi.self_training import label_files
from mmsemi.self_training.stability import agreement
from mmsemi.utils.errors import UsageError
from tests.engine.test_self_training_loop import assert_same_run
from tests.tiny import Killed, make_tiny_set, record, tiny_config, train

LABELER = dict(type='FixedThresholdPseudoLabeler', threshold=0.0)
HOOK = dict(type='ReliableFirstHook', labeler=LABELER, flip=True)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('set'))


def stages(root, work_dir, hook=HOOK, portions=(1.0, 1.0), **changes):
    """Round 0 of three iterations, then fresh networks for two each."""
    cfg = tiny_config(root, work_dir, **changes)
    cfg.train_cfg = dict(
        type='SelfTrainingLoop',
        start_from='scratch',
        portions=portions,
        supervised_iters=3,
        iters_per_round=2,
    )
    cfg.custom_hooks[1] = hook
    return cfg


@pytest.fixture(scope='module')
def whole(root, tmp_path_factory):
    cfg = stages(root, tmp_path_factory.mktemp('whole'))
    cfg.default_hooks.checkpoint.max_keep_ckpts = -1
    return cfg, train(cfg)


def state_of(cfg, name):
    return torch.load(Path(cfg.work_dir) / name, weights_only=False)[
        'state_dict'
    ]


def network(cfg, state):
    model = MODELS.build(cfg.model)
    model.load_state_dict(state)
    return model.eval()


def prediction(model, stem, root, mirror=False):
    """Classes of a whole image, as mmseg's own inference has them."""
    image = torch.from_numpy(read_png(root / f'images/{stem}.png'))
    data = dict(inputs=[image.permute(2, 0, 1)], data_samples=None)
    images = model.data_preprocessor(data, False)['inputs']
    metas = [dict(img_shape=images.shape[-2:])]
    with torch.no_grad():
        found = model.student.encode_decode(images, metas).softmax(1)
        if mirror:
            other = model.student.encode_decode(images.flip(3), metas)
            found = found + other.softmax(1).flip(3)
    return found.argmax(1)[0].numpy()


def mean_iou(first, second):
    classes = np.union1d(first, second)
    return np.mean(
        [
            ((first == c) & (second == c)).sum()
            / ((first == c) | (second == c)).sum()
            for c in classes
        ]
    )


def test_agreement_is_the_mean_iou_of_what_occurs():
    rng = np.random.default_rng(0)
    for high in (1, 2, 5):
        first, second = rng.integers(0, high, (2, 7, 9))
        found = agreement(torch.tensor(first), torch.tensor(second), 8)
        assert found.item() == pytest.approx(mean_iou(first, second))


def test_stable_images_come_first(root, whole):
    cfg, runner = whole
    folder = Path(cfg.work_dir) / 'pseudo_labels'
    figures = json.loads((folder / 'reliability.json').read_text())
    last = network(cfg, state_of(cfg, 'iter_3.pth'))
    # Two snapshots, of iterations 1 and 2.
    earlier = [
        network(cfg, state_of(cfg, f'pseudo_labels/snapshot_{k}.pth'))
        for k in (1, 2)
    ]
    for k, model in enumerate(earlier):
        other = state_of(cfg, f'iter_{k + 1}.pth')
        for name, value in model.state_dict().items():
            assert torch.equal(value, other[name])
    stems = (root / 'unlabeled.txt').read_text().split()
    for stem in stems:
        label = prediction(last, stem, root)
        assert figures['reliability'][stem] == pytest.approx(
            np.mean(
                [mean_iou(prediction(m, stem, root), label) for m in earlier]
            )
        )
    assert figures['order'] == sorted(
        range(9), key=lambda i: -figures['reliability'][stems[i]]
    )
    reliable = {stems[i] for i in figures['order'][:4]}
    lines = [line.split() for line in record(cfg).values()]
    seen = {
        k: {s for line in lines for s in line[3:] if line[1] == str(k)}
        for k in range(3)
    }
    assert seen[1] & set(stems) == reliable
    assert not reliable >= seen[2] & set(stems) != set()
    store = PseudoLabelStore(folder)
    assert [store.manifest(k)['images'] for k in (1, 2)] == [4, 9]
    better = network(cfg, state_of(cfg, 'iter_5.pth'))
    for stem in stems:
        label = read_png(store.folder(2) / f'labels/{stem}.png')
        maker = last if stem in reliable else better
        wanted = prediction(maker, stem, root, mirror=True)
        assert np.array_equal(label, wanted)


def test_every_stage_starts_from_scratch(root, whole):
    """With other weights than before, the same ones in every run."""
    cfg, _ = whole
    key = 'student.backbone.stem.0.weight'
    ends = [state_of(cfg, f'iter_{k}.pth')[key] for k in (3, 4, 5, 6)]
    # One step at a rate of 0.1 does not move a network that far.
    steps = [(a - b).abs().mean() for a, b in zip(ends, ends[1:])]
    assert steps[0] > 5 * steps[1] and steps[2] > 5 * steps[1]
    assert (ends[1] - ends[3]).abs().mean() > 5 * steps[1]


def killed(root, work_dir, iteration):
    """Config of a run that died before an iteration."""
    cfg = stages(root, work_dir)
    kill = dict(type='KillHook', iteration=iteration)
    with pytest.raises(Killed):
        train(stages(root, work_dir, custom_hooks=[*cfg.custom_hooks, kill]))
    return cfg


@pytest.mark.slow
def test_killed_between_snapshots(root, whole, tmp_path):
    cfg = killed(root, tmp_path / 'run', 2)
    shutil.copytree(tmp_path / 'run', tmp_path / 'other')
    assert_same_run(cfg, train(cfg, resume=True), whole)
    (tmp_path / 'other/pseudo_labels/snapshot_1.pth').unlink()
    with pytest.raises(UsageError, match='snapshot_1.*before iteration 1'):
        train(stages(root, tmp_path / 'other'), resume=True)


@pytest.mark.slow
def test_killed_while_labeling(root, whole, tmp_path, monkeypatch):
    """The labels of round 2 are half-written."""
    calls = []
    write = label_files.write_png

    def dying(*args):
        calls.append(1)
        if len(calls) > 20:
            raise Killed
        return write(*args)

    cfg = stages(root, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(label_files, 'write_png', dying)
        with pytest.raises(Killed):
            train(cfg)
    assert_same_run(cfg, train(cfg, resume=True), whole)


@pytest.mark.slow
def test_killed_in_training_and_damaged(root, whole, tmp_path):
    """In round 2, whose labels are made again from those of round 1."""
    cfg = killed(root, tmp_path, 6)
    next(tmp_path.glob('pseudo_labels/round_2/labels/*.png')).unlink()
    assert_same_run(cfg, train(cfg, resume=True), whole)


@pytest.mark.parametrize(
    'hook, portions, words',
    [
        (dict(HOOK, snapshots=1), (1.0, 1.0), 'at least 2'),
        (dict(HOOK, share=1.0), (1.0, 1.0), 'share must lie'),
        (dict(HOOK, share=0.1), (1.0, 1.0), 'of 9 unlabeled images is none'),
        (dict(HOOK, snapshots=4), (1.0, 1.0), 'at least 4 iterations'),
        (HOOK, (1.0,), 'needs two rounds'),
    ],
)
def test_what_does_not_fit_is_said_before(
    root, tmp_path, hook, portions, words
):
    with pytest.raises((UsageError, ValueError), match=words):
        train(stages(root, tmp_path, hook, portions))
    assert not list(tmp_path.glob('iter_*.pth'))
