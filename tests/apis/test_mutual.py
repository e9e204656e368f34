"""Two models label for each other; the order of who labels is the method."""

import json
import shutil
import time

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import load_checkpoint

from mmsemi.apis.mutual import MutualTraining
from mmsemi.apis.train_mutual import train_mutual
from mmsemi.cli import main
from mmsemi.engine.training_state import fingerprint
from mmsemi.registry import HOOKS, MODELS
from mmsemi.utils.errors import UsageError
from tests.tiny import make_tiny_set, tiny_config, tiny_model


@HOOKS.register_module(force=True)
class PhaseStopHook(Hook):
    """Fail at an iteration of one run, as a kill would."""

    where, at = None, -1

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        if (
            self.where
            and self.where in str(runner.work_dir)
            and batch_idx == self.at
        ):
            raise RuntimeError('stopped')


@pytest.fixture(scope='module')
def tiny_set(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('set'))


@pytest.fixture(autouse=True)
def plain_runs(monkeypatch):
    """No stop, and no time spent on the layout of dumped configs."""
    PhaseStopHook.where = None
    monkeypatch.setattr(
        'yapf.yapflib.yapf_api.FormatCode', lambda text, **kwargs: (text, True)
    )


def configs(tiny_set, **changes):
    """Configs of two models, four labels each for the baselines."""
    found = []
    for k in range(2):
        cfg = tiny_config(tiny_set, '', **{'randomness.seed': 1 + k})
        cfg.model = tiny_model(
            _delete_=True, type='DynamicMutualLoss', gamma1=5, gamma2=5
        )
        del cfg.model.objective['_delete_']
        cfg.model.objective.pop('gamma', None)
        cfg.train_cfg.update(
            supervised_iters=3,
            iters_per_round=3,
            lr_scale=[0.5, 0.25],
            val_interval=None,
        )
        cfg.train_dataloader.dataset.indices = [[0, 1, 2, 3], [2, 3, 4, 5]][k]
        cfg.custom_hooks[1].keep_confidence = True
        cfg.custom_hooks.append(dict(type='PhaseStopHook'))
        cfg.merge_from_dict(changes)
        found.append(cfg)
    return found


def weights(training, phase, name):
    model = MODELS.build(training.configs[name].model)
    load_checkpoint(model, training.checkpoint(phase, name), strict=True)
    return model


def labeled_by(training, phase, name):
    """Fingerprint of the weights that made the labels of a phase."""
    path = training.folder(phase, name) / 'pseudo_labels/round_1'
    return json.loads((path / 'manifest.json').read_text())['source']


def test_each_phase_learns_from_the_other_model(tiny_set, tmp_path):
    training = MutualTraining(configs(tiny_set), tmp_path / 'whole')
    results = training.run()
    assert [(r['phase'], r['model']) for r in results] == [
        (0, 'a'),
        (0, 'b'),
        (1, 'a'),
        (1, 'b'),
        (2, 'a'),
        (2, 'b'),
    ]
    prints = {
        (phase, name): fingerprint(weights(training, phase, name))
        for phase in range(3)
        for name in 'ab'
    }
    assert len(set(prints.values())) == 6
    for phase in (1, 2):
        # B learns from A as it was, not from the A of the same phase.
        assert labeled_by(training, phase, 'a') == prints[phase - 1, 'b']
        assert labeled_by(training, phase, 'b') == prints[phase - 1, 'a']
    assert [r.get('portion') for r in results] == [
        None,
        None,
        0.5,
        0.5,
        1.0,
        1.0,
    ]
    table = training.table().splitlines()
    assert len(table) == 5 and '100%' in table[-1]
    summary = json.loads((tmp_path / 'whole/summary.json').read_text())
    assert summary['phases'] == results

    # The rate of a phase is its own, and it starts again in each.
    rates = [
        (training.folder(phase, 'a') / 'record.txt').read_text().split()
        for phase in range(3)
    ]
    assert [r[2] for r in rates] == ['0.100000', '0.050000', '0.025000']

    # Interrupted while B trains in phase 1, it ends with the same weights.
    PhaseStopHook.where, PhaseStopHook.at = 'b/phase_1', 1
    shutil.copytree(tmp_path / 'whole', tmp_path / 'part')
    for lost in ('a/phase_2', 'b/phase_2', 'b/phase_1'):
        shutil.rmtree(tmp_path / 'part' / lost)
    with pytest.raises(RuntimeError, match='stopped'):
        MutualTraining(configs(tiny_set), tmp_path / 'part', resume=True).run()
    PhaseStopHook.where = None
    time.sleep(1)  # runs are told apart by the second they start in
    again = MutualTraining(configs(tiny_set), tmp_path / 'part', resume=True)
    again.run()
    for phase in (1, 2):
        for name in 'ab':
            assert (
                fingerprint(weights(again, phase, name)) == prints[phase, name]
            )


