"""Files of safetensors are told by their bytes, whatever they are called."""

import json
import struct

import pytest
import torch
from mmengine.runner import CheckpointLoader
from safetensors.torch import save_file

import mmsemi.registry  # noqa: F401  (guards mmengine's loader)
from mmsemi.io.checkpoints import read_checkpoint
from mmsemi.utils.errors import UsageError

TENSORS = {
    'a.weight': torch.arange(6.0).reshape(2, 3),
    'a.count': torch.tensor(7),
    'b.bias': torch.tensor([0.5, -1.5], dtype=torch.bfloat16),
    'empty': torch.zeros(0, 3),
}


@pytest.mark.parametrize('name', ['m.safetensors', 'm.pth'])
@pytest.mark.parametrize(
    'read', [read_checkpoint, CheckpointLoader.load_checkpoint]
)
def test_tensors_are_what_was_written(tmp_path, name, read):
    path = tmp_path / name
    save_file(TENSORS, path)
    before = path.read_bytes()
    found = read(str(path))
    assert found.keys() == TENSORS.keys()
    for key, tensor in TENSORS.items():
        assert found[key].dtype == tensor.dtype
        assert torch.equal(found[key], tensor)
    found['a.weight'].add_(1)  # ours, not the file's
    assert path.read_bytes() == before


def test_shapes_alone_are_read_for_checks(tmp_path):
    save_file(TENSORS, tmp_path / 'm.safetensors')
    found = read_checkpoint(tmp_path / 'm.safetensors', 'meta')
    assert found['a.weight'].shape == (2, 3) and found['a.weight'].is_meta


def with_header(header) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack('<Q', len(text)) + text + bytes(24)


def tensor(**changes) -> dict:
    usual = dict(dtype='F32', shape=[2, 3], data_offsets=[0, 24])
    return dict(a=dict(usual, **changes))


@pytest.mark.parametrize(
    'content',
    [
        with_header(tensor(data_offsets=[0, 10**15])),
        with_header(tensor(data_offsets=[-8, 16])),
        with_header(tensor(shape=[10**9, 10**9])),
        with_header(tensor(dtype='F1')),
        with_header([1, 2]),
        b'',
        b'abc',
        struct.pack('<Q', 2**60) + b'{}',
        b'\5' + bytes(7) + b'[' * 9,
    ],
)
def test_damage_is_one_sentence(tmp_path, content):
    path = tmp_path / 'm.safetensors'
    path.write_bytes(content)
    with pytest.raises(UsageError, match='m.safetensors is a damaged file of'):
        read_checkpoint(path)
