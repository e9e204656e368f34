"""Adaptive CutMix with partners from all unlabeled images (AEL)."""

import copy
import json
import random
from itertools import islice
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import ConcatDataset

from mmsemi.datasets import CutMixPartnerSampler
from mmsemi.datasets.samplers import cutmix_partner, source_ratio
from mmsemi.doctor.data import check_data
from mmsemi.doctor.lists import collect
from mmsemi.models.mixing import AdaptiveCutMix
from mmsemi.models.targets import Targets
from mmsemi.registry import HOOKS
from mmsemi.utils.errors import UsageError
from tests.engine.test_online_training import online_config
from tests.tiny import Killed, make_tiny_set, train

UNLABELED = 9


@HOOKS.register_module(force=True)
class PartnerRecordHook(Hook):
    """Seed what is drawn in an iteration; write down what it trained on."""

    priority = 'LOW'

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        for seed in (random.seed, np.random.seed, torch.manual_seed):
            seed(runner.iter)
        if runner.iter == 5 and runner.cfg.get('kill'):
            raise Killed

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        hook = next(
            hook
            for hook in runner.hooks
            if type(hook).__name__ == 'CutMixPartnerHook'
        )
        stems = {
            branch: [Path(s.img_path).stem for s in samples if s is not None]
            for branch, samples in data_batch['data_samples'].items()
        }
        drawn = hook.batch
        with open(Path(runner.work_dir) / 'partners.jsonl', 'a') as file:
            print(
                json.dumps(
                    [
                        runner.iter,
                        stems,
                        drawn.images.tolist(),
                        # None: the official stack loads ahead of hooks.
                        np.asarray(drawn.classes).tolist(),
                        hook.presence.astype(int).tolist(),
                    ]
                ),
                file=file,
            )


@HOOKS.register_module(force=True)
class LateDrawHook(Hook):
    """As where a loader starts before hooks do: two batches drawn without."""

    priority = 'LOW'
    seen: list = []

    def before_train(self, runner) -> None:
        self.sampler = runner.train_dataloader.sampler
        self.draw, self.sampler.draw = self.sampler.draw, None
        self.seen.clear()

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        self.seen.append(runner.model.mixing.classes.tolist())
        if runner.iter == 1:
            self.sampler.draw = self.draw


def ael_config(root: Path, work_dir: Path):
    cfg = online_config(root, work_dir)
    cfg.model.pop('unsup_loss')
    cfg.model.update(
        type='AEL',
        mixing=dict(
            type='AdaptiveCutMix', component_share=0.001, presence_share=0.001
        ),
        copy_paste=dict(type='AdaptiveCopyPaste', excluded=()),
    )
    loader = cfg.train_dataloader
    loader.batch_size = 3 + 3 + 2 + 2
    loader.sampler = dict(
        type='CutMixPartnerSampler', samples_per_source=(3, 3, 2)
    )
    parts = loader.dataset
    parts.paste = copy.deepcopy(parts.labeled)
    parts.paste.pipeline[-1].paste = parts.paste.pipeline[-1].pop('sup')
    cfg.custom_hooks += [
        dict(type='CutMixPartnerHook'),
        dict(type='PartnerRecordHook'),
    ]
    return cfg


def lines(cfg) -> dict:
    text = (Path(cfg.work_dir) / 'partners.jsonl').read_text()
    return {line[0]: line[1:] for line in map(json.loads, text.splitlines())}


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('partners') / 'data')


@pytest.fixture(scope='module')
def whole(root, tmp_path_factory):
    cfg = ael_config(root, tmp_path_factory.mktemp('partners') / 'whole')
    return cfg, train(cfg).model.state_dict()


def test_partners_come_from_the_whole_set(root, whole) -> None:
    seen = lines(whole[0])
    lists = {
        kind: (root / f'{kind}.txt').read_text().split()
        for kind in ('labeled', 'unlabeled')
    }
    known, looked_up = None, 0
    for k, (stems, images, classes, presence) in seen.items():
        assert len(stems['sup']) == len(stems['paste']) == 3
        assert set(stems['paste']) <= set(lists['labeled'])
        assert stems['unsup_student'] == [
            Path(lists['unlabeled'][i]).stem for i in images
        ]
        assert len(images) == 4 and len(classes) == 2
        presence = np.array(presence)
        if known is not None:
            # What is known to show the class, if anything is.
            for c, partner in zip(classes, images[2:]):
                if known[c].any():
                    assert known[c, partner]
                    looked_up += 1
            others = np.delete(np.arange(UNLABELED), images)
            assert (presence[:, others] == known[:, others]).all()
        known = presence
        if k == 0:
            assert not presence.any()  # warm-up
    # Images to be pasted are no further labeled images.
    found = {images.role: images.size for images in collect(whole[0])}
    assert found == dict(labeled=6, unlabeled=9, val=3)
    assert looked_up and known.any(0).sum() > 4


