"""Word vectors by name from text, .npz and pickled files."""

import gzip
import pickle

import numpy as np
import pytest

from mmsemi.models.decode_heads.class_embeddings import load_class_embeddings
from mmsemi.prepare.word_vectors import class_lines, read_text_vectors
from mmsemi.utils.errors import UsageError
from tests.tools.test_split_tools import Tool

tool = Tool('class-embeddings')

WORDS = {
    'Road': (1, 0, 0),
    'wall': (0, 1, 0),
    'concrete': (0, 0, 1),
    'traffic_light': (0.5, 0.5, 0),
    'traffic': (9, 9, 9),
    'light': (9, 9, 8),
    'tv': (0, 0.5, 0.5),
}
LINES = [
    f'{word} {" ".join(str(v) for v in vector)}'
    for word, vector in WORDS.items()
]


@pytest.fixture
def run(tmp_path):
    def call(*arguments):
        out = tmp_path / 'new/out.npz'
        tool.main([str(out), '--overwrite', *map(str, arguments)])
        with np.load(out, allow_pickle=False) as stored:
            return dict(stored)

    return call


def text_file(tmp_path, header='', name='vectors.vec'):
    path = tmp_path / name
    content = '\n'.join([header] * bool(header) + LINES) + '\n'
    opened = gzip.open if name.endswith('.gz') else open
    with opened(path, 'wt') as file:
        file.write(content)
    return path


@pytest.mark.parametrize(
    'header, name',
    [('', 'glove.txt'), ('7 3', 'fasttext.vec'), ('7 3', 'word2vec.txt.gz')],
)
def test_text_formats(run, tmp_path, capsys, header, name):
    stored = run(
        '--classes',
        'road',
        'wall-concrete',
        'traffic light',
        'television = tv',
        '--vectors',
        text_file(tmp_path, header, name),
    )
    assert stored['class_names'].tolist() == [
        'road',
        'wall-concrete',
        'traffic light',
        'television',
    ]
    assert stored['embeddings'].tolist() == [
        [1, 0, 0],
        [0, 0.5, 0.5],
        [0.5, 0.5, 0],
        [0, 0.5, 0.5],
    ]
    printed = capsys.readouterr().out
    assert 'road: Road' in printed
    assert 'wall-concrete: mean of wall + concrete' in printed
    assert 'traffic light: traffic_light' in printed


def test_the_model_reads_what_the_tool_writes(run, tmp_path):
    run('--classes', 'road', 'wall', '--vectors', text_file(tmp_path))
    vectors = load_class_embeddings(tmp_path / 'new/out.npz', ['wall', 'road'])
    assert vectors.tolist() == [[0, 1, 0], [1, 0, 0]]


def test_words_alone(run, tmp_path):
    stored = run(
        '--classes',
        'traffic light',
        '--words-only',
        '--vectors',
        text_file(tmp_path),
    )
    assert stored['embeddings'].tolist() == [[9, 9, 8.5]]


def test_missing_words_are_named(run, tmp_path, capsys):
    path = text_file(tmp_path)
    with pytest.raises(UsageError, match='lacks brick.*--allow-partial'):
        run('--classes', 'road', 'wall-brick', '--vectors', path)
    stored = run(
        '--classes', 'road', 'wall-brick', '--vectors', path, '--allow-partial'
    )
    assert stored['embeddings'][1].tolist() == [0, 1, 0]
    assert (
        'wall-brick: wall (not in the file: brick)' in capsys.readouterr().out
    )
    # A class without any vector is no class of a model.
    with pytest.raises(UsageError, match='no vector at all: unicorn'):
        run(
            '--classes',
            'road',
            'unicorn',
            '--vectors',
            path,
            '--allow-partial',
        )


