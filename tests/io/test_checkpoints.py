import argparse
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.runner import CheckpointLoader

import mmsemi.registry  # noqa: F401  (guards mmengine's loader)
from mmsemi.io.checkpoints import read_checkpoint, trusting_checkpoints
from mmsemi.utils.errors import UsageError


class Marker:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, 'w')


class Reach:
    """Asks getattr for what no run saves."""

    def __reduce__(self):
        return getattr, (HistoryBuffer, '__init__')


def test_what_a_runner_saves_is_read(tmp_path):
    hub = MessageHub('test_checkpoints')
    for value in (0.5, 0.25):
        hub.update_scalar('train/loss', value)
        hub.update_scalar('train/seen', torch.tensor(3))
    hub.update_info('mmsemi/row', dict(round=1, kept=0.2, names=['a']))
    path = tmp_path / 'iter_1.pth'
    saved = dict(
        message_hub=hub.state_dict(),
        meta=dict(iter=1, classes=('a', 'b'), palette=np.zeros((2, 3), int)),
        optimizer=torch.optim.Adam([torch.ones(2)]).state_dict(),
    )
    torch.save(saved, path)
    loaded = read_checkpoint(path)
    buffer = loaded['message_hub']['log_scalars']['train/loss']
    assert isinstance(buffer, HistoryBuffer)
    assert buffer.mean() == pytest.approx(0.375)
    assert buffer.statistics('min') == 0.25
    assert loaded['message_hub']['runtime_info']['mmsemi/row']['kept'] == 0.2
    assert loaded['meta']['palette'].shape == (2, 3)


def test_arrays_of_numpy_1_are_read(tmp_path):
    path = tmp_path / 'old.pth'
    torch.save(dict(best=np.float64(0.5), ids=np.arange(3)), path)
    text = path.read_bytes()
    core = np.float64(1).__reduce__()[0].__module__
    assert core in ('numpy._core.multiarray', 'numpy.core.multiarray')
    torch.save(
        dict(best=np.float64(0.5), ids=np.arange(3)),
        path,
        pickle_module=_renaming(core),
    )
    assert path.read_bytes() != text
    assert read_checkpoint(path)['best'] == 0.5


def _renaming(core):
    """``pickle`` that writes the module names of the other NumPy."""
    other = 'core' if '_core' in core else '_core'

    class Pickler(pickle._Pickler):
        def save_global(self, obj, name=None):
            if getattr(obj, '__module__', '') == core:
                text = f'cnumpy.{other}.multiarray\n{obj.__name__}\n'
                self.write(text.encode())
                self.memoize(obj)
                return
            super().save_global(obj, name)

        dispatch = dict(pickle._Pickler.dispatch)
        dispatch[type(len)] = save_global
        dispatch[type(_renaming)] = save_global

    return argparse.Namespace(Pickler=Pickler, __name__='pickle')


def write(kind, path, marker):
    whole = dict(state_dict=dict(weight=torch.zeros(50, 50)))
    poisoned = dict(whole, meta=Marker(marker))
    if kind == 'code':
        torch.save(poisoned, path)
    elif kind == 'code in the old format':
        torch.save(poisoned, path, _use_new_zipfile_serialization=False)
    elif kind == 'code in a bare pickle':
        path.write_bytes(pickle.dumps(poisoned))
    elif kind == 'getattr':
        torch.save(dict(whole, meta=Reach()), path)
    elif kind == 'a class':
        torch.save(dict(whole, args=argparse.Namespace(lr=1)), path)
    elif kind == 'a module':
        torch.save(torch.nn.Linear(2, 2), path)
    elif kind == 'a program':
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(path))
    elif kind == 'a tensor':
        torch.save(torch.zeros(3), path)
    elif kind == 'empty':
        path.write_bytes(b'')
    elif kind == 'noise':
        path.write_bytes(np.random.default_rng(0).bytes(5000))
    elif kind == 'a page':
        path.write_text('<!DOCTYPE html><html>404 Not Found</html>')
    elif kind == 'cut':
        torch.save(whole, path)
        path.write_bytes(path.read_bytes()[:6000])
    elif kind == 'cut in the old format':
        torch.save(whole, path, _use_new_zipfile_serialization=False)
        path.write_bytes(path.read_bytes()[:6000])
    elif kind == 'folder':
        path.mkdir()


