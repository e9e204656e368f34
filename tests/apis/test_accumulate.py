"""Real runs that take their steps in parts, in any number of them."""

import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmsemi.apis import fit_trial
from mmsemi.apis.inference import Predictor
from mmsemi.apis.train import train
from mmsemi.engine.hooks import MeanTeacherHook
from mmsemi.engine.memory import is_out_of_memory
from mmsemi.models.segmentors import MeanTeacher
from mmsemi.utils.errors import UsageError
from tests.engine.test_cutmix_partners import ael_config
from tests.engine.test_cutmix_partners import lines as partner_lines
from tests.engine.test_online_training import lines, online_config
from tests.tiny import CLASSES, SIZE, Killed, make_tiny_set

BATCH = 4, 2
# As torch says it, and as it passes on what libraries say.
NO_MEMORY = (
    torch.cuda.OutOfMemoryError('CUDA out of memory.'),
    RuntimeError('CUDA error: out of memory\nCUDA kernel errors might be'),
    RuntimeError(
        'CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling '
        '`cublasCreate(handle)`'
    ),
    RuntimeError('cuDNN error: CUDNN_STATUS_ALLOC_FAILED'),
    RuntimeError('CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED'),
)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('parts') / 'data')


def written(cfg, folder, *hooks):
    """The config as a file, without validation."""
    cfg = copy.deepcopy(cfg)
    cfg.custom_hooks += hooks
    for part in ('dataloader', 'evaluator', 'cfg'):
        cfg[f'val_{part}'] = None
    cfg.train_cfg.pop('val_interval')
    path = folder / 'method.py'
    cfg.dump(str(path))
    return str(path)


def online(root, folder):
    cfg = online_config(root, folder / 'run')
    cfg.train_dataloader.batch_size = sum(BATCH)
    cfg.train_dataloader.sampler.samples_per_source = BATCH
    return cfg


@pytest.fixture(scope='module')
def run(root, tmp_path_factory):
    """A run that takes its steps whole."""
    folder = tmp_path_factory.mktemp('whole')
    cfg = online(root, folder)
    cfg.default_hooks.export = dict(type='ExportHook')
    train(written(cfg, folder))
    return cfg


@pytest.fixture
def whole(run):
    """The images of each iteration."""
    return images(run)


def images(cfg) -> dict:
    return {k: images for k, (images, _) in lines(cfg).items()}


def test_a_run_without_validation_gives_a_segmentor(root, run) -> None:
    folder = Path(run.work_dir)
    predictor = Predictor(
        Config.fromfile(folder / 'segmentor.py'), folder / 'segmentor.pth'
    )
    assert tuple(predictor.classes) == CLASSES
    assert predictor(root / 'images/00.png')['ids'].shape == SIZE


def test_resumed_in_another_number_of_parts(root, whole, tmp_path) -> None:
    cfg = online(root, tmp_path)
    kill = dict(type='KillHook', iteration=5)
    with pytest.raises(Killed):
        train(written(cfg, tmp_path, kill), accumulate=2)
    dumped = Config.fromfile(tmp_path / 'run/method.py')
    assert dumped.machine == dict(processes=1, accumulate=2)
    # The hook that killed is no part of the run.
    dumped.custom_hooks = dumped.custom_hooks[:-1]
    dumped.dump(str(tmp_path / 'run/method.py'))
    train(written(cfg, tmp_path), resume=True)
    assert images(cfg) == whole


def test_auto_takes_smaller_parts_until_a_step_fits(
    root, whole, tmp_path, monkeypatch, capsys
) -> None:
    """Also where the first step that is too large comes after a warm-up."""
    cfg = online(root, tmp_path)
    cfg.model.semi_train_cfg.warmup_iters = 3
    step, sizes = MeanTeacher.step, []

    def needs_memory(self, batch):
        sizes.append(len(batch.weak))
        if len(batch.weak) > 1:
            raise NO_MEMORY[2]
        return step(self, batch)

    for error in NO_MEMORY:
        assert is_out_of_memory(error)
    other = 'CUDA error: CUBLAS_STATUS_EXECUTION_FAILED'
    assert not is_out_of_memory(RuntimeError(other))
    assert not is_out_of_memory(ValueError('CUDA out of memory'))
    monkeypatch.setattr(MeanTeacher, 'step', needs_memory)
    train(written(cfg, tmp_path), accumulate='auto')
    assert sizes == [2] + 10 * [1]
    assert images(cfg) == whole
    assert 'is now taken in 2 parts' in capsys.readouterr().out