def test_killed_and_resumed(root, whole, tmp_path) -> None:
    cfg = ael_config(root, tmp_path / 'killed')
    cfg.kill = True
    with pytest.raises(Killed):
        train(cfg)
    cfg = ael_config(root, tmp_path / 'killed')
    cfg.resume = True
    weights = train(cfg).model.state_dict()
    expected, seen = lines(whole[0]), lines(cfg)
    assert set(seen) == set(expected)
    for k in expected:
        assert seen[k] == expected[k], k
    for key, value in whole[1].items():
        assert torch.equal(weights[key], value), key


def test_partners_serve_other_methods(root, tmp_path) -> None:
    cfg = ael_config(root, tmp_path / 'other')
    cfg.model.pop('copy_paste')
    cfg.model.update(
        type='MeanTeacher',
        unsup_loss=dict(type='PseudoLabelCrossEntropyLoss'),
        mixing=dict(cfg.model.mixing, num_classes=3),
    )
    cfg.train_dataloader.dataset.pop('paste')
    cfg.train_dataloader.batch_size = 3 + 2 + 2
    cfg.train_dataloader.sampler.samples_per_source = (3, 2)
    cfg.train_cfg.update(max_iters=4, val_interval=9)
    runner = train(cfg)
    hook = next(
        hook
        for hook in runner.hooks
        if type(hook).__name__ == 'CutMixPartnerHook'
    )
    assert hook.presence.any() and runner.model.mixing.confidence.any()


def test_memory_of_a_checkpoint_on_another_device(whole) -> None:
    class OnDevice:
        """Refuses what a tensor on a GPU refuses."""

        def cpu(self):
            return torch.ones(2, 3, dtype=torch.bool)

    hook = HOOKS.build(dict(type='CutMixPartnerHook'))
    hook.after_load_checkpoint(
        MagicMock(_resume=True), dict(cutmix_partners=OnDevice())
    )
    assert hook.presence.all() and hook.presence.shape == (2, 3)


def test_workers_deliver_what_was_drawn(root, tmp_path) -> None:
    cfg = ael_config(root, tmp_path / 'workers')
    cfg.train_dataloader.update(num_workers=2, persistent_workers=True)
    cfg.train_cfg.update(max_iters=4, val_interval=9)
    train(cfg)
    names = (root / 'unlabeled.txt').read_text().split()
    for stems, images, _, _ in lines(cfg).values():
        assert stems['unsup_student'] == [names[i] for i in images]


def test_batches_drawn_before_the_hook_is_there(root, tmp_path) -> None:
    cfg = ael_config(root, tmp_path / 'early')
    cfg.custom_hooks[-1] = dict(type='LateDrawHook')
    cfg.train_cfg.update(max_iters=4, val_interval=9)
    runner = train(cfg)
    number = len(runner.model.class_confidence)
    assert len(LateDrawHook.seen) == 4
    assert all(
        len(classes) == 2 and 0 <= min(classes) <= max(classes) < number
        for classes in LateDrawHook.seen
    )
    hook = next(
        hook
        for hook in runner.hooks
        if type(hook).__name__ == 'CutMixPartnerHook'
    )
    assert hook.presence.any()


def test_skipped_batches_draw_nothing(monkeypatch) -> None:
    monkeypatch.setattr(cutmix_partner, 'MAX_AHEAD', 2)  # not with a hook
    data = ConcatDataset([list(range(4)), list(range(20))])
    calls = []

    def draw(rngs):
        calls.append(len(rngs))
        partners = [rng.integers(20) for rng in rngs]
        return np.zeros(len(rngs), int), np.array(partners)

    def indices(skip):
        sampler = CutMixPartnerSampler(data, (1, 3), seed=3)
        sampler.draw = draw
        sampler.skip(skip)
        return list(islice(iter(sampler), 70 - skip)), sampler

    first, sampler = indices(0)
    assert sampler.batch_size == 7 and len(calls) == 10
    assert [part.number for part in sampler.drawn] == list(range(10))
    assert list(sampler.drawn[2].images + 4) == first[15:21]
    calls.clear()
    again, sampler = indices(28)
    assert again == first[28:] and len(calls) == 6
    assert sampler.drawn[0].number == 4


