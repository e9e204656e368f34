"""Rounds, and runs that die anywhere and resume."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmsemi.engine import checkpoint_files
from mmsemi.engine.runner import build_runner
from mmsemi.io import space
from mmsemi.pseudo_labels.store import PseudoLabelStore
from mmsemi.utils.errors import UsageError
from tests.tiny import Killed, make_tiny_set, record, tiny_config, train


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('set'))


@pytest.fixture(scope='module')
def whole(root, tmp_path_factory):
    """A run nothing interrupts, to compare with."""
    cfg = tiny_config(root, tmp_path_factory.mktemp('whole'))
    return cfg, train(cfg)


def labels_of(cfg, round_index):
    folder = Path(cfg.work_dir) / f'pseudo_labels/round_{round_index}/labels'
    return {p.name: p.read_bytes() for p in sorted(folder.glob('*.png'))}


def assert_same_run(cfg, runner, whole):
    """Same batches and rates, same labels, same weights to the bit."""
    expected, reference = whole
    assert record(cfg) == record(expected)
    for k in (1, 2):
        assert labels_of(cfg, k) == labels_of(expected, k) != {}
    for (name, a), b in zip(
        runner.model.state_dict().items(),
        reference.model.state_dict().values(),
    ):
        assert torch.equal(a, b), name


def test_rounds(whole):
    cfg, runner = whole
    lines = [line.split() for line in record(cfg).values()]
    assert [int(line[1]) for line in lines] == [0] * 4 + [1] * 4 + [2] * 4
    # The rate starts again in every round: lr (1 - i/T)^0.9.
    expected = [0.1 * (1 - i / 4) ** 0.9 for i in range(4)] * 3
    assert [float(line[2]) for line in lines] == pytest.approx(
        expected, abs=1e-6
    )
    labeled = set(
        Path(cfg.train_dataloader.dataset.ann_file).read_text().split()
    )
    for line in lines[:4]:
        assert set(line[3:]) <= labeled and len(line[3:]) == 4
    for line in lines[4:]:
        assert sum(stem in labeled for stem in line[3:]) == 2
    store = PseudoLabelStore(Path(cfg.work_dir) / 'pseudo_labels')
    for k, portion in ((1, 0.5), (2, 1.0)):
        manifest = store.manifest(k)
        assert store.problem(k) is None
        assert manifest['portion'] == portion
        assert manifest['images'] == 9 == len(labels_of(cfg, k))
        assert portion <= manifest['kept'] <= portion + 0.1
        assert 0 <= manifest['accuracy'] <= 1
    assert runner.message_hub.get_info('mmsemi/finished_round') == 2


@pytest.mark.parametrize('iteration', [2, 4, 6, 8, 11])
def test_killed_in_training(root, whole, tmp_path, iteration):
    cfg = tiny_config(root, tmp_path)
    with pytest.raises(Killed):
        train(
            tiny_config(
                root,
                tmp_path,
                custom_hooks=cfg.custom_hooks
                + [dict(type='KillHook', iteration=iteration)],
            )
        )
    assert_same_run(cfg, train(cfg, resume=True), whole)


@pytest.mark.parametrize('method', ['begin', 'commit', 'write_png'])
def test_killed_while_labeling(root, whole, tmp_path, monkeypatch, method):
    """Before a file, between files, and before the rename of round 2."""
    from mmsemi.self_training import label_files

    calls = []

    def dying(original, after):

        def wrapped(*args, **kwargs):
            calls.append(1)
            if len(calls) > after:
                raise Killed
            return original(*args, **kwargs)

        return wrapped

    cfg = tiny_config(root, tmp_path)
    with monkeypatch.context() as patch:
        if method == 'write_png':
            # 9 predictions, confidences and labels in round 1.
            patch.setattr(
                label_files, 'write_png', dying(label_files.write_png, 27 + 12)
            )
        else:
            patch.setattr(
                PseudoLabelStore,
                method,
                dying(getattr(PseudoLabelStore, method), 1),
            )
        with pytest.raises(Killed):
            train(cfg)
    assert not labels_of(cfg, 2) and labels_of(cfg, 1)
    assert_same_run(cfg, train(cfg, resume=True), whole)


def test_killed_while_saving(root, whole, tmp_path, monkeypatch):
    """A half-written checkpoint is never the one that resumes."""
    cfg = tiny_config(root, tmp_path)
    save, calls = torch.save, []

    def dying(obj, file, *args, **kwargs):
        if 'optimizer' in obj:
            calls.append(1)
            if len(calls) == 7:
                Path(cfg.work_dir, 'iter_7.pth.partial').write_bytes(b'half')
                raise Killed
        return save(obj, file, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(torch, 'save', dying)
        with pytest.raises(Killed):
            train(cfg)
    assert not Path(cfg.work_dir, 'iter_7.pth').exists()
    assert_same_run(cfg, train(cfg, resume=True), whole)


@pytest.mark.parametrize('damage', ['truncate', 'delete', 'manifest'])
def test_damaged_labels_are_made_again(root, whole, tmp_path, damage):
    """In mid-round, with the weights the round began with."""
    cfg = tiny_config(root, tmp_path)
    with pytest.raises(Killed):
        train(
            tiny_config(
                root,
                tmp_path,
                custom_hooks=cfg.custom_hooks
                + [dict(type='KillHook', iteration=10)],
            )
        )
    folder = Path(cfg.work_dir) / 'pseudo_labels/round_2'
    victim = sorted((folder / 'labels').glob('*.png'))[3]
    if damage == 'truncate':
        victim.write_bytes(victim.read_bytes()[:-5])
    elif damage == 'delete':
        victim.unlink()
    else:
        (folder / 'manifest.json').write_text('{"portion": ')
    assert_same_run(cfg, train(cfg, resume=True), whole)


def test_labels_of_other_weights_are_not_used(root, whole, tmp_path):
    """Stale rounds in the work dir of a fresh run."""
    expected, _ = whole
    shutil.copytree(
        Path(expected.work_dir) / 'pseudo_labels', tmp_path / 'pseudo_labels'
    )
    cfg = tiny_config(root, tmp_path, randomness=dict(seed=4))
    train(cfg)
    assert labels_of(cfg, 1) != labels_of(expected, 1)


def test_start_from_best_and_scale(root, tmp_path):
    """Rounds start from the best model, at their own learning rate."""
    cfg = tiny_config(
        root,
        tmp_path,
        train_cfg=dict(start_from='best', lr_scale=[0.5, 0.25]),
        default_hooks=dict(checkpoint=dict(save_best='mIoU')),
    )
    runner = train(cfg)
    rates = [float(line.split()[2]) for line in record(cfg).values()]
    assert rates[::4] == pytest.approx([0.1, 0.05, 0.025])
    best = sorted(Path(cfg.work_dir).glob('best_*.pth'))
    assert [str(best[-1])] == [runner.message_hub.get_info('best_ckpt')]
    assert len(best) == 1
    path = Path(cfg.work_dir) / 'pseudo_labels/labeling_model_2.pth'
    labeler = torch.load(path)['state_dict']
    score = runner.message_hub.get_info('best_score')
    if int(best[0].stem.split('_')[-1]) <= 8:
        stored = torch.load(best[0], weights_only=False)['state_dict']
        assert all(torch.equal(v, stored[k]) for k, v in labeler.items())
    assert 0 < score <= 100


def test_best_never_missing_after_a_kill(root, tmp_path):
    cfg = tiny_config(
        root,
        tmp_path,
        train_cfg=dict(start_from='best'),
        default_hooks=dict(checkpoint=dict(save_best='mIoU', interval=3)),
    )
    with pytest.raises(Killed):
        train(
            tiny_config(
                root,
                tmp_path,
                train_cfg=cfg.train_cfg,
                default_hooks=cfg.default_hooks,
                custom_hooks=cfg.custom_hooks
                + [dict(type='KillHook', iteration=7)],
            )
        )
    runner = train(cfg, resume=True)
    assert Path(runner.message_hub.get_info('best_ckpt')).is_file()


def test_baseline_from_checkpoint(root, whole, tmp_path):
    """supervised_iters=0 starts from load_from and measures it first."""
    expected, _ = whole
    baseline = sorted(Path(expected.work_dir).glob('iter_*.pth'))[-1]
    cfg = tiny_config(
        root,
        tmp_path,
        load_from=str(baseline),
        train_cfg=dict(supervised_iters=0, portions=(1.0,)),
    )
    runner = train(cfg)
    assert runner.iter == 4
    assert [int(k) for k in record(cfg)] == [0, 1, 2, 3]
    cfg.load_from = None
    cfg.work_dir = str(tmp_path / 'other')
    with pytest.raises(ValueError, match='load_from'):
        train(cfg)


def test_foreign_baseline_is_refused(root, whole, tmp_path):
    """mmengine would train on with an untrained head."""
    expected, _ = whole
    path = sorted(Path(expected.work_dir).glob('iter_*.pth'))[-1]
    content = torch.load(path, weights_only=False)
    name = 'student.decode_head.conv_seg.weight'
    content['state_dict'][name] = content['state_dict'][name][:2]
    torch.save(content, tmp_path / 'other.pth')
    cfg = tiny_config(
        root,
        tmp_path,
        load_from=str(tmp_path / 'other.pth'),
        train_cfg=dict(supervised_iters=0),
    )
    with pytest.raises(UsageError, match='conv_seg.weight'):
        train(cfg)


def test_other_settings_label_again(root, tmp_path):
    cfg = tiny_config(root, tmp_path)
    with pytest.raises(Killed):
        train(
            tiny_config(
                root,
                tmp_path,
                custom_hooks=cfg.custom_hooks
                + [dict(type='KillHook', iteration=6)],
            )
        )
    before = labels_of(cfg, 1)
    cfg.custom_hooks[1].flip = True
    train(cfg, resume=True)
    assert labels_of(cfg, 1) != before


def test_epochs(root, tmp_path):
    """Nine unlabeled images, two a batch: an epoch has five iterations."""
    cfg = tiny_config(
        root,
        tmp_path,
        train_cfg=dict(
            iters_per_round=None, epochs_per_round=(1, 2), supervised_iters=1
        ),
    )
    assert train(cfg).iter == 1 + 5 + 10


@pytest.mark.parametrize(
    'changes, message',
    [
        (
            dict(train_cfg=dict(portions=(0.5, 1.5))),
            r'portions must lie in \(0, 1\]',
        ),
        (dict(train_cfg=dict(iters_per_round=(4,))), '1 entries for 2 rounds'),
        (
            dict(train_cfg=dict(start_from='first')),
            "'last', 'best' or 'scratch'",
        ),
        (
            dict(train_cfg=dict(lr_scale=(1.0, 0.0))),
            'lr_scale must be positive',
        ),
        (
            dict(
                train_cfg=dict(iters_per_round=None, epochs_per_round=1),
                semi_dataloader=dict(
                    sampler=dict(_delete_=True, type='InfiniteSampler')
                ),
            ),
            'how InfiniteSampler',
        ),
        (dict(semi_dataloader=dict(batch_size=3)), 'draws'),
        (dict(custom_hooks=[dict(type='RecordHook')]), 'PseudoLabelHook'),
    ],
)
def test_wrong_settings(root, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        train(tiny_config(root, tmp_path, **changes))


def test_no_room_for_compact_logits_is_said_before_round_0(
    root, tmp_path, monkeypatch
):
    # Enough for nine labels, not for logits of 3 x 16 x 24 in 2 bytes each.
    usage = shutil.disk_usage(tmp_path)._replace(free=2000)
    cfg = tiny_config(root, tmp_path)
    cfg.custom_hooks[1].update(
        compact_logits=True,
        labeler=dict(type='ClassBalancedPseudoLabeler', rule='scaled'),
    )
    monkeypatch.setattr(space.shutil, 'disk_usage', lambda _: usage)
    # Checkpoints would need more.
    monkeypatch.setattr(checkpoint_files, 'check_space', lambda *_: None)
    runner = build_runner(cfg)
    with pytest.raises(UsageError, match='compact logits'):
        runner.train()
    assert runner.iter == 0
    assert runner.model.training


def test_soft_labels_that_nobody_learns_stop_at_the_start(root, tmp_path):
    cfg = tiny_config(root, tmp_path)
    cfg.custom_hooks[1].update(labeler=dict(type='LRENTPseudoLabeler'))
    runner = build_runner(cfg)
    with pytest.raises(UsageError, match='cannot learn the soft labels'):
        runner.train()
    assert runner.iter == 0


def test_scaled_rule_with_compact_logits(root, tmp_path):
    """One network pass gives nearly the labels of two."""
    folders = []
    for compact in (False, True):
        cfg = tiny_config(root, tmp_path / str(compact))
        cfg.custom_hooks[1].update(
            compact_logits=compact,
            keep_confidence=True,
            labeler=dict(type='ClassBalancedPseudoLabeler', rule='scaled'),
        )
        cfg.train_cfg.portions, cfg.train_cfg.iters_per_round = (0.6,), 1
        train(cfg)
        folders.append(Path(cfg.work_dir) / 'pseudo_labels/round_1')
        assert not list(folders[-1].glob('logits*'))
    pairs = [
        [
            cv2.imread(str(f / 'labels' / p.name), cv2.IMREAD_UNCHANGED)
            for f in folders
        ]
        for p in sorted((folders[0] / 'labels').glob('*.png'))
    ]
    assert len(pairs) == 9
    equal = np.mean([(a == b).mean() for a, b in pairs])
    assert equal > 0.99
    for folder in folders:
        code = cv2.imread(
            str(next((folder / 'confidence').glob('*.png'))),
            cv2.IMREAD_UNCHANGED,
        )
        assert code.dtype == np.uint16 and code.max() > 0
