"""Weights that stay: of every round, of every validation, and the best."""

import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmsemi.apis.work_dir import run_files
from mmsemi.io.checkpoints import read_checkpoint
from mmsemi.models.weights import load_weights
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.configs import config
from tests.conftest import ROOT
from tests.tiny import Killed, make_tiny_set, tiny_config, tiny_model, train

HOOKS = dict(
    summary=dict(type='RunSummaryHook'),
    weights=dict(type='KeepWeightsHook'),
    export=dict(type='ExportHook'),
)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('set'))


def run_config(root, work_dir, **changes):
    cfg = tiny_config(root, work_dir, default_hooks=HOOKS)
    cfg.default_hooks.checkpoint.interval = 4
    cfg.test_dataloader = cfg.val_dataloader
    cfg.test_cfg, cfg.test_evaluator = dict(type='TestLoop'), cfg.val_evaluator
    cfg.merge_from_dict(copy.deepcopy(changes))
    return cfg


def weights(path):
    return read_checkpoint(path)['state_dict']


def same(first, second):
    return first.keys() == second.keys() and all(
        torch.equal(first[key], second[key]) for key in first
    )


@pytest.fixture(scope='module')
def finished(root, tmp_path_factory):
    """A run that keeps the best, killed in round 2 and resumed.

    Its folder, its runner, and the weights of round 1 before the kill.
    """
    folder = tmp_path_factory.mktemp('finished')
    cfg = run_config(
        root, folder, **{'default_hooks.checkpoint.save_best': 'mIoU'}
    )
    dying = copy.deepcopy(cfg)
    dying.custom_hooks.append(dict(type='KillHook', iteration=9))
    with pytest.raises(Killed):
        train(dying)
    first = weights(folder / 'round_1.pth')
    assert not (folder / 'round_2.pth').exists()
    return folder, train(cfg, resume=True), first


def test_each_round_can_be_taken(finished):
    """One file a round, of its end, although the run was killed."""
    tmp_path, runner, first = finished
    assert sorted(p.name for p in tmp_path.glob('round_*.pth')) == [
        f'round_{k}.pth' for k in range(3)
    ]
    assert same(first, weights(tmp_path / 'round_1.pth'))
    last = weights(tmp_path / 'round_2.pth')
    student = runner.model.student.state_dict()
    assert same(last, student) and not same(last, first)
    # A plain segmentor, which a wrapper of the run takes as well.
    load_weights(MODELS.build(tiny_model()), first, 'round_1.pth')
    meta = read_checkpoint(tmp_path / 'round_1.pth')['meta']
    assert meta['round'] == 1 and meta['iter'] == 8
    assert list(meta['dataset_meta']['classes'])
    # Small: neither optimizer nor log.
    assert set(read_checkpoint(tmp_path / 'round_2.pth')) == {
        'meta',
        'state_dict',
    }
    files = runner.message_hub.get_info('mmsemi/files')
    assert files['round 2'] == 'round_2.pth'
    assert tmp_path / 'round_1.pth' in run_files(tmp_path)


def test_a_baseline_that_was_brought_is_no_round(root, finished, tmp_path):
    cfg = run_config(
        root,
        tmp_path / 'second',
        load_from=str(finished[0] / 'round_0.pth'),
        **{'train_cfg.supervised_iters': 0, 'train_cfg.portions': [1.0]},
    )
    train(cfg)
    names = [path.name for path in (tmp_path / 'second').glob('round_*.pth')]
    assert names == ['round_1.pth']


def test_weights_of_each_validation(root, tmp_path):
    cfg = run_config(
        root, tmp_path, **{'default_hooks.weights.every': 'validation'}
    )
    cfg.default_hooks.weights.at = 4
    cfg.train_cfg = dict(
        type='IterBasedTrainLoop', max_iters=6, val_interval=2
    )
    cfg.model = cfg.model.student
    cfg.train_dataloader.dataset.pipeline[-1] = dict(type='PackSemiInputs')
    cfg.custom_hooks = []
    runner = train(cfg)
    found = {
        int(path.stem.split('_')[1]): path
        for path in tmp_path.glob('validated_*.pth')
    }
    assert sorted(found) == [2, 4, 6]
    assert same(weights(found[6]), runner.model.state_dict())
    assert not same(weights(found[2]), weights(found[4]))
    begun = tmp_path / 'iteration_4.pth'
    assert same(weights(begun), weights(found[4]))
    assert read_checkpoint(begun)['meta']['iter'] == 4
    assert begun in run_files(tmp_path)
    for path in found.values():
        content = read_checkpoint(path)
        assert 0 <= content['meta']['metrics']['mIoU'] <= 100
        MODELS.build(cfg.model).load_state_dict(content['state_dict'])


def test_no_run_begins_that_the_disk_cannot_hold(root, tmp_path, monkeypatch):
    monkeypatch.setattr(
        'mmsemi.io.space.shutil.disk_usage',
        lambda place: type('Usage', (), dict(free=1e5)),
    )
    cfg = run_config(root, tmp_path)
    cfg.default_hooks.pop('checkpoint')
    with pytest.raises(UsageError, match='3 files of weights of'):
        train(cfg)


def test_the_best_is_what_a_run_with_save_best_leaves(finished):
    tmp_path, runner, _ = finished
    best = Path(runner.message_hub.get_info('best_ckpt'))
    exported = weights(tmp_path / 'segmentor.pth')
    kept = {
        name.removeprefix('student.'): value
        for name, value in weights(best).items()
        if name.startswith('student.')
    }
    assert same(exported, kept)
    assert same(
        weights(tmp_path / 'segmentor_last.pth'),
        runner.model.student.state_dict(),
    )
    files = runner.message_hub.get_info('mmsemi/files')
    assert files['segmentor'] == 'segmentor.pth'
    assert files['segmentor_last'] == 'segmentor_last.pth'
    Config.fromfile(tmp_path / 'segmentor_last.py')


def test_configs_keep_what_may_be_the_best():
    """Rounds of every config in rounds, validations of source models."""
    sources = sorted(ROOT.glob('configs/source_only/*.py'))
    assert len(sources) >= 8
    for path in sources:
        cfg = config(f'source_only/{path.stem}')
        assert cfg.default_hooks.weights.every == 'validation'
    for name in ('cbst/gta5_to_cityscapes', 'strict/voc12', 'dst_cbc/shapes'):
        assert config(name).default_hooks.weights.type == 'KeepWeightsHook'
        assert config(name).default_hooks.weights.get('every') is None
