"""What a run leaves behind and says: summary, picture, export, progress."""

import copy
import json
import logging
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import LogProcessor
from mmseg.apis import inference_model, init_model

import mmsemi
from mmsemi.engine.hooks import ProgressHook, PseudoLabelHook
from mmsemi.pseudo_labels.store import PseudoLabelStore
from mmsemi.registry import HOOKS
from mmsemi.report.facts import code_hash
from mmsemi.utils.console import announce, calm_console, restore_console
from mmsemi.utils.progress import Progress
from tests.tiny import CLASSES, SIZE, Killed, make_tiny_set, tiny_config, train

OUTCOME = dict(
    progress=dict(type='ProgressHook'),
    picture=dict(type='RoundPictureHook', num_images=2),
    export=dict(type='ExportHook'),
    summary=dict(type='RunSummaryHook'),
)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('set'))


def outcome_config(root, work_dir, **changes):
    cfg = tiny_config(root, work_dir, default_hooks=OUTCOME)
    cfg.test_dataloader = cfg.val_dataloader
    cfg.test_cfg, cfg.test_evaluator = dict(type='TestLoop'), cfg.val_evaluator
    cfg.merge_from_dict(copy.deepcopy(changes))
    return cfg


def summary_of(cfg):
    return json.loads((Path(cfg.work_dir) / 'summary.json').read_text())


@pytest.fixture(scope='module')
def whole(root, tmp_path_factory):
    cfg = outcome_config(root, tmp_path_factory.mktemp('whole'))
    return cfg, train(cfg)


def test_summary_of_rounds(whole):
    cfg, runner = whole
    summary = summary_of(cfg)
    rows = summary['rounds']
    assert [row['round'] for row in rows] == [0, 1, 2]
    assert [row['portion'] for row in rows] == [None, 0.5, 1.0]
    assert [row['iterations'] for row in rows] == [4, 4, 4]
    assert [row['pseudo_labeled'] for row in rows] == [0, 9, 9]
    assert all(row['labeled'] == 6 for row in rows)
    assert rows[0]['kept'] is None and rows[0]['per_class'] == {}
    for row in rows[1:]:
        manifest = json.loads(
            (
                Path(cfg.work_dir) / f'pseudo_labels/round_{row["round"]}'
                '/manifest.json'
            ).read_text()
        )
        assert row['kept'] == manifest['kept']
        assert row['pseudo_label_accuracy'] == manifest['accuracy']
        assert row['pseudo_label_miou'] == pytest.approx(
            100 * manifest['miou']
        )
        assert row['per_class'] == manifest['per_class']
        assert row['seconds_labeling'] > 0
    for row in rows:
        assert 0 < row['seconds_training'] < row['seconds']
        assert row['images_per_second'] == pytest.approx(
            4 * 4 / row['seconds_training']
        )
        assert 0 <= row['val_miou'] <= row['best_miou'] <= 100
    assert summary['last_miou'] == rows[-1]['val_miou']
    assert summary['best_miou'] == rows[-1]['best_miou']
    assert summary['gain_over_round_0'] == pytest.approx(
        rows[2]['val_miou'] - rows[0]['val_miou']
    )
    assert summary['finished'] and summary['iterations'] == 12
    assert sum(r['seconds'] for r in rows) <= summary['wall_seconds']


def test_validations_and_classes_are_in_the_summary(whole):
    """Two validations a round; means agree with the IoU of each class."""
    rows = summary_of(whole[0])['rounds']
    for row, begin in zip(rows, (0, 4, 8)):
        found = row['validations']
        assert [r['iteration'] for r in found] == [begin + 2, begin + 4]
        assert found[-1]['miou'] == row['val_miou']
        known = [v for v in row['class_iou'].values() if v is not None]
        assert list(row['class_iou']) == list(CLASSES)
        assert np.mean(known) == pytest.approx(row['val_miou'], abs=0.02)
        # Every class has pixels in the validation masks.
        assert row['dead_classes'] == [
            name for name, value in row['class_iou'].items() if value == 0
        ]