def test_best_snapshot_and_given_baselines(tiny_set, tmp_path):
    changes = {
        'default_hooks.checkpoint.save_best': 'mIoU',
        'train_cfg.supervised_iters': 0,
        'train_cfg.portions': [1.0],
        'train_cfg.lr_scale': 1.0,
    }
    baselines = []
    for k in range(2):
        torch.manual_seed(k)
        model = MODELS.build(configs(tiny_set)[0].model)
        baselines.append(str(tmp_path / f'{k}.pth'))
        torch.save(dict(state_dict=model.state_dict()), baselines[-1])
    training = MutualTraining(
        configs(tiny_set, **changes), tmp_path / 'run', baselines
    )
    results = training.run()
    assert results[0]['checkpoint'] == baselines[0]
    assert results[2]['checkpoint'].startswith('best_mIoU_iter_3')
    assert results[2]['mIoU'] >= results[2]['last_mIoU']
    assert '| 0 | - | - |' in training.table()
    with pytest.raises(UsageError, match='no baseline'):
        MutualTraining(configs(tiny_set, **changes), tmp_path / 'other')


def test_refusals(tiny_set, tmp_path):
    MutualTraining(configs(tiny_set), tmp_path)
    with pytest.raises(UsageError, match='--resume'):
        MutualTraining(configs(tiny_set), tmp_path)
    other = configs(tiny_set, **{'model.objective.gamma1': 1})
    with pytest.raises(UsageError, match='model a differs in .*gamma1'):
        MutualTraining(other, tmp_path, resume=True)
    MutualTraining(other, tmp_path, overwrite=True)
    MutualTraining(other, tmp_path, resume=True)

    record = tmp_path / 'run.json'
    lists = json.loads(record.read_text())['lists']
    record.write_text(json.dumps(dict(lists={key: '0' for key in lists})))
    with pytest.raises(UsageError, match='names other images'):
        MutualTraining(other, tmp_path, resume=True)

    without = configs(tiny_set)
    without[1].custom_hooks = []
    with pytest.raises(UsageError, match='lacks a PseudoLabelHook'):
        MutualTraining(without, tmp_path / 'x')
    uneven = configs(tiny_set)
    uneven[1].train_cfg.portions = [1.0]
    with pytest.raises(UsageError, match='same portions'):
        MutualTraining(uneven, tmp_path / 'x')


def test_command(tiny_set, tmp_path, capsys):
    files = []
    for name, cfg in zip('ab', configs(tiny_set)):
        files.append(str(tmp_path / f'{name}.py'))
        cfg.dump(files[-1])
    missing = str(tmp_path / 'none.pth')
    with pytest.raises(UsageError, match='none.pth of model b'):
        train_mutual(files, str(tmp_path / 'run'), (files[0], missing))
    assert 'labeled: 4 images' in capsys.readouterr().out
    main(
        'mutual',
        [
            *files,
            '--work-dir',
            str(tmp_path / 'run'),
            '--cfg-options',
            'train_cfg.portions=[1.0]',
            'train_cfg.lr_scale=1.0',
            'train_cfg.iters_per_round=1',
            'train_cfg.supervised_iters=1',
        ],
    )
    assert '| 1 | 100% |' in capsys.readouterr().out


def test_processes_wait_for_each_other_as_often(
    tiny_set, tmp_path, monkeypatch
) -> None:
    """One that comes late finds the result of a given baseline."""
    waited = []
    monkeypatch.setattr('mmsemi.apis.mutual.barrier', lambda: waited.append(1))
    given = tmp_path / 'a.pth'
    given.touch()
    numbers = []
    for rank in range(2):
        monkeypatch.setenv('RANK', str(rank))
        training = MutualTraining(
            configs(tiny_set), tmp_path / 'run', (str(given), None)
        )
        result = training._phase(0, 'a')
        assert result['checkpoint'] == str(given)
        numbers.append(len(waited))
        waited.clear()
    assert numbers[0] == numbers[1]
