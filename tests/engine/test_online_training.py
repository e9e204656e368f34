"""Whole runs of a teacher-student segmentor on a few small images."""

import copy
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner, load_checkpoint

from mmsemi.doctor.lists import collect
from mmsemi.models.losses import ClassBalancedCrossEntropyLoss
from mmsemi.models.segmentors import OnlineSegmentor
from mmsemi.registry import HOOKS, MODELS
from mmsemi.utils.errors import UsageError
from tests.tiny import Killed, make_tiny_set, tiny_config, train


@HOOKS.register_module(force=True)
class OnlineRecordHook(Hook):
    """Write down what every iteration trained on, and what it logged."""

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        stems = {
            branch: [Path(s.img_path).stem for s in samples if s is not None]
            for branch, samples in data_batch['data_samples'].items()
        }
        figures = {
            key: float(value.detach()) for key, value in outputs.items()
        }
        with open(Path(runner.work_dir) / 'online.jsonl', 'a') as file:
            print(json.dumps([batch_idx, stems, figures]), file=file)


@HOOKS.register_module(force=True)
class OnlineMetricHook(Hook):
    """Write down what a validation finds."""

    def after_val_epoch(self, runner, metrics=None) -> None:
        path = Path(runner.work_dir) / 'metrics.json'
        path.write_text(json.dumps({k: float(v) for k, v in metrics.items()}))


def online_config(root: Path, work_dir: Path, audit: bool = False) -> Config:
    """Eight iterations on three labeled and two unlabeled images each.

    Nothing is drawn at random but the order of the images, so a resumed run
    must end with exactly the weights of one that was not interrupted.
    """
    cfg = tiny_config(root, work_dir)
    student = cfg.model.student
    criterion = dict(
        type='ClassBalancedCrossEntropyLoss',
        mode='sqrt_inverse',
        class_frequency='labeled',
    )
    student.decode_head.loss_decode = criterion
    cfg.model = dict(
        type='MeanTeacher',
        student=student,
        pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.35),
        unsup_loss=dict(
            type='PseudoLabelCrossEntropyLoss', criterion=criterion
        ),
        semi_train_cfg=dict(ramp_up_iters=6, warmup_iters=1, audit=audit),
        semi_test_cfg=dict(predict_on='teacher'),
    )
    load, pack = dict(type='LoadImageFromFile'), dict(type='PackSemiInputs')
    labeled = copy.deepcopy(cfg.train_dataloader.dataset)
    labeled.pipeline = [
        load,
        dict(type='LoadAnnotations'),
        dict(type='MultiBranch', sup=pack),
    ]
    unlabeled = copy.deepcopy(labeled)
    unlabeled.ann_file = str(root / 'unlabeled.txt')
    unlabeled.pipeline = [
        load,
        dict(type='InitValidMap'),
        dict(type='MultiBranch', unsup_teacher=pack, unsup_student=pack),
    ]
    cfg.train_dataloader = dict(
        batch_size=5,
        num_workers=0,
        persistent_workers=False,
        sampler=dict(type='SourceRatioSampler', samples_per_source=(3, 2)),
        dataset=dict(
            type='SemiDataset',
            labeled=labeled,
            unlabeled=dict(
                type='UnlabeledDataset', dataset=unlabeled, audit=audit
            ),
        ),
    )
    for key in ('semi_dataloader', 'label_dataloader'):
        cfg.pop(key)
    cfg.train_cfg = dict(
        type='IterBasedTrainLoop', max_iters=8, val_interval=8
    )
    cfg.param_scheduler[0].end = 9
    cfg.default_hooks = dict(
        checkpoint=dict(type='SafeCheckpointHook', interval=2)
    )
    cfg.custom_hooks = [
        dict(type='OnlineRecordHook'),
        dict(type='ClassFrequencyHook'),
        dict(
            type='MeanTeacherHook',
            momentum=0.1,
            schedule='inverse',
            buffers='ema',
        ),
    ]
    return cfg


def lines(cfg: Config) -> dict:
    """``{iteration: [images of each branch, figures]}``, as last written."""
    text = (Path(cfg.work_dir) / 'online.jsonl').read_text()
    return {line[0]: line[1:] for line in map(json.loads, text.splitlines())}


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('online') / 'data')


@pytest.fixture(scope='module')
def whole(root, tmp_path_factory):
    """A run that nothing interrupts, with its config."""
    cfg = online_config(root, tmp_path_factory.mktemp('online') / 'whole')
    cfg.default_hooks.update(
        summary=dict(type='RunSummaryHook'), export=dict(type='ExportHook')
    )
    cfg.default_hooks.checkpoint.update(save_best='teacher/mIoU')
    cfg.val_cfg = dict(type='AllNetworksValLoop')
    cfg.custom_hooks.append(dict(type='OnlineMetricHook'))
    return cfg, train(cfg).model.state_dict()