def test_a_step_that_is_too_large_is_one_sentence(
    root, tmp_path, monkeypatch
) -> None:
    def never(self, batch):
        raise NO_MEMORY[3]

    monkeypatch.setattr(MeanTeacher, 'step', never)
    path = written(online(root, tmp_path), tmp_path)
    with pytest.raises(UsageError, match='--resume --accumulate 2'):
        train(path)
    with pytest.raises(UsageError, match='one by one .*crop_size'):
        train(path, overwrite=True, accumulate='auto')


def test_partners_stay_with_their_images(root, tmp_path) -> None:
    """AEL pastes from the same images, however the step is taken."""
    found = {}
    for parts in (1, 2):
        folder = tmp_path / str(parts)
        folder.mkdir()
        cfg = ael_config(root, folder / 'run')
        cfg.train_dataloader.batch_size = 4 + 4 + 2 + 2
        cfg.train_dataloader.sampler.samples_per_source = (4, 4, 2)
        train(written(cfg, folder), accumulate=parts)
        found[parts] = partner_lines(cfg)
    for k, (stems, numbers, classes, _) in found[1].items():
        others, in_parts, drawn, presence = found[2][k]
        assert others['sup'] == stems['sup']
        pairs = set(zip(numbers[:2], numbers[2:]))
        if k < 3:  # before predictions differ, and with them what is drawn
            assert pairs == {tuple(in_parts[:2]), tuple(in_parts[2:])}
            assert drawn == classes
        unlabeled = others['unsup_student']
        assert len(unlabeled) == 4 and {*in_parts[::2]} == {*numbers[:2]}
        assert len(presence[0]) == 9
    assert any(map(any, presence))


def fit_tries(folder, monkeypatch, largest, **wish):
    """What fit finds out where so many unlabeled images fit a GPU."""
    step, sizes = MeanTeacher.step, []

    def needs_memory(self, batch):
        sizes.append(len(batch.weak))
        if len(batch.weak) > largest:
            raise NO_MEMORY[1]
        return step(self, batch)

    monkeypatch.setattr(MeanTeacher, 'step', needs_memory)
    monkeypatch.setattr(fit_trial, 'device_kind', lambda: 'cuda')
    wish = dict(iters=None, budget=60.0, folds=0) | wish
    tried = fit_trial.try_out(folder, ['method.py'], **wish)
    return {s.name: s for s in tried.settings}, sizes, tried


def test_fit_tries_what_fits_the_memory(root, tmp_path, monkeypatch) -> None:
    cfg = online(root, tmp_path)
    for hook in cfg.custom_hooks:  # as configs may name it, too
        hook.type = f'mmsemi.{hook.type}'
    written(cfg, tmp_path)
    with monkeypatch.context() as patch:
        moved: list[int] = []
        patch.setattr(
            MeanTeacherHook,
            'after_train_iter',
            lambda self, runner, *_, **__: moved.append(runner.iter),
        )
        found, sizes, tried = fit_tries(tmp_path, patch, largest=1)
    assert moved == [0, *range(8)]  # the first try ends at its second step
    assert sizes[0] == 2 and set(sizes[1:]) == {1} and len(sizes) > 8
    assert found['accumulate'].value == 2
    assert 'does not fit the memory of the GPU' in found['accumulate'].reason
    assert tried.iterations == found['iterations'].value >= 100
    with monkeypatch.context() as patch:
        found, sizes, tried = fit_tries(tmp_path, patch, largest=2, iters=7)
    assert sizes == [2] and tried.seconds == []
    assert found['accumulate'].value == 1 and tried.iterations == 7
    assert not (tmp_path / 'run').exists()
    with pytest.raises(UsageError, match='method.py: a step takes its images'):
        fit_tries(tmp_path, monkeypatch, largest=0)


def test_on_a_cpu_and_with_iterations_nothing_is_tried(tmp_path) -> None:
    tried = fit_trial.try_out(tmp_path, ['none.py'], 7, 60.0, 0)
    assert [s.name for s in tried.settings] == ['iterations']
    assert tried.iterations == 7
