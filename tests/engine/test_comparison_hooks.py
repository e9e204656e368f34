"""What hooks note of a run: masks that it opened, images it passed on."""

import json
from unittest.mock import MagicMock

import pytest
import torch

from mmsemi.datasets.splits import config_datasets
from mmsemi.datasets.unlabeled import UnlabeledDataset
from mmsemi.engine.hooks import (
    ForwardCountHook,
    RoundPictureHook,
    ViewPictureHook,
)
from mmsemi.engine.hooks.mask_watch_hook import mask_files
from mmsemi.registry import DATASETS
from tests.engine.test_online_training import online_config
from tests.tiny import make_tiny_set, tiny_config, train

NOTES = [dict(type='MaskWatchHook'), dict(type='ForwardCountHook')]


@DATASETS.register_module(force=True)
class LeakingDataset(UnlabeledDataset):
    """Looks at the mask of one image, for no good reason."""

    def get_data_info(self, idx: int) -> dict:
        info = super().get_data_info(idx)
        if info['img_path'].endswith('08.png'):
            self.audit_map(idx)
        return info


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('notes') / 'data')


def read(cfg, name):
    with open(f'{cfg.work_dir}/{name}') as file:
        return json.load(file)


def noted(cfg, iterations=8):
    cfg.custom_hooks += NOTES
    cfg.train_cfg.update(max_iters=iterations, val_interval=iterations)
    train(cfg)
    return read(cfg, 'opened_masks.json'), read(cfg, 'forwards.json')


def test_an_honest_run_opens_labeled_and_validation_masks(
    root, tmp_path
) -> None:
    masks, forwards = noted(online_config(root, tmp_path))
    assert masks['masks'] == dict(
        labeled=dict(listed=6, opened=6),
        val=dict(listed=3, opened=3),
        unlabeled=dict(listed=9, opened=0),
    )
    assert masks['unlabeled_opened'] == [] and masks['whole'] is True
    # Eight steps of 3 + 2 images; labeled ones only in the warm-up of one.
    assert forwards == dict(
        student=dict(learning=7 * 5 + 3), teacher=dict(looking=14)
    )


def test_a_mask_of_a_labeled_image_is_theirs_however_it_is_spelled(
    root, tmp_path
) -> None:
    """Unlabeled lists may reach it by another folder."""
    link = tmp_path / 'link'
    link.symlink_to(root / 'masks')
    cfg = online_config(root, tmp_path)
    labeled = (root / 'labeled.txt').read_text().split()
    unlabeled = (root / 'unlabeled.txt').read_text().split()
    (tmp_path / 'both.txt').write_text('\n'.join(labeled[:2] + unlabeled))
    for dataset in datasets_of(cfg, 'unlabeled'):
        dataset['ann_file'] = str(tmp_path / 'both.txt')
        dataset['data_prefix']['seg_map_path'] = str(link)
    files = {role: list(paths()) for role, paths in mask_files(cfg).items()}
    assert len(files['labeled']) == 6
    assert sorted(files['unlabeled']) == [
        f'{link}/{name}.png' for name in sorted(unlabeled)
    ]


def datasets_of(cfg, role):
    return [found for kind, found in config_datasets(cfg) if kind == role]


def test_a_leaking_dataset_is_caught(root, tmp_path) -> None:
    cfg = online_config(root, tmp_path)
    cfg.train_dataloader.dataset.unlabeled.type = 'LeakingDataset'
    masks, _ = noted(cfg)
    assert masks['masks']['unlabeled']['opened'] == 1
    assert masks['unlabeled_opened'] == [str(root / 'masks/08.png')]


def test_an_audit_in_the_run_voids_the_certificate(root, tmp_path) -> None:
    masks, _ = noted(online_config(root, tmp_path, audit=True), 2)
    assert masks['masks']['unlabeled']['opened'] > 0


def test_rounds_without_audit_open_none_and_count_labeling(
    root, tmp_path
) -> None:
    cfg = tiny_config(root, tmp_path)
    cfg.custom_hooks[1].audit = False
    cfg.custom_hooks += NOTES
    train(cfg)
    masks = read(cfg, 'opened_masks.json')
    assert masks['masks']['unlabeled'] == dict(listed=9, opened=0)
    # Three rounds of four steps of four; nine images, labeled twice.
    assert read(cfg, 'forwards.json') == dict(
        student=dict(labeling=18, learning=48)
    )


@pytest.mark.parametrize('pictures', [RoundPictureHook, ViewPictureHook])
def test_what_passes_for_a_picture_is_no_cost(pictures, monkeypatch) -> None:
    network = torch.nn.Module()
    network.backbone = torch.nn.Identity()
    runner = MagicMock(model=network)
    runner.message_hub.get_info.return_value = {}
    hook, image = ForwardCountHook(), torch.zeros(2, 3, 4, 4)
    hook.before_train(runner)
    hook.before_round(runner)
    for name in ('_show', '_keep_labels', '_draw'):
        monkeypatch.setattr(
            pictures, name, lambda *_: network.backbone(image), raising=False
        )
    runner.train_loop.round = runner.train_loop.iter = 1
    runner.train_loop.round_begin = 1
    pictures().before_round(runner)
    assert not hook.counts
    network.backbone(image)
    assert hook.counts == {'network.labeling': 2}


def test_a_resumed_run_goes_on_with_counts_and_leaks(root, tmp_path) -> None:
    cfg = online_config(root, tmp_path)
    leaking = cfg.train_dataloader.dataset.unlabeled
    leaking.type = 'LeakingDataset'
    noted(cfg, 4)
    leaking.type = 'UnlabeledDataset'
    cfg.train_cfg.update(max_iters=8, val_interval=8)
    train(cfg, resume=True)
    assert read(cfg, 'forwards.json')['student'] == dict(learning=38)
    assert read(cfg, 'opened_masks.json')['unlabeled_opened']
