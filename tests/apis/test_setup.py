import copy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmsemi.apis import config, launcher, setup
from mmsemi.apis.run_record import (
    UNMOVED,
    add_place,
    begin_record,
    check_lists,
    list_hashes,
    moves,
    read_record,
)
from mmsemi.apis.work_dir import check_work_dir, run_files
from mmsemi.models.norms import share_statistics
from mmsemi.models.plain_config import plain_model_config
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.end_to_end.test_any_machine import METHODS


@pytest.fixture
def cfg(tmp_path):
    return Config(
        dict(
            work_dir=str(tmp_path / 'run'),
            model=dict(type='EncoderDecoder', norm=dict(type='BN')),
            train_cfg=dict(max_iters=10, portions=(0.5, 1.0)),
            train_dataloader=dict(batch_size=4, num_workers=1),
            log_level='INFO',
        )
    )


def start(cfg, name='method.py'):
    """What the Runner leaves when it starts."""
    work_dir = Path(cfg.work_dir)
    work_dir.mkdir()
    cfg.dump(str(work_dir / name))
    return work_dir


def test_a_run_on_another_drive_than_its_config(cfg, tmp_path, monkeypatch):
    """On Windows no relative path leads there."""

    def relpath(path, folder):
        raise ValueError(f'path is on mount {path}, start on mount {folder}')

    monkeypatch.setattr('mmsemi.apis.run_record.osp.relpath', relpath)
    Path(cfg.work_dir).mkdir()
    monkeypatch.setattr('mmsemi.apis.run_record.list_hashes', lambda _: {})
    path = str(tmp_path / 'a' / 'method.py')
    begin_record(cfg, path)
    assert moves(cfg.work_dir, path) == UNMOVED
    add_place(cfg.work_dir, path)
    assert read_record(cfg.work_dir)['place'] == cfg.work_dir


def test_a_missing_config_is_named(tmp_path):
    with pytest.raises(UsageError, match='nowhere.py'):
        config.load_config(str(tmp_path / 'nowhere.py'))
    child = tmp_path / 'child.py'
    child.write_text("_base_ = ['./base.py']\n")
    with pytest.raises(UsageError, match='base.py'):
        config.load_config(str(child))


def test_work_dir_option_config_and_name_in_that_order(cfg):
    given = cfg.work_dir
    assert str(config.set_work_dir(cfg, 'a/b.py', 'other')) == 'other'
    cfg.work_dir = given
    assert str(config.set_work_dir(cfg, 'a/b.py', None)) == given
    cfg.work_dir = None
    path = config.set_work_dir(cfg, 'a/b.py', None, suffix='test')
    assert path.as_posix() == 'work_dirs/b/test'
    cfg = Config()
    path = config.set_work_dir(cfg, 'x/configs/dmt/b.py', None)
    assert path.as_posix() == 'work_dirs/dmt/b'
    for split, name in (
        ('1464', 'b_1464'),
        ('20/seed1', 'b_20-seed1'),
        ('/data/camvid/1_16/seed0/', 'b_1_16-seed0'),
        ('../mine', 'b_mine'),
    ):
        path = config.set_work_dir(Config(), 'dmt/b.py', None, split=split)
        assert path.as_posix() == f'work_dirs/{name}'


def test_an_empty_work_dir_may_be_used(cfg):
    check_work_dir(cfg, 'method.py')
    Path(cfg.work_dir).mkdir()
    check_work_dir(cfg, 'method.py')


@pytest.mark.parametrize('folder', ['pseudo_labels', 'pictures'])
@pytest.mark.parametrize('resume', [False, True])
def test_files_behind_a_link_are_not_those_of_a_run(
    cfg, tmp_path, folder, resume
):
    """A copied run may hold links to what the original has."""
    mine = tmp_path / 'mine/round_0'
    mine.mkdir(parents=True)
    work_dir = Path(cfg.work_dir)
    work_dir.mkdir(parents=True, exist_ok=True)
    if resume:
        cfg.dump(str(work_dir / 'method.py'))
    (work_dir / folder).symlink_to(mine.parent)
    with pytest.raises(UsageError, match=f'{folder}.*symbolic link leads'):
        check_work_dir(cfg, 'method.py', resume=resume)
    (work_dir / 'run.json').write_text('{}')
    aside = check_work_dir(cfg, 'method.py', overwrite=True)
    assert (aside / folder).is_symlink() and mine.is_dir()
    check_work_dir(cfg, 'method.py')