REASONS = {
    'code': r'holds code \((_io|io)\.open\).*--trust-checkpoint',
    'code in the old format': r'holds code \((_io|io)\.open\)',
    'code in a bare pickle': r'is not a checkpoint of PyTorch|holds code',
    'getattr': r'holds code .*__init__',
    'a class': r'holds code \(argparse\.Namespace\)',
    'a module': r'holds code \(torch\.nn\.modules\.linear\.Linear\)',
    'a program': 'is a TorchScript program',
    'a tensor': 'holds a Tensor, not a dictionary of weights',
    'empty': 'is empty',
    'noise': 'is not a checkpoint of PyTorch',
    'a page': 'is not a checkpoint of PyTorch',
    'cut': 'is damaged or incomplete',
    'cut in the old format': 'is not a checkpoint of PyTorch, or is damaged',
    'folder': 'is a folder, where a file is needed',
    'missing': 'does not exist',
}


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('kind', REASONS)
@pytest.mark.parametrize('through', ['ours', 'mmengine'])
def test_a_file_that_is_no_plain_checkpoint_is_refused(
    tmp_path, kind, through
):

    path, marker = tmp_path / 'x.pth', tmp_path / 'marker'
    write(kind, path, marker)
    read = (
        read_checkpoint
        if through == 'ours'
        else CheckpointLoader.load_checkpoint
    )
    with pytest.raises(UsageError, match=REASONS[kind]) as info:
        read(str(path))
    assert str(path) in str(info.value)
    assert '\n' not in str(info.value)
    assert not marker.exists()


def test_trusted_files_are_read_whole_and_only_while_trusted(tmp_path):

    path = tmp_path / 'x.pth'
    torch.save(dict(args=argparse.Namespace(lr=1)), path)
    assert read_checkpoint(path, trust=True)['args'].lr == 1
    with trusting_checkpoints():
        loaded = CheckpointLoader.load_checkpoint(str(path), 'cpu')
    assert loaded['args'].lr == 1
    with trusting_checkpoints(False), pytest.raises(UsageError):
        read_checkpoint(path)
    with pytest.raises(UsageError):
        read_checkpoint(path)


def test_lists_of_others_stay_as_they_were(tmp_path):
    torch.save(dict(a=1), tmp_path / 'x.pth')
    torch.serialization.add_safe_globals([argparse.Namespace, getattr])
    try:
        before = set(torch.serialization.get_safe_globals())
        read_checkpoint(tmp_path / 'x.pth')
        assert set(torch.serialization.get_safe_globals()) == before
        # What a user's program allows is allowed, getattr never.
        torch.save(dict(a=argparse.Namespace(b=2)), tmp_path / 'x.pth')
        assert read_checkpoint(tmp_path / 'x.pth')['a'].b == 2
        torch.save(dict(a=Reach()), tmp_path / 'x.pth')
        with pytest.raises(UsageError, match='__init__'):
            read_checkpoint(tmp_path / 'x.pth')
    finally:
        torch.serialization.clear_safe_globals()


def test_shapes_are_read_without_the_numbers(tmp_path):
    torch.save(dict(weight=torch.zeros(3, 4)), tmp_path / 'x.pth')
    weight = read_checkpoint(tmp_path / 'x.pth', 'meta')['weight']
    assert weight.shape == (3, 4) and weight.device.type == 'meta'


def test_torch_can_be_told_to_trust_all_and_we_do_not_listen(tmp_path):
    torch.save(dict(meta=Marker(tmp_path / 'marker')), tmp_path / 'x.pth')
    done = subprocess.run(
        [
            sys.executable,
            '-c',
            'import sys; from mmsemi.io.checkpoints import '
            'read_checkpoint; read_checkpoint(sys.argv[1])',
            tmp_path / 'x.pth',
        ],
        env={**os.environ, 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD': '1'},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert 'holds code' in done.stderr
    assert not (tmp_path / 'marker').exists()


def test_weights_that_cannot_be_downloaded_are_one_sentence(
    monkeypatch, tmp_path
):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    with pytest.raises(
        UsageError,
        match='checkpoint https://weights.invalid/a.pth cannot be downloaded '
        '.*Connect to the network',
    ):
        CheckpointLoader.load_checkpoint('https://weights.invalid/a.pth')


@pytest.mark.parametrize(
    'content',
    [{3: torch.zeros(1)}, {'state_dict': [1]}, {'state_dict': {b'a': 1}}],
)
def test_names_of_weights_are_text(tmp_path, content):
    path = tmp_path / 'odd.pth'
    torch.save(content, path)
    with pytest.raises(UsageError, match='odd.pth holds no dictionary'):
        read_checkpoint(path)
