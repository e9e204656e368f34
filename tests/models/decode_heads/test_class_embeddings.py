import numpy as np
import pytest

from mmsemi.models.decode_heads.class_embeddings import load_class_embeddings
from mmsemi.utils.errors import UsageError


@pytest.fixture
def path(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / 'vectors.npz',
        class_names=np.array(['sky-other', 'car', 'tree', 'nothing']),
        embeddings=np.concatenate([rng.normal(size=(3, 5)), np.zeros((1, 5))]),
        fasttext=rng.normal(size=(4, 3)),
        word2vec=9 * rng.normal(size=(4, 2)),
    )
    return tmp_path / 'vectors.npz'


def test_rows_follow_the_names_and_have_unit_norm(path) -> None:
    got = load_class_embeddings(
        path, ['tree', 'sky'], names={'sky': 'sky-other'}
    )
    stored = np.load(path)['embeddings'][[2, 0]]
    assert got.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(got, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(
        got, stored / np.linalg.norm(stored, axis=1)[:, None], atol=1e-7
    )


def test_fastnvec_is_normalized_after_concatenation(path) -> None:
    got = load_class_embeddings(str(path), ['car'], 'fastnvec')[0]
    arrays = np.load(path)
    whole = np.concatenate([arrays['fasttext'][1], arrays['word2vec'][1]])
    np.testing.assert_allclose(got, whole / np.linalg.norm(whole), rtol=1e-6)


def test_one_error_lists_all_missing_names(path) -> None:
    with pytest.raises(UsageError, match=r'pole, sky \(clouds\)') as error:
        load_class_embeddings(
            path, ['pole', 'car', 'sky'], names={'sky': 'clouds'}
        )
    assert str(path) in str(error.value)


def test_useless_files_are_refused(path, tmp_path) -> None:
    with pytest.raises(UsageError, match='does not exist'):
        load_class_embeddings(tmp_path / 'none.npz', ['car'])
    with pytest.raises(UsageError, match='has no glove'):
        load_class_embeddings(path, ['car'], 'glove')
    with pytest.raises(UsageError, match='nothing is zero'):
        load_class_embeddings(path, ['car', 'nothing'])


def test_files_of_another_kind_are_refused(path, tmp_path) -> None:
    np.savez(
        tmp_path / 'objects.npz',
        class_names=np.array(['car'], object),
        embeddings=np.eye(1),
    )
    np.save(tmp_path / 'array.npy', np.eye(2))
    (tmp_path / 'text.vec').write_text('car 1 2 3\n')
    (tmp_path / 'cut.npz').write_bytes(path.read_bytes()[:200])
    for name in ('objects.npz', 'array.npy', 'text.vec', 'cut.npz'):
        with pytest.raises(UsageError, match=f'{name}: no .npz of plain'):
            load_class_embeddings(tmp_path / name, ['car'])
    # A row for each name, or the rows belong to others.
    for vectors in (np.eye(3), np.ones(2)):
        np.savez(
            tmp_path / 'rows.npz',
            class_names=['car', 'tree'],
            embeddings=vectors,
        )
        with pytest.raises(UsageError, match='for 2 class_names'):
            load_class_embeddings(tmp_path / 'rows.npz', ['car'])
