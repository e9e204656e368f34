import json

import numpy as np
import pytest

from mmsemi.pseudo_labels.store import PseudoLabelStore, read_png, write_png


@pytest.fixture
def store(tmp_path):
    store = PseudoLabelStore(tmp_path / 'pseudo_labels')
    write_round(store)
    return store


def write_round(store, value=7):
    folder = store.begin(1)
    files = {
        name: write_png(folder, name, np.full((4, 5), value, dtype))
        for name, dtype in (
            ('labels/city/a.png', np.uint8),
            ('confidence/city/a.png', np.uint16),
        )
    }
    store.commit(1, dict(portion=0.2), files)


def test_round_trip(store):
    assert store.problem(1) is None
    assert store.manifest(1)['portion'] == 0.2
    array = read_png(store.folder(1) / 'labels/city/a.png')
    assert array.dtype == np.uint8 and (array == 7).all()
    assert (
        read_png(store.folder(1) / 'confidence/city/a.png').dtype == np.uint16
    )


def test_uncommitted_round_does_not_exist(store):
    store.begin(2)
    assert store.problem(2) == 'there are no labels yet'
    assert store.manifest(2) is None


def test_begin_replaces_a_round(store):
    write_round(store, value=3)
    assert (read_png(store.folder(1) / 'labels/city/a.png') == 3).all()
    assert not store.partial(1).exists()


def test_no_empty_confidence_folder(store):
    folder = store.begin(3)
    name = 'labels/a.png'
    store.commit(
        3, {}, {name: write_png(folder, name, np.zeros((2, 2), np.uint8))}
    )
    assert not (store.folder(3) / 'confidence').exists()


@pytest.mark.parametrize(
    'damage, message',
    [
        (lambda p: p.write_bytes(p.read_bytes()[:-1]), 'is damaged'),
        (lambda p: p.write_bytes(b'x' * len(p.read_bytes())), 'is damaged'),
        (lambda p: p.unlink(), 'is missing'),
    ],
)
def test_damage_is_found(store, damage, message):
    damage(store.folder(1) / 'labels/city/a.png')
    assert store.problem(1) == f'labels/city/a.png {message}'


def test_half_written_manifest(store):
    path = store.folder(1) / 'manifest.json'
    path.write_text(path.read_text()[:-9])
    with pytest.raises(json.JSONDecodeError):
        json.loads(path.read_text())
    assert store.problem(1) == 'no readable manifest'


def test_reading_nothing(tmp_path):
    with pytest.raises(OSError, match='missing or not a PNG'):
        read_png(tmp_path / 'a.png')