def test_a_run_says_what_it_is(whole):
    summary = summary_of(whole[0])
    assert summary['method'] == dict(
        segmentor='SelfTrainingSegmentor',
        objective='DynamicSelfTrainingLoss',
        loop='SelfTrainingLoop',
        labeler='ClassBalancedPseudoLabeler',
        labeled_only=False,
    )
    assert summary['lengths'] == dict(
        iterations=12, rounds=[4, 4, 4], batch_size=4
    )
    assert len(summary['recipe']) == 12
    assert summary['overrides'] is None  # made without a file


def test_code_that_differs_is_told(tmp_path):
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a/b.py').write_text('x = 1')
    found = [code_hash(Path(tmp_path))]
    for change in (
        lambda: (tmp_path / 'a/b.py').write_text('x = 2'),
        lambda: (tmp_path / 'a/b.py').rename(tmp_path / 'b.py'),
        lambda: (tmp_path / 'empty.py').touch(),
    ):
        change()
        code_hash.cache_clear()
        found.append(code_hash(Path(tmp_path)))
    assert len(set(found)) == 4
    # A lock of Emacs leads nowhere; a wheel has configs beside the code.
    (tmp_path / '.#empty.py').symlink_to('somebody@host.1')
    (tmp_path / '.mim').mkdir()
    (tmp_path / '.mim/config.py').write_text('x = 3')
    code_hash.cache_clear()
    assert code_hash(Path(tmp_path)) == found[-1]
    assert code_hash(tmp_path / 'a') is None
    assert re.fullmatch('[0-9a-f]{12}', found[0])


def test_facts_of_the_run(whole, root):
    from mmsemi.datasets.splits import list_hash, read_list

    summary = summary_of(whole[0])
    assert summary['seed'] == 3
    for role, name, images in (
        ('labeled', 'labeled', 6),
        ('unlabeled', 'unlabeled', 9),
        ('val', 'val', 3),
    ):
        path = str(root / f'{name}.txt')
        assert summary['data'][role] == [
            dict(
                list=path,
                images=images,
                sha256=list_hash(read_list(path))[:12],
            )
        ]
    assert summary['versions']['torch'] == torch.__version__
    assert any('mmsegmentation' in name for name in summary['versions'])
    assert summary['versions']['mmsemi'] == (
        f'{mmsemi.__version__} (code {code_hash()})'
    )
    assert summary['machine']['processes'] == 1
    assert summary['machine']['cpu']
    assert 50 < summary['peak_memory_mib']['process'] < 100000


def test_peak_of_memory_outlives_the_log(root, tmp_path, monkeypatch):
    """mmengine resets the peak of a GPU whenever it writes a line."""
    memory = dict(process=1.0, gpu=10.0)

    @HOOKS.register_module(force=True)
    class LinesOfGpuHook(Hook):
        """What LoggerHook does where there is a GPU."""

        priority = 'BELOW_NORMAL'

        def after_train_iter(self, runner, *_, **__):
            memory['gpu'] = 900.0 if runner.iter == 7 else 20.0
            runner.log_processor._get_max_memory(runner)

    def forget(self, runner) -> int:
        memory['gpu'] = 10.0
        return 0

    monkeypatch.setattr(LogProcessor, '_get_max_memory', forget)
    module = 'mmsemi.engine.hooks.run_summary_hook.peak_memory'
    monkeypatch.setattr(module, lambda: dict(memory))
    cfg = outcome_config(root, tmp_path)
    cfg.custom_hooks.append(dict(type='LinesOfGpuHook'))
    train(cfg)
    assert summary_of(cfg)['peak_memory_mib'] == dict(process=1.0, gpu=900.0)


def test_files_named_in_the_summary_exist(whole):
    cfg, _ = whole
    files = summary_of(cfg)['files']
    assert set(files) == {'picture', 'segmentor'}
    for name in files.values():
        assert (Path(cfg.work_dir) / name).is_file()
    assert not list(Path(cfg.work_dir).rglob('*.partial'))


