"""The commands as a user starts them, on a data set of a few images."""

import json
import os
import runpy
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.processes import run_script, start_script
from tests.tiny import make_tiny_set, tiny_config

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """Config file and environment of a tiny run."""
    folder = tmp_path_factory.mktemp('command')
    root = make_tiny_set(folder / 'data')
    cfg = tiny_config(root, folder / 'unused')
    cfg.pop('work_dir')
    cfg.pop('experiment_name')
    cfg.log_level = 'INFO'
    cfg.custom_hooks = [
        hook for hook in cfg.custom_hooks if hook.type != 'RecordHook'
    ]
    cfg.default_hooks.summary = dict(type='RunSummaryHook')
    cfg.test_dataloader = cfg.val_dataloader
    cfg.test_evaluator = cfg.val_evaluator
    cfg.test_cfg = dict(type='TestLoop')
    cfg.tta_model = dict(type='SegTTAModel')
    cfg.tta_pipeline = [
        dict(type='LoadImageFromFile'),
        dict(
            type='TestTimeAug',
            transforms=[
                [dict(type='RandomFlip', prob=p) for p in (0.0, 1.0)],
                [dict(type='LoadAnnotations')],
                [dict(type='PackSegInputs')],
            ],
        ),
    ]
    path = folder / 'tiny.py'
    cfg.dump(str(path))
    return path


def command(*arguments, **environment):
    """Run a tool and return what it prints; fail if it does."""
    arguments = [str(a) for a in arguments]
    if arguments[0].endswith('.py'):
        arguments.insert(0, sys.executable)
    environment = dict(
        os.environ,
        PYTHONPATH=str(ROOT),
        OMP_NUM_THREADS='1',
        PATH=f'{Path(sys.executable).parent}:{os.environ["PATH"]}',
        **environment,
    )
    done = subprocess.run(
        arguments,
        env=environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


@pytest.fixture
def error(monkeypatch):
    """What a failing tool says; started here, to save a process each."""

    def start(tool, *arguments):
        monkeypatch.setattr(sys, 'argv', [str(tool), *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            runpy.run_path(str(tool), run_name='__main__')
        return stopped.value.code

    return start


TRAIN, TEST = ROOT / 'tools/train.py', ROOT / 'tools/test.py'


@pytest.fixture(scope='module')
def trained(run):
    work_dir = run.parent / 'trained'
    command(TRAIN, run, '--work-dir', work_dir)
    return work_dir


def test_a_run_leaves_checkpoint_labels_and_summary(trained):
    summary = json.loads((trained / 'summary.json').read_text())
    assert summary['finished']
    assert [row['round'] for row in summary['rounds']] == [0, 1, 2]
    assert (trained / 'iter_12.pth').is_file()
    assert (trained / 'pseudo_labels/round_2/manifest.json').is_file()


def test_mistakes_end_in_one_message(run, trained, error):
    assert 'nowhere.py' in error(TRAIN, 'nowhere.py')
    assert '--resume' in error(TRAIN, run, '--work-dir', trained)
    assert 'nothing to resume' in error(
        TRAIN, run, '--resume', '--work-dir', run.parent / 'empty'
    )
    assert 'gone/labeled.txt' in error(
        TRAIN, run, '--work-dir', run.parent / 'b', '--split', 'gone'
    )
    assert 'gone.pth' in error(TEST, run, 'gone.pth')
    assert 'train_cfg.supervised_iters' in error(
        TRAIN,
        run,
        '--resume',
        '--work-dir',
        trained,
        '--cfg-options',
        'train_cfg.supervised_iters=9',
    )
    (run.parent / 'data/masks/00.png').rename(run.parent / 'mask.png')
    try:
        assert 'masks/00.png' in error(
            TRAIN, run, '--work-dir', run.parent / 'c'
        )
    finally:
        (run.parent / 'mask.png').rename(run.parent / 'data/masks/00.png')


def test_split_option_replaces_both_lists(run, trained):
    split = run.parent / 'split'
    split.mkdir()
    (split / 'labeled.txt').write_text('00\n01\n02\n03\n')
    (split / 'unlabeled.txt').write_text('04\n05\n06\n')
    work_dir, log = run.parent / 'with_split', run.parent / 'split.log'
    run_script(TRAIN, run, '--work-dir', work_dir, '--split', split, log=log)
    summary = json.loads((work_dir / 'summary.json').read_text())
    counts = [
        summary['data'][role][0]['images'] for role in ('labeled', 'unlabeled')
    ]
    assert counts == [4, 3]
    labels = work_dir / 'pseudo_labels/round_1/labels'
    assert sorted(p.stem for p in labels.iterdir()) == ['04', '05', '06']


def test_testing_tool(run, trained):
    checkpoint = trained / 'iter_12.pth'
    out, shown = run.parent / 'out', run.parent / 'shown'
    text = run_script(
        TEST,
        run,
        checkpoint,
        '--work-dir',
        run.parent / 'test',
        '--out',
        out,
        '--show-dir',
        shown,
        '--predict-on',
        'student',
        log=run.parent / 'test.log',
    )
    summary = json.loads((trained / 'summary.json').read_text())
    value = summary['rounds'][-1]['val_miou']
    assert f'mIoU: {value:.4f}' in text
    assert sorted(p.name for p in out.glob('*.png')) == [
        '15.png',
        '16.png',
        '17.png',
    ]
    assert list(shown.rglob('*.png'))
    text = run_script(
        TEST,
        run,
        checkpoint,
        '--tta',
        '--work-dir',
        run.parent / 'tta',
        log=run.parent / 'tta.log',
    )
    assert 'mIoU: ' in text


def test_two_processes_without_a_gpu(run, trained):
    work_dir = run.parent / 'two'
    command(
        ROOT / 'tools/dist_train.sh',
        run,
        2,
        '--work-dir',
        work_dir,
        '--cfg-options',
        'model.student.backbone.norm_cfg.type=SyncBN',
        PORT='29731',
        CUDA_VISIBLE_DEVICES='-1',
    )
    summary = json.loads((work_dir / 'summary.json').read_text())
    assert summary['machine']['processes'] == 2 and summary['finished']
    text = command(
        ROOT / 'tools/dist_test.sh',
        run,
        work_dir / 'iter_12.pth',
        2,
        '--work-dir',
        run.parent / 'test2',
        PORT='29732',
        CUDA_VISIBLE_DEVICES='-1',
    )
    value = summary['rounds'][-1]['val_miou']
    one = run_script(
        TEST,
        run,
        work_dir / 'iter_12.pth',
        '--work-dir',
        run.parent / 'test1',
        log=run.parent / 'test1.log',
    )
    assert f'mIoU: {value:.4f}' in text and f'mIoU: {value:.4f}' in one


def test_a_killed_run_resumes_by_command(run):
    work_dir = run.parent / 'killed'
    log = run.parent / 'killed.log'
    process = start_script(TRAIN, run, '--work-dir', work_dir, log=log)
    while not list(work_dir.glob('iter_[56].pth')):
        assert process.is_alive(), log.read_text()
        time.sleep(0.02)
    process.kill()
    process.join()
    run_script(TRAIN, run, '--work-dir', work_dir, '--resume', log=log)
    summary = json.loads((work_dir / 'summary.json').read_text())
    assert summary['finished'] and summary['iterations'] == 12
    assert [row['round'] for row in summary['rounds']] == [0, 1, 2]
