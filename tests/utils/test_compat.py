import subprocess
import sys
from importlib import metadata

import pytest

from mmsemi.utils import compat


def pretend(monkeypatch, **versions):
    """Let exactly these distributions be installed."""
    versions = {name.replace('_', '-'): v for name, v in versions.items()}

    def version(name):
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, 'version', version)


ONEDL = dict(
    onedl_mmengine='0.10.12', onedl_mmcv='2.3.6', onedl_mmsegmentation='1.4.2'
)
OFFICIAL = dict(mmengine='0.10.7', mmcv='2.1.0', mmsegmentation='1.2.2')


@pytest.mark.parametrize(
    'stack, installed',
    [
        ('onedl', ONEDL),
        ('openmmlab', OFFICIAL),
        (
            'openmmlab',
            dict(mmengine='0.10.7', mmcv_lite='2.1.0', mmsegmentation='1.2.2'),
        ),
    ],
)
def test_each_stack_is_recognized(monkeypatch, recwarn, stack, installed):
    pretend(monkeypatch, **installed)
    compat.check_stack()
    assert compat.stack_name() == stack
    assert not recwarn.list


def test_two_stacks_at_once_are_an_error(monkeypatch):
    pretend(monkeypatch, **ONEDL, mmengine='0.10.7')
    with pytest.raises(ImportError, match='same folders.*Uninstall'):
        compat.check_stack()


def test_a_missing_stack_says_what_to_install(monkeypatch):
    pretend(monkeypatch)
    with pytest.raises(ImportError, match='pip install "onedl-mmengine'):
        compat.check_stack()


def test_a_missing_part_is_named(monkeypatch):
    pretend(
        monkeypatch, onedl_mmengine='0.10.12', onedl_mmsegmentation='1.4.2'
    )
    with pytest.raises(ImportError, match='needs onedl-mmcv'):
        compat.check_stack()


def test_an_untested_version_only_warns(monkeypatch):
    pretend(monkeypatch, **dict(ONEDL, onedl_mmcv='2.9.0'))
    with pytest.warns(UserWarning, match='onedl-mmcv 2.9.0'):
        compat.check_stack()


@pytest.mark.slow
def test_models_import_in_a_new_process():
    subprocess.run(
        [sys.executable, '-c', 'import mmsemi, mmseg.models, mmsemi.models'],
        check=True,
        stdin=subprocess.DEVNULL,
    )


def test_a_torchvision_for_another_torch_is_one_sentence(tmp_path):
    for name, text in dict(
        mmpretrain='',
        torchvision="raise RuntimeError('operator torchvision::nms is not')",
    ).items():
        (tmp_path / f'{name}.py').write_text(text)
    done = subprocess.run(
        [
            sys.executable,
            '-c',
            f'import sys; sys.path.insert(0, {str(tmp_path)!r}); '
            'import mmsemi',
        ],
        capture_output=True,
        text=True,
    )
    assert 'ImportError: the installed torchvision' in done.stderr
    assert '(operator torchvision::nms is not)' in done.stderr


class TestPrivateParts:
    """Each against the installed packages, so that a release that breaks
    one is seen here and not in a run."""

    @pytest.fixture
    def runner(self, tmp_path):
        from mmengine.runner import Runner
        from torch import nn

        return Runner(
            model=nn.Linear(1, 1),
            work_dir=str(tmp_path),
            experiment_name=tmp_path.name,
            default_scope='mmsemi',
            log_level='ERROR',
            load_from='some.pth',
            resume=True,
            randomness=dict(seed=1, diff_rank_seed=True),
            visualizer=dict(
                type='SegLocalVisualizer',
                name=tmp_path.name,
                vis_backends=[dict(type='LocalVisBackend')],
            ),
        )

    def test_of_the_runner(self, runner):
        from mmengine.visualization import LocalVisBackend

        assert compat.starting_weights(runner) == 'some.pth'
        assert compat.goes_on(runner) is True
        assert compat.ranks_draw_differently(runner) is True
        (backend,) = compat.picture_backends(runner.visualizer)
        assert isinstance(backend, LocalVisBackend)

    def test_batches_that_an_optimizer_accumulates(self):
        import torch
        from mmengine.optim import OptimWrapper

        optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], 0.1)
        assert compat.batches_of_a_step(OptimWrapper(optimizer)) == 1
        several = OptimWrapper(optimizer, accumulative_counts=3)
        assert compat.batches_of_a_step(several) == 3

    def test_many_tensors_at_once(self):
        import torch

        ends = [torch.ones(2), torch.full((3,), 4.0)]
        into = [torch.zeros(2), torch.zeros(3)]
        compat.lerp_tensors(into, ends, 0.25)
        assert [t[0].item() for t in into] == [0.25, 1.0]
        compat.copy_tensors(into, ends)
        assert all(torch.equal(a, b) for a, b in zip(into, ends))

    def test_exit_functions_run_once(self):
        done = subprocess.run(
            [
                sys.executable,
                '-c',
                'import atexit\n'
                'from mmsemi.utils.compat import run_exit_functions\n'
                "atexit.register(print, 'registered')\n"
                'run_exit_functions()\n'
                "print('after')",
            ],
            capture_output=True,
            text=True,
        )
        assert done.stdout.split()[-2:] == ['registered', 'after']