def test_a_file_called_as_the_config_is_not_written_over(cfg):
    work_dir = Path(cfg.work_dir)
    work_dir.mkdir()
    (work_dir / 'method.py').write_text('# mine')
    with pytest.raises(UsageError, match='method.py, where a file of no run'):
        check_work_dir(cfg, 'method.py')
    assert (work_dir / 'method.py').read_text() == '# mine'
    check_work_dir(cfg, 'method.py', overwrite=True)
    aside = work_dir.with_name('run.old-1')
    assert (aside / 'method.py').read_text() == '# mine'
    assert not (work_dir / 'method.py').exists()


def test_pictures_of_others_stay_where_no_run_is(cfg):
    work_dir = Path(cfg.work_dir)
    (work_dir / 'pictures').mkdir(parents=True)
    for name in ('helper.py', 'x.pth', 'pictures/mine.png'):
        (work_dir / name).write_text('mine')
    check_work_dir(cfg, 'method.py')
    check_work_dir(cfg, 'method.py', overwrite=True)
    assert (work_dir / 'pictures/mine.png').read_text() == 'mine'
    assert (work_dir / 'x.pth').exists()
    assert not work_dir.with_name('run.old-1').exists()


def test_images_of_a_folder_are_a_list_too(cfg, tmp_path):
    images = tmp_path / 'images'
    images.mkdir()
    (images / 'a.jpg').touch()
    cfg.train_dataloader.dataset = dict(
        type='BaseSegDataset',
        data_root=str(tmp_path),
        data_prefix=dict(img_path='images'),
    )
    record = dict(lists=list_hashes(cfg))
    check_lists('run', record, cfg)
    (images / 'b.jpg').touch()
    with pytest.raises(UsageError, match='images names other images'):
        check_lists('run', record, cfg)


@pytest.mark.parametrize(
    'left',
    [
        'iter_5.pth',
        'pseudo_labels/round_1/a.png',
        'summary.json',
        'last_checkpoint',
    ],
)
def test_a_run_is_never_written_over_silently(cfg, left):
    path = start(cfg) / left
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('old')
    with pytest.raises(UsageError, match='--resume.*--overwrite'):
        check_work_dir(cfg, 'method.py')
    assert path.exists()
    check_work_dir(cfg, 'method.py', resume=True)
    assert path.exists()
    check_work_dir(cfg, 'method.py', overwrite=True)
    assert not path.exists()
    assert run_files(cfg.work_dir) == []


def test_overwriting_leaves_other_files_alone(cfg):
    work_dir = start(cfg)
    (work_dir / 'iter_5.pth').write_text('old')
    (work_dir / 'notes.md').write_text('mine')
    check_work_dir(cfg, 'method.py', overwrite=True)
    assert (work_dir / 'notes.md').read_text() == 'mine'


def test_nothing_to_resume(cfg):
    with pytest.raises(UsageError, match='nothing to resume'):
        check_work_dir(cfg, 'method.py', resume=True)
    start(cfg, 'another.py')
    with pytest.raises(UsageError, match='another.py'):
        check_work_dir(cfg, 'method.py', resume=True)


def test_a_run_resumes_with_its_own_config_only(cfg):
    start(cfg)
    check_work_dir(cfg, 'method.py', resume=True)
    cfg.log_level = 'ERROR'
    cfg.train_dataloader.num_workers = 8
    cfg.model.norm.type = 'SyncBN'  # replaced on CPUs by the launcher
    check_work_dir(cfg, 'method.py', resume=True)
    cfg.train_cfg.max_iters = 20
    with pytest.raises(UsageError, match='train_cfg.max_iters: 10 -> 20'):
        check_work_dir(cfg, 'method.py', resume=True)


def test_amp_needs_a_gpu(monkeypatch):
    cfg = Config(dict(optim_wrapper=dict(type='OptimWrapper')))
    monkeypatch.setattr(config, 'get_device', lambda: 'cpu')
    with pytest.raises(UsageError, match='GPU'):
        config.enable_amp(cfg)
    config.check_amp(cfg)
    wants = Config(dict(optim_wrapper=dict(type='AmpOptimWrapper')))
    with pytest.raises(UsageError, match='optim_wrapper.type=OptimWrapper'):
        config.check_amp(wants)
    monkeypatch.setattr(config, 'get_device', lambda: 'cuda')
    config.check_amp(wants)
    config.enable_amp(cfg)
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    assert cfg.optim_wrapper.loss_scale == 'dynamic'
    # Asked for by the config already: its own settings stay.
    cfg.optim_wrapper.loss_scale = 512.0
    config.enable_amp(cfg)
    assert cfg.optim_wrapper.loss_scale == 512.0
    cfg.optim_wrapper.type = 'ApexOptimWrapper'
    with pytest.raises(UsageError, match='ApexOptimWrapper'):
        config.enable_amp(cfg)


