"""Rounds of CBST and CRST on a tiny set, killed and resumed."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mmsemi.utils.errors import UsageError
from tests.tiny import Killed, make_tiny_set, record, tiny_config, train


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('set'), labeled=8)


def adaptation_config(root, work_dir, labeler='CBSTPseudoLabeler', **changes):
    """Source subsets, crops around rare classes, passes of two images."""
    cfg = tiny_config(
        root,
        work_dir,
        train_cfg=dict(
            supervised_iters=3, iters_per_round=None, epochs_per_round=1
        ),
        semi_dataloader=dict(
            batch_size=3,
            sampler=dict(
                _delete_=True,
                type='SourceSubsetSampler',
                portions=(0.25, 0.5),
                policy='resample',
                subset_seed=3,
            ),
        ),
    )
    cfg.train_cfg.portions = dict(start=0.3, step=0.2, stop=0.5, rounds=2)
    cfg.model.objective = dict(
        type='ConfidenceRegularizedLoss', regularizer='kld'
    )
    cfg.custom_hooks[1].update(
        labeler=dict(type=labeler, ds_rate=2), rare_share=0.9
    )
    cfg.merge_from_dict(changes)
    return cfg


@pytest.mark.parametrize(
    'labeler', ['CBSTPseudoLabeler', 'LRENTPseudoLabeler']
)
def test_killed_run_ends_as_a_whole_one(root, tmp_path, labeler):
    whole = adaptation_config(root, tmp_path / 'whole', labeler)
    reference = train(whole)
    # 8 source images, 9 target images, three a batch.
    assert reference.train_loop.round_ends == [3, 3 + 4, 3 + 4 + 5]
    manifests = [
        json.loads(
            (
                tmp_path / f'whole/pseudo_labels/round_{k}' / 'manifest.json'
            ).read_text()
        )
        for k in (1, 2)
    ]
    assert [m['portion'] for m in manifests] == [0.3, 0.5]
    soft = ['soft' in m['files']['kinds'] for m in manifests]
    assert soft == [labeler == 'LRENTPseudoLabeler'] * 2
    for manifest in manifests:
        assert 0 < manifest['kept'] < 0.9

    cfg = adaptation_config(root, tmp_path / 'killed', labeler)
    with pytest.raises(Killed):
        broken = adaptation_config(root, tmp_path / 'killed', labeler)
        broken.custom_hooks.append(dict(type='KillHook', iteration=9))
        train(broken)
    runner = train(cfg, resume=True)
    assert record(cfg) == record(whole)
    for (name, a), b in zip(
        runner.model.state_dict().items(),
        reference.model.state_dict().values(),
    ):
        assert torch.equal(a, b), name
    # Every pass holds the chosen source images and all target images.
    lines = [line.split()[3:] for line in record(cfg).values()]
    target = set(
        Path(cfg.label_dataloader.dataset.dataset.ann_file).read_text().split()
    )
    second = [stem for line in lines[7:] for stem in line]
    assert target <= set(second)
    assert len(set(second) - target) == 4


def test_crops_know_the_rare_classes(root, tmp_path, monkeypatch):
    """The loop tells every round's crops, from the predictions."""
    from mmsemi.datasets.transforms import RareClassCrop

    made = []
    original = RareClassCrop.__init__

    def spy(self, *args, **kwargs):
        original(self, *args, **kwargs)
        made.append(self)

    monkeypatch.setattr(RareClassCrop, '__init__', spy)
    cfg = adaptation_config(root, tmp_path)
    crop = dict(type='RareClassCrop', crop_size=(32, 48))
    pipeline = cfg.semi_dataloader.dataset.unlabeled.dataset.pipeline
    pipeline.insert(2, crop)
    train(cfg)
    manifest = json.loads(
        (tmp_path / 'pseudo_labels/round_2/manifest.json').read_text()
    )
    counts = [c['candidates'] for c in manifest['per_class'].values()]
    shares = [c / sum(counts) for c in counts]
    assert set(made[-1].classes) == {
        k for k, share in enumerate(shares) if share < 0.9
    }
    assert made[-1].rarest[0] == shares.index(min(shares))


@pytest.mark.parametrize(
    'changes, message',
    [
        (
            {'semi_dataloader.sampler.portions': (0.5,)},
            'portions of the sampler',
        ),
        ({'custom_hooks.1.labeler.prior': 'no.npz'}, 'spatial_prior.py'),
        ({'custom_hooks.1.labeler.prior': 'other.npz'}, 'same classes'),
    ],
)
def test_wrong_settings_stop_before_training(
    root, tmp_path, monkeypatch, changes, message
):
    monkeypatch.chdir(tmp_path)
    np.savez('other.npz', prior=np.ones((3, 2, 2)), classes=list('abc'))
    cfg = adaptation_config(root, tmp_path, **changes)
    with pytest.raises((ValueError, UsageError), match=message):
        train(cfg)
    assert not (tmp_path / 'record.txt').exists()
