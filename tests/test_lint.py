"""The code is formatted, free of common mistakes, and its types fit."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize(
    'words',
    [
        ('ruff', 'check'),
        ('ruff', 'format', '--check'),
        pytest.param(('mypy',), marks=pytest.mark.slow),
    ],
    ids=' '.join,
)
def test_code_is_in_order(words) -> None:
    tool = shutil.which(words[0], path=Path(sys.executable).parent)
    if tool is None:
        pytest.fail(f'{words[0]} is missing: pip install -e ".[tests]"')
    done = subprocess.run(
        [tool, *words[1:]], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