@pytest.mark.parametrize('iteration', [1, 4, 7])
def test_killed_run_has_each_round_once(root, whole, tmp_path, iteration):
    cfg = outcome_config(root, tmp_path)
    dying = outcome_config(root, tmp_path)
    dying.custom_hooks.append(dict(type='KillHook', iteration=iteration))
    with pytest.raises(Killed):
        train(dying)
    if iteration >= 4:
        before = summary_of(cfg)
        assert not before['finished']
        assert len(before['rounds']) == iteration // 4
    train(cfg, resume=True)
    rows, expected = summary_of(cfg)['rounds'], summary_of(whole[0])['rounds']
    timed = [
        key for key in expected[0] if key.startswith(('seconds', 'images_per'))
    ]
    for row, other in zip(rows, expected):
        for key in set(row) - set(timed):
            assert row[key] == other[key], key
        assert row['images_per_second'] == pytest.approx(
            16 / row['seconds_training']
        )
    assert len(rows) == 3
    wall = summary_of(cfg)['wall_seconds']
    assert sum(row['seconds'] for row in rows) <= wall
    with (
        np.load(tmp_path / 'pictures/round_0.npz') as a,
        np.load(Path(whole[0].work_dir) / 'pictures/round_0.npz') as b,
    ):
        assert set(a) == set(b)
        assert all(np.array_equal(a[key], b[key]) for key in a)


def test_finished_run_resumed_keeps_its_summary(root, tmp_path):
    cfg = outcome_config(root, tmp_path)
    train(cfg)
    before = summary_of(cfg)
    train(cfg, resume=True)
    assert summary_of(cfg)['rounds'] == before['rounds']
    assert summary_of(cfg)['last_miou'] == before['last_miou']


def supervised(root, work_dir):
    cfg = outcome_config(root, work_dir)
    cfg.train_cfg = dict(
        type='IterBasedTrainLoop', max_iters=6, val_interval=3
    )
    cfg.default_hooks.checkpoint = dict(type='SafeCheckpointHook', interval=3)
    cfg.custom_hooks = []
    return cfg


@pytest.fixture
def all_lines(monkeypatch):
    """Progress is told at once, though the work takes no time."""
    monkeypatch.setattr(Progress, 'pause', 0)


def test_run_without_rounds(root, tmp_path, capsys, all_lines):
    cfg = supervised(root, tmp_path)
    train(cfg)
    summary = summary_of(cfg)
    (row,) = summary['rounds']
    assert row['round'] == 0 and row['iterations'] == 6
    assert row['val_miou'] == summary['last_miou'] is not None
    assert summary['gain_over_round_0'] is None
    assert (tmp_path / 'pictures/before_after.png').is_file()
    printed = capsys.readouterr().out
    assert 'training:  50 % (3/6)' in printed
    assert 'after 6 iterations' in printed
    assert [r['iteration'] for r in row['validations']] == [3, 6]
    # The last validation is not said twice.
    assert printed.count(': val mIoU') == 1
    first = row['validations'][0]['miou']
    assert f'iteration 3 of 6: val mIoU {first:.1f}' in printed
    lines = printed.splitlines()
    (classes,) = [k for k in lines if k.startswith('IoU of each class: ')]
    assert classes.count(', ') == 2
    for name, value in row['class_iou'].items():
        assert f'{name} {value:.1f}' in classes
    assert summary['method']['labeled_only']


def test_a_class_that_is_never_found_is_named(root, tmp_path, capsys):
    cfg = supervised(root, tmp_path)
    # A bias this low cannot be unlearned in six iterations.
    cfg.custom_hooks = [dict(type='DeadClassHook', index=2)]
    train(cfg)
    (row,) = summary_of(cfg)['rounds']
    assert 'bar' in row['dead_classes'] and row['class_iou']['bar'] == 0
    printed = capsys.readouterr().out
    assert (
        sum(
            'no pixel of' in line.lower() and 'bar' in line
            for line in printed.splitlines()
        )
        == 2
    )  # at the validation on the way, and at the end


@HOOKS.register_module()
class DeadClassHook(Hook):
    def __init__(self, index):
        self.index = index

    def before_train(self, runner):
        head = runner.model.student.decode_head.conv_seg
        with torch.no_grad():
            head.bias[self.index] = -1e6


