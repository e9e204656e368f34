"""Every way to open a mask is seen, and nothing else."""

import os

import cv2
import numpy as np
import pytest
import torch
from mmengine import fileio
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from mmsemi.datasets.mask_watch import MaskWatch


@pytest.fixture
def masks(tmp_path):
    paths = [str(tmp_path / f'{k}.png') for k in range(4)]
    for path in paths:
        cv2.imwrite(path, np.zeros((2, 2), np.uint8))
    return paths


def watch_of(masks):
    return MaskWatch(
        dict(labeled=lambda: masks[:1], unlabeled=lambda: masks[1:])
    )


def with_pil(path):
    with Image.open(path) as image:
        image.load()


def with_a_descriptor(path):
    os.close(os.open(path, os.O_RDONLY))


@pytest.mark.parametrize(
    'read',
    [
        lambda path: open(path, 'rb').close(),
        with_pil,
        with_a_descriptor,
        lambda path: cv2.imread(path),
        lambda path: fileio.get(path),
        lambda path: np.fromfile(path, np.uint8),
    ],
    ids='open pil descriptor cv2 mmengine numpy'.split(),
)
def test_every_reader_is_seen(masks, read) -> None:
    with watch_of(masks) as watch:
        read(masks[0])
        assert (watch.opened('labeled'), watch.opened('unlabeled')) == (1, 0)
        read(masks[2])
        read(masks[2])
    assert watch.opened('unlabeled') == 1
    assert watch.names('unlabeled') == [masks[2]]


def test_other_files_and_looks_do_not_count(masks, tmp_path) -> None:
    (tmp_path / 'other.png').write_text('')
    with watch_of(masks) as watch:
        open(tmp_path / 'other.png').close()
        os.stat(masks[1])
        os.path.isfile(masks[1])
    read_later = open(masks[1], 'rb')
    read_later.close()
    assert watch.opened('unlabeled') == 0
    assert cv2.imread is not None and watch.imread is cv2.imread


def test_links_to_the_folder_lead_to_the_same_masks(masks, tmp_path) -> None:
    link = tmp_path.parent / f'{tmp_path.name}_link'
    link.symlink_to(tmp_path)
    with watch_of(masks) as watch:
        open(link / '3.png', 'rb').close()
    assert watch.names('unlabeled') == [masks[3]]


@pytest.mark.parametrize(
    'spelling', ['link', 'chain', './', '..', '//', 'relative', 'bytes']
)
def test_every_spelling_of_a_mask_is_the_same_file(
    masks, tmp_path, monkeypatch, spelling
) -> None:
    other = tmp_path / 'other'
    other.mkdir()
    (other / 'a.png').symlink_to('../3.png')
    (other / 'b.png').symlink_to('a.png')
    spelled = {
        'link': other / 'a.png',
        'chain': other / 'b.png',
        './': f'{tmp_path}/./3.png',
        '..': f'{tmp_path}/other/../3.png',
        '//': f'{tmp_path}//3.png',
        'relative': '../3.png',
        'bytes': os.fsencode(masks[3]),
    }[spelling]
    with watch_of(masks) as watch:
        monkeypatch.chdir(other)
        open(spelled, 'rb').close()
    assert watch.names('unlabeled') == [masks[3]]
    # The same when a list spells it so.
    lists = dict(unlabeled=lambda: [os.fsdecode(spelled), masks[3]])
    with MaskWatch(lists) as watch:
        open(masks[3], 'rb').close()
    assert len(watch.hashes['unlabeled']) == watch.opened('unlabeled') == 1
    assert len(watch.names('unlabeled')) == 1


def test_a_relative_path_is_of_the_present_folder(
    masks, tmp_path, monkeypatch
) -> None:
    other = tmp_path / 'other'
    other.mkdir()
    (other / '3.png').write_text('')
    with watch_of(masks) as watch:
        monkeypatch.chdir(other)
        open('3.png').close()
        assert watch.opened('unlabeled') == 0
        monkeypatch.chdir(tmp_path)
        open('3.png', 'rb').close()
    assert watch.names('unlabeled') == [masks[3]]


class Leaking(Dataset):
    def __init__(self, path):
        self.path = path

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return torch.as_tensor(cv2.imread(self.path)[..., 0])


def test_processes_that_load_data_are_seen(masks) -> None:
    with watch_of(masks) as watch:
        loader = DataLoader(
            Leaking(masks[1]), num_workers=1, multiprocessing_context='fork'
        )
        assert len(list(loader)) == 2
    assert watch.names('unlabeled') == [masks[1]]
