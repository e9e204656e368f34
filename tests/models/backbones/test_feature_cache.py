"""Features that are kept are those that would be computed."""

import copy
import logging

import pytest
import torch
from mmengine.logging import MMLogger

from mmsemi.models.backbones import feature_cache
from mmsemi.models.backbones.feature_cache import FeatureCache
from mmsemi.models.segmentors.frozen_copy import frozen_copy
from mmsemi.utils.errors import UsageError
from tests.models.backbones.test_dinov2 import backbone, mmpretrain

LEVELS = torch.arange(24.0).half().view(2, 3, 2, 2)


@pytest.fixture(scope='module')
def built(tmp_path_factory):
    mmpretrain()
    folder = str(tmp_path_factory.mktemp('features'))
    cache = dict(dir=folder, max_gb=0.01)
    return backbone(frozen=True, layers=(0, 1), cache_features=cache)


@pytest.fixture
def network(built):
    """Without a cache."""
    found = copy.deepcopy(built)
    found.cache = None
    return found


@pytest.fixture
def cached(built, tmp_path):
    """The same weights with an empty cache."""
    found = copy.deepcopy(built)
    found.cache = FeatureCache(str(tmp_path / 'kept'), 0.01)
    return found


@pytest.fixture
def messages(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    caplog.set_level(logging.INFO)
    yield lambda: [record.getMessage() for record in caplog.records]
    logger.removeHandler(caplog.handler)


def files(cache):
    return sorted(cache.root.glob('*/*'))


@torch.no_grad()
def test_what_is_kept_is_what_is_computed(network, cached, messages) -> None:
    torch.manual_seed(0)
    images, others = torch.randn(2, 2, 3, 28, 42)
    wanted = network(images)
    first = cached(images)
    assert not files(cached.cache)  # random views would fill it
    cached(images)
    assert len(files(cached.cache)) == 2
    (size,) = messages()
    assert 'room for' in size and '(2, 384, 2, 3)' in size
    cached.transformer.forward = None  # nothing is computed any more
    third = cached(images.flip(0))
    assert cached.cache.found == 2
    for levels, before, kept in zip(wanted, first, third):
        assert torch.equal(before, kept.flip(0))
        torch.testing.assert_close(before, levels, rtol=1e-3, atol=1e-3)
        assert before.dtype == torch.float32
    del cached.transformer.forward
    mixed = torch.stack([others[0], images[1]])
    for levels, kept in zip(network(mixed), cached(mixed)):
        torch.testing.assert_close(kept, levels, rtol=2e-3, atol=2e-3)
    # A mirror image is another one.
    assert not torch.equal(cached(images.flip(3))[0], first[0])


@torch.no_grad()
def test_other_weights_find_nothing(cached) -> None:
    image = torch.randn(1, 3, 28, 28)
    before = [cached(image) for _ in range(3)][-1][0]
    assert cached.cache.found == 1
    state = cached.transformer.state_dict()
    state['layers.0.ffn.layers.1.bias'] = torch.ones(384)
    cached.load_state_dict(
        {f'transformer.{key}': value for key, value in state.items()}
    )
    after = cached(image)[0]
    assert cached.cache.found == 1
    assert not torch.allclose(before, after)
    # The teacher is a copy, and finds what the student keeps.
    teacher = frozen_copy(cached)
    assert torch.equal(teacher(image)[0], after)
    assert teacher.cache is cached.cache
    assert cached.cache.found == 2


@pytest.mark.parametrize('damage', ['short', 'header', 'value', 'empty'])
def test_a_damaged_file_is_computed_anew(tmp_path, damage, messages) -> None:
    cache = FeatureCache(str(tmp_path), 0.01)
    for _ in '12':
        cache.offer('w', 'a', LEVELS)
    (path,) = files(cache)
    good = content = path.read_bytes()
    if damage == 'value':
        content = content[:-9] + bytes([content[-9] ^ 64]) + content[-8:]
    elif damage == 'header':
        content = content.replace(b'(2, 3', b'(3, 2')
    else:
        content = content[:-20] if damage == 'short' else b''
    assert content != good
    path.write_bytes(content)
    assert cache.get('w', 'a') is None
    assert messages()[-1] == (
        f'{path} is damaged; its features are computed again'
    )
    cache.offer('w', 'a', LEVELS)
    assert path.read_bytes() == good
    assert torch.equal(cache.get('w', 'a'), LEVELS)


def test_room(tmp_path, messages, monkeypatch) -> None:
    for value in (0, -1):
        with pytest.raises(ValueError, match='max_gb must be positive'):
            FeatureCache(str(tmp_path), value)
    cache = FeatureCache(str(tmp_path), 300 / 2**30)
    for key in 'abab':
        cache.offer('w', key, LEVELS)
    assert [path.name for path in files(cache)] == ['a.npy']
    assert 'max_gb=' in messages()[-1] and 'is reached' in messages()[-1]
    number = len(messages())
    for key in 'bcc':
        cache.offer('w', key, LEVELS)
    assert len(files(cache)) == 1 and len(messages()) == number
    assert torch.equal(cache.get('w', 'a'), LEVELS)
    # What it held before counts.
    again = FeatureCache(str(tmp_path), 300 / 2**30)
    for key in 'bb':
        again.offer('w', key, LEVELS)
    assert again.full
    # More than half precision holds.
    large = FeatureCache(str(tmp_path), 1)
    for _ in '12':
        large.offer('w', 'd', LEVELS / 0)
    assert not (tmp_path / 'w/d.npy').exists()
    # Views that never come again are forgotten.
    monkeypatch.setattr(feature_cache, 'REMEMBERED', 2)
    for key in 'efg':
        large.offer('w', key, LEVELS)
    assert list(large.seen) == ['f', 'g']


def test_disks_and_settings(tmp_path, messages, monkeypatch) -> None:
    cache = FeatureCache(str(tmp_path), 2**30)
    cache.offer('w', 'a', LEVELS)
    with pytest.raises(UsageError, match='Lower max_gb, or choose'):
        cache.offer('w', 'a', LEVELS)
    mmpretrain()
    with pytest.raises(UsageError, match='frozen=True'):
        backbone(cache_features=dict(dir=str(tmp_path), max_gb=1))
    # Training goes on where nothing can be written.
    (tmp_path / 'w').write_text('in the way')
    small = FeatureCache(str(tmp_path), 0.01)
    for _ in '12':
        small.offer('w', 'a', LEVELS)
    assert small.full and 'could not be written' in messages()[-1]
