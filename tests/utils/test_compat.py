import subprocess
import sys

import pytest
from mmengine.config import Config

from mmsemi.utils import compat


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
        # Statistics of BatchNorm come with a whole number each.
        into = [torch.zeros(2), torch.tensor(0), torch.zeros(1)]
        ends = [torch.ones(2), torch.tensor(7), torch.full((1,), 3)]
        compat.copy_tensors(into, ends)
        assert [t.tolist() for t in into] == [[1.0, 1.0], 7, [3.0]]

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

    def test_steps_of_reading_a_config_can_be_wrapped(
        self, tmp_path, monkeypatch
    ):
        from mmengine.config import Config

        seen = []

        def noting(step):
            def wrap(present):
                def new(*args, **kwargs):
                    seen.append(step)
                    return present(*args, **kwargs)

                return new

            return wrap

        for name in vars(Config).copy():
            if isinstance(vars(Config)[name], staticmethod):
                monkeypatch.setattr(Config, name, vars(Config)[name])
        steps = ('file', 'base_path', 'one_file', 'merge')
        compat.wrap_config_reading({step: noting(step) for step in steps})
        (tmp_path / 'base.py').write_text('a = dict(b=1)\n')
        path = tmp_path / 'mine.py'
        path.write_text("_base_ = 'base.py'\na = dict(c=2)\n")
        assert Config.fromfile(path).a == dict(b=1, c=2)
        assert set(seen) == set(steps)


def test_equal_configs_are_laid_out_once(monkeypatch):
    calls = []

    def layout(text, **options):
        calls.append(text)
        return text, True

    monkeypatch.setattr('yapf.yapflib.yapf_api.FormatCode', layout)
    compat.format_equal_configs_once()
    compat.format_equal_configs_once()
    cfg = Config(dict(a=1))
    texts = {cfg.pretty_text for _ in range(3)}
    assert len(texts) == len(calls) == 1
    cfg.a = 2
    assert cfg.pretty_text not in texts and len(calls) == 2
