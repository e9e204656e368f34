"""Files of safetensors, told by their bytes and read without a package."""

import json
import struct

import pytest
import torch
from mmengine.runner import CheckpointLoader

import mmsemi.registry  # noqa: F401  (guards mmengine's loader)
from mmsemi.io.checkpoints import read_checkpoint
from mmsemi.utils.errors import UsageError

TENSORS = {
    'a.weight': torch.arange(6.0).reshape(2, 3),
    'a.count': torch.tensor(7),
    'b.bias': torch.tensor([0.5, -1.5], dtype=torch.bfloat16),
    'empty': torch.zeros(0, 3),
}
NAMES = {torch.float32: 'F32', torch.int64: 'I64', torch.bfloat16: 'BF16'}


def raw(tensor: torch.Tensor) -> bytes:
    return bytes(tensor.contiguous().reshape(-1).view(torch.uint8).tolist())


def written(path, change=lambda header: None):
    header, content = {'__metadata__': dict(format='pt')}, b''
    for name, tensor in TENSORS.items():
        begin, content = len(content), content + raw(tensor)
        header[name] = dict(
            dtype=NAMES[tensor.dtype],
            shape=list(tensor.shape),
            data_offsets=[begin, len(content)],
        )
    changed = change(header)
    text = json.dumps(header if changed is None else changed).encode()
    path.write_bytes(struct.pack('<Q', len(text)) + text + content)
    return path


@pytest.mark.parametrize('name', ['m.safetensors', 'm.pth'])
@pytest.mark.parametrize(
    'read', [read_checkpoint, CheckpointLoader.load_checkpoint]
)
def test_tensors_are_what_was_written(tmp_path, name, read):
    found = read(str(written(tmp_path / name)))
    assert found.keys() == TENSORS.keys()
    for key, tensor in TENSORS.items():
        assert found[key].dtype == tensor.dtype
        assert torch.equal(found[key], tensor)
    found['a.weight'].add_(1)  # ours, not the file's


def test_shapes_alone_are_read_for_checks(tmp_path):
    found = read_checkpoint(written(tmp_path / 'm.safetensors'), 'meta')
    assert found['a.weight'].shape == (2, 3) and found['a.weight'].is_meta


def changes(**values):
    def change(header):
        header['a.weight'].update(values)

    return change


@pytest.mark.parametrize(
    'change, words',
    [
        (changes(data_offsets=[0, 10**15]), 'a.weight does not lie'),
        (changes(data_offsets=[-8, 16]), 'a.weight does not lie'),
        (changes(data_offsets=[0]), 'nothing of use about a.weight'),
        (changes(shape=[10**9, 10**9]), 'a.weight does not lie'),
        (changes(shape=['2', 3]), 'a.weight does not lie'),
        (changes(dtype='F8_E4M3'), 'a.weight is of type F8_E4M3'),
        (changes(dtype=[1]), 'a.weight|nothing of use'),
        (lambda header: [1, 2], 'no table'),
    ],
)
def test_a_damaged_header_is_one_sentence(tmp_path, change, words):
    path = written(tmp_path / 'm.safetensors', change)
    with pytest.raises(UsageError, match=words) as info:
        read_checkpoint(path)
    assert 'm.safetensors is a damaged file' in str(info.value)


@pytest.mark.parametrize(
    'content',
    [
        b'',
        b'abc',
        struct.pack('<Q', 2**60) + b'{}',
        b'\5' + bytes(7) + b'[' * 9,
    ],
)
def test_damaged_bytes_are_one_sentence(tmp_path, content):
    path = tmp_path / 'm.safetensors'
    path.write_bytes(content)
    with pytest.raises(UsageError, match='damaged file of safetensors'):
        read_checkpoint(path)