def test_batches_hold_both_kinds_of_images(root, whole) -> None:
    cfg, _ = whole
    names = {
        kind: (root / f'{kind}.txt').read_text().split()
        for kind in ('labeled', 'unlabeled')
    }
    seen = lines(cfg)
    assert list(seen) == list(range(8))
    for stems, _ in seen.values():
        assert len(stems['sup']) == 3 and len(stems['unsup_teacher']) == 2
        assert set(stems['sup']) <= set(names['labeled'])
        assert set(stems['unsup_teacher']) <= set(names['unlabeled'])
        assert stems['unsup_teacher'] == stems['unsup_student']
    # Warm-up, then a rising weight.
    assert 'loss_unsup' not in seen[0][1]
    # Nobody need be certain at first: that depends on the random weights.
    assert 0 <= seen[1][1]['loss_unsup'] < seen[7][1]['loss_unsup']


def test_roles_of_the_images(root, whole) -> None:
    cfg, _ = whole
    found = {images.role: images.size for images in collect(cfg)}
    assert found == dict(labeled=6, unlabeled=9, val=3)
    summary = json.loads((Path(cfg.work_dir) / 'summary.json').read_text())
    assert {
        role: parts[0]['images'] for role, parts in summary['data'].items()
    } == found


@pytest.mark.parametrize('iteration', [1, 5])
def test_killed_run_resumes_exactly(root, whole, tmp_path, iteration) -> None:
    cfg, expected = whole
    again = online_config(root, tmp_path / 'killed')
    killed = copy.deepcopy(again)
    killed.custom_hooks.append(dict(type='KillHook', iteration=iteration))
    with pytest.raises(Killed):
        train(killed)
    # Without a checkpoint there is nothing to resume from.
    state = train(again, resume=iteration > 2).model.state_dict()
    assert {k: v[0] for k, v in lines(again).items()} == {
        k: v[0] for k, v in lines(cfg).items()
    }
    assert set(state) == set(expected)
    for key, value in expected.items():
        assert torch.equal(state[key], value), key


def test_both_networks_are_validated(root, whole, tmp_path) -> None:
    cfg, state = whole
    found = json.loads((Path(cfg.work_dir) / 'metrics.json').read_text())
    # The network the model predicts with comes first, for summaries.
    assert [key.split('/')[0] for key in found] == ['teacher'] * 3 + [
        'student'
    ] * 3
    assert len(list(Path(cfg.work_dir).glob('best_teacher_mIoU*.pth'))) == 1
    for network in ('teacher', 'student'):
        again = copy.deepcopy(cfg)
        again.work_dir = str(tmp_path / network)
        again.experiment_name = f'{cfg.experiment_name}_{network}'
        again.val_cfg = dict(type='ValLoop')
        again.model.semi_test_cfg.predict_on = network
        again.load_from = str(Path(cfg.work_dir) / 'iter_8.pth')
        again.custom_hooks = []
        again.default_hooks = {}
        alone = Runner.from_cfg(again).val()
        assert alone == {
            key.split('/')[1]: pytest.approx(value)
            for key, value in found.items()
            if key.startswith(network)
        }


def test_exported_teacher_is_a_plain_segmentor(whole) -> None:
    cfg, state = whole
    exported = Config.fromfile(Path(cfg.work_dir) / 'segmentor.py')
    assert exported.model.type == 'EncoderDecoder'
    plain = MODELS.build(exported.model)
    load_checkpoint(
        plain, str(Path(cfg.work_dir) / 'segmentor.pth'), strict=True
    )
    for key, value in plain.state_dict().items():
        assert torch.equal(value, state[f'teacher.{key}'])
    assert any(
        not torch.equal(value, state[f'student.{key}'])
        for key, value in plain.state_dict().items()
    )


def test_audit_reports_and_leaves_the_weights_alone(
    root, whole, tmp_path
) -> None:
    cfg, expected = whole
    audited = online_config(root, tmp_path / 'audited', audit=True)
    state = train(audited).model.state_dict()
    figures = [figures for _, figures in lines(audited).values()]
    assert all(0 <= f['pseudo_label_accuracy'] <= 1 for f in figures[1:])
    assert not any(
        'pseudo_label_accuracy' in figures
        for _, figures in lines(cfg).values()
    )
    for key, value in expected.items():
        assert torch.equal(state[key], value), key


def test_mmengines_average_beside_class_weights(root, tmp_path) -> None:
    """It pairs buffers by their place, so they are there from the start."""
    cfg = online_config(root, tmp_path / 'run')
    cfg.model.student.decode_head.loss_decode.update(
        mode='sqrt_inverse', class_frequency='labeled'
    )
    cfg.custom_hooks.append(dict(type='EMAHook'))
    cfg.train_cfg.update(max_iters=2, val_interval=2)
    runner = train(cfg)
    losses = [
        module
        for module in runner.model.modules()
        if isinstance(module, ClassBalancedCrossEntropyLoss)
    ]
    assert losses and all(loss.class_weight is not None for loss in losses)


def test_a_view_too_many_stops_a_run_before_it_trains(
    root, tmp_path, monkeypatch
) -> None:
    cfg = online_config(root, tmp_path)
    views = cfg.train_dataloader.dataset.unlabeled.dataset.pipeline[-1]
    views['unsup_student_2'] = copy.deepcopy(views['unsup_student'])

    def loss(*args):
        raise AssertionError('a batch was trained on')

    monkeypatch.setattr(OnlineSegmentor, 'loss', loss)
    with pytest.raises(UsageError, match='not use the branch unsup_student_2'):
        train(cfg)