def test_pastes_the_object_of_the_partner() -> None:
    labels = torch.zeros(4, 20, 20).long()
    labels[2, 3:9, 5:12] = 2
    labels[3, 10:15, 1:4] = 1
    images = torch.stack([torch.full((3, 20, 20), float(i)) for i in range(4)])
    mix = AdaptiveCutMix(component_share=0.03, presence_share=0.03)
    mix.classes = np.array([2, 1])
    new, mixed = mix(images, Targets(labels), None, torch.zeros(3))
    assert new.shape == (2, 3, 20, 20) and mixed.labels.shape[0] == 2
    expected = images[:2, 0].clone()
    expected[0, 3:9, 5:12], expected[1, 10:15, 1:4] = 2, 3
    assert torch.equal(new[:, 0], expected)
    assert (mixed.labels[0, 3:9, 5:12] == 2).all()
    assert mix.presence.flags['C_CONTIGUOUS']  # NCCL gathers nothing else
    assert mix.presence.tolist() == [
        [True] * 4,
        [False, False, False, True],
        [False, False, True, False],
    ]


def test_wrong_parts_are_named(root, tmp_path, monkeypatch) -> None:
    cfg = ael_config(root, tmp_path / 'a')
    cfg.model.mixing = dict(type='CutMix')
    cfg.model.type = 'MeanTeacher'
    cfg.model.unsup_loss = dict(type='PseudoLabelCrossEntropyLoss')
    cfg.model.pop('copy_paste')
    with pytest.raises(TypeError, match='AdaptiveCutMix, got .* and CutMix'):
        Runner.from_cfg(cfg).train()
    cfg = ael_config(root, tmp_path / 'c')
    cfg.train_dataloader.batch_size = 8
    with pytest.raises(ValueError, match='is 8, but its sampler draws 10'):
        Runner.from_cfg(cfg).train()
    cfg = ael_config(root, tmp_path / 'b')
    cfg.custom_hooks = cfg.custom_hooks[:-2]
    cfg.custom_hooks.append(dict(type='TrainingProgressHook'))
    monkeypatch.setattr(cutmix_partner, 'MAX_AHEAD', 2)
    with pytest.raises(RuntimeError, match='needs CutMixPartnerHook'):
        Runner.from_cfg(cfg).train()
    with pytest.raises(UsageError, match='needs CutMixPartnerHook'):
        check_data(cfg)
    with pytest.raises(ValueError, match='last source'):
        CutMixPartnerSampler(
            ConcatDataset([[1], [2]]), samples_per_source=(2, 0)
        )


def test_partners_do_not_depend_on_processes_or_parts(monkeypatch) -> None:
    data = ConcatDataset([list(range(4)), list(range(20))])

    def pairs(rank, processes, parts) -> list:
        """``(image, partner)`` of each unlabeled image, step by step."""
        monkeypatch.setattr(
            source_ratio, 'get_dist_info', lambda: (rank, processes)
        )
        share = 4 // processes, 8 // processes
        sampler = CutMixPartnerSampler(data, share, seed=3, parts=parts)
        sampler.draw = lambda rngs: (
            np.zeros(len(rngs), int),
            np.array([rng.integers(20) for rng in rngs]),
        )
        size, found = sampler.batch_size, []
        for batch in np.reshape(
            list(islice(iter(sampler), 5 * size)), (5, -1)
        ):
            mine = batch[share[0] :].reshape(parts, 2, -1).swapaxes(0, 1)
            found.append(list(zip(*mine.reshape(2, -1).tolist())))
        return found

    whole = pairs(0, 1, 1)
    assert pairs(0, 1, 2) == pairs(0, 1, 4) == whole
    for parts in (1, 2):
        ranks = [pairs(rank, 2, parts) for rank in (0, 1)]
        assert [a + b for a, b in zip(*ranks)] == whole