def test_printed_table(root, tmp_path, capsys, all_lines):
    cfg = outcome_config(root, tmp_path)
    train(cfg)
    lines = capsys.readouterr().out.splitlines()
    title = next(k for k, line in enumerate(lines) if 'labels used' in line)
    for word in (
        'round',
        'portion',
        'kept',
        'pseudo-label accuracy',
        'val mIoU',
        'time',
    ):
        assert word in lines[title]
    table = lines[title:]
    assert all(
        line.isascii() and len(line) <= 100
        for line in table
        if line.startswith(('|', '+'))
    )
    assert (
        sum('labeled only' in line and line.startswith('|') for line in table)
        == 1
    )
    assert sum('6 + 9 pseudo' in line for line in table) == 2
    assert any(line.startswith('Self-training') for line in table)
    for name in ('summary.json', 'pictures/before_after.png', 'segmentor.pth'):
        assert any(line.endswith(str(tmp_path / name)) for line in table)
    finished = [line for line in lines if ' finished in ' in line]
    assert [line[:7] for line in finished] == ['round 0', 'round 1', 'round 2']
    # A line for each tenth of a round: here, for each iteration.
    assert sum(line.startswith('round 2/2: ') for line in lines) == 4
    # How long the run takes is known when something was labeled, and said
    # where it is not what the bar says.
    told = [line[:9] for line in lines if ', run: ' in line]
    assert told == ['round 1/2'] * 4


def test_labeling_and_training_are_reckoned_apart(monkeypatch):
    """A long labeling, then fast steps: not so long for each step."""
    now = [0.0]
    module = 'mmsemi.engine.hooks.progress_hook.time.perf_counter'
    monkeypatch.setattr(module, lambda: now[0])
    loop = SimpleNamespace(
        round=1, num_rounds=2, round_begin=10, round_end=20, max_iters=30
    )
    runner = SimpleNamespace(train_loop=loop, max_iters=30, iter=10)
    hook = ProgressHook(calm=False)
    hook.before_train(runner)
    now[0] = 600
    hook.before_train_iter(runner, 0)
    now[0] = 604
    assert hook._run_left(runner, 12) == 2 * 18 + 600
    loop.round = 2
    assert hook._run_left(runner, 12) is None
    hook.after_train(runner)


def test_progress_goes_on_where_a_run_was_killed(
    root, tmp_path, capsys, all_lines
):
    dying = outcome_config(root, tmp_path)
    dying.custom_hooks.append(dict(type='KillHook', iteration=6))
    with pytest.raises(Killed):
        train(dying)
    capsys.readouterr()
    train(outcome_config(root, tmp_path), resume=True)
    lines = [
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith(('round 1/2: ', 'round 2/2: '))
    ]
    assert [line.split('(')[1].split(')')[0] for line in lines] == [
        '3/4',
        '4/4',
        '1/4',
        '2/4',
        '3/4',
        '4/4',
    ]


def test_exported_segmentor_predicts_in_mmseg(whole):
    cfg, runner = whole
    folder = Path(cfg.work_dir)
    model = init_model(
        str(folder / 'segmentor.py'),
        str(folder / 'segmentor.pth'),
        device='cpu',
    )
    image = np.full((*SIZE, 3), 100, np.uint8)
    result = inference_model(model, image)
    assert result.pred_sem_seg.data.shape == (1, *SIZE)
    assert model.dataset_meta['classes'] == list(CLASSES)
    trained = runner.model.student.state_dict()
    for name, value in model.state_dict().items():
        assert torch.equal(value, trained[name]), name


def test_what_fails_at_the_end_is_a_warning(root, tmp_path, monkeypatch):
    """The run has its model; picture and export are extras."""
    from mmsemi.engine.hooks import export_hook, round_picture_hook

    def broken(*args, **kwargs):
        raise RuntimeError('no such thing')

    monkeypatch.setattr(export_hook, 'export_segmentor', broken)
    monkeypatch.setattr(round_picture_hook, 'draw_rounds', broken)
    warnings = []
    monkeypatch.setattr(
        MMLogger, 'warning', lambda self, text, *args: warnings.append(text)
    )
    cfg = outcome_config(root, tmp_path)
    cfg.train_cfg.portions = (1.0,)
    train(cfg)
    assert summary_of(cfg)['finished'] and summary_of(cfg)['files'] == {}
    assert sum('no such thing' in text for text in warnings) == 3


