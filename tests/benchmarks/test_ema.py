import importlib.util
import re

import pytest
import torch
from mmengine.config import Config

from mmsemi.utils.errors import UsageError
from tests.conftest import ROOT
from tests.models.tiny import tiny_student

spec = importlib.util.spec_from_file_location(
    'benchmark_ema', ROOT / 'benchmarks/ema.py'
)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)


def test_runs_on_a_small_network(tmp_path, capsys):
    Config(dict(model=tiny_student())).dump(tmp_path / 'config.py')
    threads = torch.get_num_threads()
    try:
        tool.main(
            [
                '--config',
                str(tmp_path / 'config.py'),
                '--device',
                'cpu',
                '--repeats',
                '2',
                '--calls',
                '2',
                '--buffers',
                'copy',
                'ema',
                'own',
            ]
        )
    finally:
        torch.set_num_threads(threads)
    printed = capsys.readouterr().out
    rows = re.findall(r'^\| cpu \| (\w+) \| .* \| ([\d.]+) \(', printed, re.M)
    assert [name for name, _ in rows] == ['copy', 'ema', 'own']
    assert all(float(ratio) > 0 for _, ratio in rows)


def test_sides_that_differ_are_noticed(monkeypatch):
    monkeypatch.setattr(tool, 'move_teacher', lambda *args: None)
    with pytest.raises(RuntimeError, match='differ in weight'):
        tool.measure(torch.nn.Linear(2, 2), 'cpu', 'copy', 1, 1)


def test_config_without_a_model(tmp_path):
    (tmp_path / 'empty.py').write_text('x = 1\n')
    with pytest.raises(UsageError, match='empty.py: no model'):
        tool.build(str(tmp_path / 'empty.py'))
