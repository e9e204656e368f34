"""A benchmark on a full disk stops, and measures nothing."""

import sys

import pytest

from mmsemi.utils.errors import WriteError
from tests.conftest import ROOT
from tests.full_disk import FullDisk

BENCHMARKS = sorted((ROOT / 'benchmarks').glob('*.py'))


@pytest.fixture
def tool(monkeypatch):
    """Imports a benchmark by its name."""
    monkeypatch.syspath_prepend(str(ROOT / 'benchmarks'))
    yield __import__
    for path in BENCHMARKS:
        sys.modules.pop(path.stem, None)


def test_scale(tool, tmp_path) -> None:
    disk = FullDisk(tmp_path)
    # The list of unlabeled images is written first.
    (tmp_path / 'images').mkdir()
    with disk.after(1), pytest.raises(WriteError, match='0.png'):
        tool('scale').make_set(tmp_path, 0)


@pytest.mark.parametrize('row', ['u2pl_item', 'labeled_item'])
def test_speed(tool, tmp_path, monkeypatch, row) -> None:
    speed = tool('speed')
    monkeypatch.setattr(speed.tempfile, 'mkdtemp', lambda: str(tmp_path))
    with FullDisk(tmp_path).after(0):
        with pytest.raises(WriteError, match='a.jpg'):
            getattr(speed, row)()


@pytest.mark.parametrize('path', BENCHMARKS, ids=lambda path: path.stem)
def test_no_image_is_written_without_a_look_at_the_result(path) -> None:
    """OpenCV says by a return value that it could not write."""
    assert 'imwrite(' not in path.read_text()