def test_pictures_do_not_change_training(root, whole, tmp_path):
    cfg = tiny_config(root, tmp_path)
    for (name, a), b in zip(
        train(cfg).model.state_dict().items(),
        whole[1].model.state_dict().values(),
    ):
        assert torch.equal(a, b), name


def test_log_file_gets_what_the_console_does_not(tmp_path, capsys):
    logger = MMLogger('calm', log_file=str(tmp_path / 'run.log'))
    calm_console(logger)
    calm_console(logger)
    assert len(logger.handlers[0].filters) == 2
    logger.info('Iter(train) [ 50/100]  loss: 1.0')
    logger.info('\n+----+\n| car |')
    logger.warning('Iter( is fine in a warning')
    logger.info('an important message')
    restore_console(logger)
    logger.info('a restored message')
    calm_console(logger)
    announce(logger, 'the\ntable')
    for handler in logger.handlers:
        handler.flush()
    printed, written = (
        capsys.readouterr().out,
        (tmp_path / 'run.log').read_text(),
    )
    assert 'loss: 1.0' not in printed and 'car' not in printed
    lines = printed.splitlines()
    assert 'an important message' in lines  # without date and level
    assert any(re.search('WARN.*in a warning', line) for line in lines)
    assert any(re.search('INFO.*a restored', line) for line in lines)
    assert printed.endswith('the\ntable\n')
    for text in ('loss: 1.0', '| car |', 'important', 'the\ntable'):
        assert written.count(text) == 1
    assert logging.getLogger('calm') is not logger


def test_calm_runner_starts_calmly(root, tmp_path, capsys):
    from mmsemi.registry import RUNNERS

    cfg = outcome_config(root, tmp_path, log_level='INFO')
    cfg.runner_type = 'CalmRunner'
    RUNNERS.build(cfg)
    printed = capsys.readouterr().out
    (log,) = tmp_path.rglob('*.log')
    for text in ('System environment', 'Config:', 'Hooks will be executed'):
        assert text in log.read_text() and text not in printed


def test_tensorboard_gets_curves_and_pictures(root, tmp_path):
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import (
        EventAccumulator,
    )

    cfg = outcome_config(root, tmp_path)
    cfg.vis_backends = [
        dict(type='LocalVisBackend'),
        dict(type='TensorboardVisBackend'),
    ]
    cfg.visualizer = dict(
        type='SegLocalVisualizer',
        vis_backends=cfg.vis_backends,
        name=cfg.experiment_name,
    )
    cfg.default_hooks.logger = dict(
        type='LoggerHook', interval=2, log_metric_by_epoch=False
    )
    cfg.train_cfg.portions = (1.0,)
    train(cfg)
    (folder,) = {p.parent for p in tmp_path.rglob('events.out.tfevents*')}
    events = EventAccumulator(str(folder)).Reload()
    assert {'loss', 'mIoU', 'lr', 'round/pseudo_label_accuracy'} <= set(
        events.Tags()['scalars']
    )
    assert [e.step for e in events.Images('before_after')] == [4, 8]
    assert not list(tmp_path.rglob('vis_image/before_after*'))


@pytest.mark.parametrize('accuracy, told', [(None, False), (0.0, True)])
def test_labels_that_are_all_wrong_are_told(tmp_path, accuracy, told) -> None:
    lines: list[str] = []
    runner = SimpleNamespace(
        logger=SimpleNamespace(info=lines.append),
        message_hub=SimpleNamespace(update_info=lambda *_: None),
    )
    labels = dict(candidates=9, threshold=0.5, kept=3, accuracy=accuracy)
    manifest = dict(
        round=1,
        kept=1 / 3,
        images=2,
        accuracy=accuracy,
        per_class=dict(disc=labels),
    )
    PseudoLabelHook(dict(type='ClassBalancedPseudoLabeler'))._publish(
        runner, PseudoLabelStore(tmp_path), manifest
    )
    assert ('of which 0.0% are right' in lines[0]) == told