def test_npz_and_several_sources(run, tmp_path):
    np.savez(
        tmp_path / 'a.npz', words=np.array(['road', 'wall']), vectors=np.eye(2)
    )
    stored = run(
        '--classes',
        'wall',
        'road',
        '--vectors',
        f'word2vec={tmp_path / "a.npz"}',
        f'fasttext={text_file(tmp_path)}',
    )
    assert stored['word2vec'].tolist() == [[0, 1], [1, 0]]
    assert load_class_embeddings(
        tmp_path / 'new/out.npz', ['road'], 'fastnvec'
    ).shape == (1, 5)
    np.savez(
        tmp_path / 'b.npz', words=np.array(['road']), x=np.eye(1), y=np.eye(1)
    )
    with pytest.raises(UsageError, match='--key says which'):
        run('--classes', 'road', '--vectors', tmp_path / 'b.npz')
    stored = run(
        '--classes', 'road', '--vectors', tmp_path / 'b.npz', '--key', 'y'
    )
    assert stored['embeddings'].tolist() == [[1]]
    np.savez(tmp_path / 'c.npz', words=np.array(['road']), x=np.eye(2))
    with pytest.raises(UsageError, match='2 vectors for 1 words'):
        run('--classes', 'road', '--vectors', tmp_path / 'c.npz')
    with pytest.raises(UsageError, match='several files for one key'):
        run('--classes', 'road', '--vectors', 'a.vec', 'b.vec')


@pytest.mark.parametrize('protocol', [3, 4])
def test_pickled_arrays(run, tmp_path, protocol):
    array = np.random.default_rng(0).random((2, 300))
    path = tmp_path / 'fasttext.pkl'
    path.write_bytes(pickle.dumps(array, protocol))
    stored = run('--classes', 'a', 'b', '--pickle', f'fasttext={path}')
    assert (stored['fasttext'] == array).all()
    # As NumPy 1 wrote it, the module has another name.
    content = pickle.dumps(array, 3)
    path.write_bytes(content.replace(b'numpy._core.', b'numpy.core.'))
    stored = run('--classes', 'a', 'b', '--pickle', path)
    assert (stored['embeddings'] == array).all()
    with pytest.raises(UsageError, match=r'\(2, 300\) for 3 classes'):
        run('--classes', 'a', 'b', 'c', '--pickle', path)


class Harmful:
    """Would write a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), 'w')


def test_a_pickle_cannot_run_code(run, tmp_path):
    path, written = tmp_path / 'bad.pkl', tmp_path / 'written'
    path.write_bytes(pickle.dumps(Harmful(written)))
    with pytest.raises(UsageError, match='the pickle wants'):
        run('--classes', 'a', '--pickle', path)
    # Hidden inside an array of objects.
    path.write_bytes(pickle.dumps(np.array([[Harmful(written)]], object)))
    with pytest.raises(UsageError, match='the pickle wants'):
        run('--classes', 'a', '--pickle', path)
    assert not written.exists()
    for content in (pickle.dumps(np.array([['x']])), pickle.dumps([1.0])):
        path.write_bytes(content)
        with pytest.raises(UsageError, match='no array of floating'):
            run('--classes', 'a', '--pickle', path)
    path.write_bytes(b'\x80\x03cut')
    with pytest.raises(UsageError, match='no readable pickle'):
        run('--classes', 'a', '--pickle', path)


def test_files_that_are_no_vectors(tmp_path):
    path = tmp_path / 'binary.bin'
    path.write_bytes(b'2 3\nroad \x00\x01\x02\xff\n')
    with pytest.raises(UsageError, match='line 2: not a word'):
        read_text_vectors(path, ['road'])
    path.write_text('road 1 2 3\nwall 1 x 3\n')
    assert list(read_text_vectors(path, ['road'])) == ['road']
    with pytest.raises(UsageError, match='line 2'):
        read_text_vectors(path, ['wall'])
    path.write_text('')
    with pytest.raises(UsageError, match='no word vectors'):
        read_text_vectors(path, ['road'])
    with pytest.raises(UsageError, match='no file'):
        read_text_vectors(tmp_path / 'none.vec', ['road'])


def test_names():
    assert class_lines(['road', '', 'tv set = television']) == {
        'road': 'road',
        'tv set': 'television',
    }
    for lines, words in (
        (['a', 'a'], 'twice'),
        ([], 'no class'),
        (['- = -'], 'no word'),
    ):
        with pytest.raises(UsageError, match=words):
            class_lines(lines)
