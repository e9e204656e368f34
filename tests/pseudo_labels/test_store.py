import json
import os

import numpy as np
import pytest

from mmsemi.pseudo_labels.file_table import FileTable
from mmsemi.pseudo_labels.store import PseudoLabelStore, read_png, write_png


@pytest.fixture
def store(tmp_path):
    store = PseudoLabelStore(tmp_path / 'pseudo_labels')
    write_round(store)
    return store


def write_round(store, value=7, kinds=('labels', 'confidence'), number=1):
    folder = store.begin(number)
    table = FileTable([0])
    for kind in kinds:
        dtype = np.uint8 if kind == 'labels' else np.uint16
        array = np.full((4, 5), value, dtype)
        table.note(kind, 0, *write_png(folder, f'{kind}/city/a.png', array))
    store.hand_in(number, table, 0)
    store.commit(number, dict(portion=0.2), ['city/a'])


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
    write_round(store, kinds=('labels',), number=3)
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
    for content in ('[1]', '{}', '{"files": 3}', '[' * 99_999):
        path.write_text(content)
        assert store.problem(1) == 'no readable manifest'


@pytest.mark.parametrize(
    'change',
    [
        lambda m: m.update(portion=0.3),
        lambda m: m.pop('portion'),
        lambda m: m.pop('sha256'),
        lambda m: m['files'].pop('kinds'),
        lambda m: m['files'].update(kinds=['../../..']),
        lambda m: m['files'].update(count='x'),
    ],
)
def test_a_manifest_that_lost_something_is_none(store, change):
    assert store.problem(1) is None
    path = store.folder(1) / 'manifest.json'
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    assert store.problem(1) == 'no readable manifest'


def test_a_pipe_among_the_labels_is_damage(store):
    label = store.folder(1) / 'labels/city/a.png'
    label.unlink()
    os.mkfifo(label)
    assert store.problem(1) == 'labels/city/a.png is missing'


@pytest.mark.parametrize('kind', ['link', 'file'])
def test_what_lies_in_the_place_of_a_round_is_replaced(store, tmp_path, kind):
    """And nothing behind a link."""
    mine = tmp_path / 'mine'
    mine.mkdir()
    (mine / 'notes.txt').write_text('kept')
    for path in (store.folder(3), store.partial(3)):
        path.symlink_to(mine) if kind == 'link' else path.write_text('x')
    store.begin(3)
    table = FileTable([0])
    table.note(
        'labels',
        0,
        *write_png(store.partial(3), 'labels/a.png', np.zeros((2, 3), 'u1')),
    )
    store.hand_in(3, table, 0)
    store.commit(3, dict(portion=0.5), ['a'])
    assert store.problem(3) is None and not store.folder(3).is_symlink()
    assert [path.name for path in mine.iterdir()] == ['notes.txt']


def test_reading_nothing(tmp_path):
    with pytest.raises(OSError, match='missing or not a PNG'):
        read_png(tmp_path / 'a.png')


def test_a_round_is_read_once(store, monkeypatch):
    """Then its manifest and the number of its files are enough."""
    assert store.problem(1) is None
    label = store.folder(1) / 'labels/city/a.png'
    content = label.read_bytes()
    label.write_bytes(b'x' * len(content))
    assert store.problem(1) is None
    # A file too few, or another manifest, and everything is read again.
    label.unlink()
    assert store.problem(1) == 'labels/city/a.png is missing'
    label.write_bytes(b'x' * len(content))
    (store.folder(1) / 'verified').write_text('of another manifest')
    assert store.problem(1) == 'labels/city/a.png is damaged'
    label.write_bytes(content)
    assert store.problem(1) is None


@pytest.mark.parametrize('damage', ['cut', 'gone', 'other'])
def test_damaged_table_of_files(store, damage):
    path = store.folder(1) / 'files.npz'
    if damage == 'cut':
        path.write_bytes(path.read_bytes()[:-20])
    elif damage == 'gone':
        path.unlink()
    else:
        table, stems = FileTable.load(path)
        table.columns['labels'][0, 1] += 1
        table.save(store.folder(1), 'files.npz', stems)
    assert store.problem(1).startswith('files.npz is ')


def test_parts_of_processes_are_joined(store):
    """In the order of the data set, whoever labeled an image."""
    stems = [f'city/{k}' for k in range(5)]
    written = {}
    for number, shares in ((2, [[0, 1, 2, 3, 4]]), (3, [[2, 3], [0, 1, 4]])):
        folder = store.begin(number)
        for rank, share in enumerate([*shares, []]):
            table = FileTable(share)
            for row, index in enumerate(share):
                array = np.full((2, 3), index, np.uint8)
                name = f'labels/{stems[index]}.png'
                table.note('labels', row, *write_png(folder, name, array))
            store.hand_in(number, table, rank)
        store.commit(number, {}, stems)
        assert store.problem(number) is None
        assert sorted(p.name for p in store.folder(number).iterdir()) == [
            'files.npz',
            'labels',
            'manifest.json',
            'verified',
        ]
        written[number] = store.manifest(number)['files']
    assert written[2] == written[3]
    assert written[2]['count'] == 5 and written[2]['kinds'] == ['labels']


def test_files_in_parts():
    stems = ['a', 'b/ä', 'c', 'd', 'e']
    text = ''.join(f'{stem}\n' for stem in stems).encode()
    table = FileTable(range(5))
    for kind in ('labels', 'soft'):
        for row in range(5):
            table.note(kind, row, row + 1, 10 * row)
    parts = list(table.files(text, rows=2))
    assert [len(part) for part in parts] == [4, 4, 2]
    found = {file.name: file[1:] for part in parts for file in part}
    assert found == {
        f'{kind}/{stem}.png': (row + 1, 10 * row)
        for kind in ('labels', 'soft')
        for row, stem in enumerate(stems)
    }