def test_sync_bn_is_replaced_wherever_it_stands():
    cfg = Config(
        dict(
            model=dict(
                norm_cfg=dict(type='SyncBN', requires_grad=True),
                heads=[
                    dict(norm_cfg=dict(type='SyncBN')),
                    dict(type='FCNHead'),
                ],
            )
        )
    )
    share_statistics(cfg.model, False)
    assert cfg.model.norm_cfg == dict(type='BN', requires_grad=True)
    assert cfg.model.heads[0].norm_cfg.type == 'BN'
    assert cfg.model.heads[1].type == 'FCNHead'
    assert plain_model_config(
        dict(cfg.model, norm_cfg=dict(type='SyncBN')), 'student'
    )['norm_cfg'] == dict(type='BN')


@pytest.mark.parametrize(
    'device, start, wish, norm',
    [
        ('cuda', 'pytorch', None, 'SyncBN'),
        ('cuda', 'slurm', True, 'SyncBN'),
        ('cuda', 'pytorch', False, 'BN'),
        ('cuda', 'none', None, 'BN'),
    ],
)
def test_several_gpus_share_statistics(
    cfg, monkeypatch, device, start, wish, norm
):
    """As published; on CPUs PyTorch has no kernel for it."""
    monkeypatch.setattr(launcher, 'get_device', lambda: device)
    if wish is not None:
        cfg.sync_bn = wish
    launcher.setup_launcher(cfg, start)
    assert cfg.model.norm.type == norm
    assert 'sync_bn' not in cfg


def test_shared_statistics_fit_frozen_copies():
    """A teacher has buffers where BatchNorm has parameters."""
    model = copy.deepcopy(METHODS['mean_teacher'])
    share_statistics(model)
    built = MODELS.build(model)
    for network in (built.student, built.teacher):
        norms = [
            module
            for module in network.modules()
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)
        ]
        assert norms
        assert all(isinstance(m, torch.nn.SyncBatchNorm) for m in norms)
    plain = MODELS.build(copy.deepcopy(METHODS['mean_teacher']))
    assert set(plain.state_dict()) == set(built.state_dict())


def test_launching_without_torchrun_is_explained(monkeypatch):
    monkeypatch.setattr(launcher, 'get_device', lambda: 'cpu')
    for name in (
        'RANK',
        'WORLD_SIZE',
        'MASTER_ADDR',
        'MASTER_PORT',
        'SLURM_PROCID',
    ):
        monkeypatch.delenv(name, raising=False)
    for name, word in (
        ('pytorch', 'torchrun'),
        ('slurm', 'slurm_train'),
        ('mpi', 'GPUs'),
    ):
        with pytest.raises(UsageError, match=word):
            launcher.setup_launcher(Config(dict(model=dict())), name)
    cfg = Config(dict(model=dict(norm=dict(type='SyncBN'))))
    launcher.setup_launcher(cfg, 'none')
    assert cfg.launcher == 'none' and cfg.model.norm.type == 'SyncBN'


def test_resume_does_not_start_from_load_from(tmp_path):
    cfg = Config(dict(work_dir=str(tmp_path), load_from='baseline.pth'))
    setup.resume_latest(cfg)
    assert not cfg.resume and cfg.load_from == 'baseline.pth'
    state = dict(
        state_dict={}, meta=dict(iter=5), message_hub={}, optimizer={}
    )
    torch.save(state, tmp_path / 'iter_5.pth')
    (tmp_path / 'last_checkpoint').write_text('iter_5.pth')
    setup.resume_latest(cfg)
    assert cfg.resume and cfg.load_from is None


def test_processes_of_gloo_stop_when_done(tmp_path):
    """With all that was to happen at the end, and success."""
    text = f"""
import atexit, torch
from mmsemi.apis.launcher import end_process
end_process()
atexit.register(print, 'at the end')
print('alone')
torch.distributed.init_process_group(
    'gloo', init_method='file://{tmp_path}/store', rank=0, world_size=1)
print('done', end='; ')
end_process()
print('never')
"""
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', text],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ['alone', 'done; at the end']
