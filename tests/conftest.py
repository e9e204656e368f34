"""Shared fixtures: where data and oracles lie, and a clean mmengine state."""

import gc
import os
import sys
from pathlib import Path

# Several processes share the cores among them (``pytest -n auto``); theirs
# have one thread each. To be said before torch is imported.
if 'PYTEST_XDIST_WORKER' in os.environ:
    os.environ.setdefault('OMP_NUM_THREADS', '1')

import pytest
from mmengine.registry import DefaultScope

# Before any test imports mmseg: that of the official stack needs it.
from mmsemi.stack import lacks_operators

ROOT = Path(__file__).resolve().parents[1]


modules_seen = 0
needs_mmseg_alone = pytest.mark.skipif(
    lacks_operators(),
    reason='beside mmcv-lite mmsegmentation 1.2 needs mmsemi',
)


def pytest_runtest_setup(item) -> None:
    """What is imported stays; garbage collectors need not look at it again.

    mmengine collects garbage with every data set, which takes 0.3 s with
    all modules in sight: half the time of tests that train.
    """
    global modules_seen
    if len(sys.modules) > modules_seen + 50:
        modules_seen = len(sys.modules)
        gc.collect()
        gc.freeze()


def external_folder(variable: str, default: str) -> Path:
    """Folder named by an environment variable, or a default beside the tree.

    A folder that was named but is missing is an error; a missing default
    skips the test.
    """
    named = os.environ.get(variable)
    folder = Path(named) if named else ROOT.parent / 'shared' / default
    if folder.is_dir():
        return folder
    message = f'{variable}: no folder {folder}'
    if named:
        pytest.fail(message)
    pytest.skip(message + f' (set {variable} to run this test)')


@pytest.fixture(scope='session')
def oracle_dir() -> Path:
    """Folder with the outputs of the official implementations."""
    return external_folder('MMSEMI_ORACLES', 'oracles')


@pytest.fixture(scope='session')
def data_dir() -> Path:
    """Folder with CamVid, weights and published split lists."""
    return external_folder('MMSEMI_DATA', 'data')


@pytest.fixture(autouse=True)
def _scope():
    """Every test builds from our registries unless it says otherwise."""
    from mmengine.registry import init_default_scope

    init_default_scope('mmsemi')
    yield


@pytest.fixture
def no_scope(_scope) -> None:
    """A command finds no default scope, as in a process of its own."""
    DefaultScope._instance_dict.clear()


@pytest.fixture(autouse=True, scope='session')
def _cheap_notes():
    """Checkpoints hold the config's text and the commit of mmengine.

    Laying the text out takes a second, asking git a process each time.
    """
    from unittest.mock import patch

    with (
        patch(
            'yapf.yapflib.yapf_api.FormatCode',
            lambda text, **kwargs: (text, True),
        ),
        patch('mmengine.runner.runner.get_git_hash', lambda: 'None'),
    ):
        yield


oracle_notes = []


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    """Keep what one of several processes has read of the oracles."""
    if notes := getattr(node, 'workeroutput', {}).get('oracles'):
        oracle_notes.append(notes)


def pytest_sessionfinish(session, exitstatus) -> None:
    """Judge together what several processes have read of the oracles."""
    if oracle_notes and not exitstatus:
        from tests.oracles import kinds

        kinds.judge(session, kinds.Notes.joined(oracle_notes))
