"""Commands on a full disk: a sentence, nothing lost, and they go on later."""

import errno
import os
import shutil

import pytest

from mmsemi.apis import export, label_next, predict
from mmsemi.apis.fit_run import check_out
from mmsemi.io.files import write_json
from mmsemi.io.lock import LOCK, FolderLock
from mmsemi.prepare.encoding import Encoding
from mmsemi.utils.errors import UsageError, WriteError
from tests.apis.tiny_run import CLASSES, write_photos, write_run
from tests.full_disk import FullDisk, contents

NAMES = [f'{k}.png' for k in range(4)]
COMMANDS = dict(
    predict=lambda run, images, out: predict(
        run, images, out / 'predicted', confidence=True
    ),
    label_next=lambda run, images, out: label_next(run, 2),
    export=lambda run, images, out: export(run, out=out / 'plain.pth'),
)


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """A run of fit with two labeled and two unlabeled images."""
    root = tmp_path_factory.mktemp('full')
    write_photos(root / 'images', NAMES)
    run = write_run(root / 'run', root / 'images')
    for role, names in (
        ('labeled', NAMES[:1]),
        ('holdout', NAMES[1:2]),
        ('unlabeled', NAMES[2:]),
    ):
        (run / f'data/{role}.txt').write_text(
            ''.join(f'{name}\n' for name in names)
        )
    return root


@pytest.mark.parametrize('command', COMMANDS)
def test_each_file_may_be_the_last_that_fits(made, tmp_path, command) -> None:
    def call(place):
        COMMANDS[command](str(place / 'run'), str(made / 'images'), place)

    whole = tmp_path / 'whole'
    shutil.copytree(made / 'run', whole / 'run')
    disk = FullDisk(tmp_path)
    with disk.after(None):
        call(whole)
    number = disk.files
    assert number > 1
    wanted = contents(whole)
    before = contents(made / 'run')
    for fits in range(number):
        place = tmp_path / f'{fits}'
        shutil.copytree(made / 'run', place / 'run')
        with disk.after(fits), pytest.raises(WriteError) as error:
            call(place)
        said = str(error.value)
        assert str(place) in said and 'disk is full. Free some space' in said
        assert before.items() <= contents(place / 'run').items()
        assert not list(place.rglob('*partial*'))
        # The same command, when there is space again.
        call(place)
        assert contents(place).keys() == wanted.keys()
        same = [k for k in wanted if not k.endswith('plain.pth')]
        assert all(contents(place)[k] == wanted[k] for k in same), fits


@pytest.mark.parametrize(
    'source', ['files', 'deep', 'folders', 'image folders', 'labelme', 'coco']
)
def test_masks_that_are_there_stay(made, tmp_path, source) -> None:
    """A second call makes those that are missing, whatever their encoding."""
    run = tmp_path / 'run'
    shutil.copytree(made / 'run', run)
    codes = [0, 1, 70_000 if source == 'deep' else 2]
    encoding = Encoding('ids', 'gray', CLASSES, codes, source=source)
    write_json(run, 'data/encoding.json', encoding.as_data())
    arguments = (run, made / 'images', tmp_path / 'out', True)
    # A note, then masks and confidence of one image at least.
    with FullDisk(tmp_path).after(5), pytest.raises(WriteError):
        predict(*arguments)
    first = {
        path: path.stat().st_mtime_ns
        for path in (tmp_path / 'out/masks').rglob('*.*')
        if path.name[0] != '.'
    }
    assert bool(first) == (source != 'coco')
    assert predict(*arguments).images == len(NAMES)
    assert all(p.stat().st_mtime_ns == time for p, time in first.items())
    assert not (tmp_path / 'out/masks/.unfinished.json').exists()
    # It is over, and what is there is a person's now.
    with pytest.raises(UsageError, match='holds files'):
        predict(*arguments)


def test_another_call_overwrites_no_unfinished_masks(made, tmp_path) -> None:
    arguments = (made / 'run', made / 'images', tmp_path / 'out')
    with FullDisk(tmp_path).after(2), pytest.raises(WriteError):
        predict(*arguments)
    with pytest.raises(UsageError, match='holds files'):
        predict(*arguments, encoding='ids')


def test_a_start_of_fit_that_wrote_nothing_is_not_in_the_way(tmp_path) -> None:
    run = tmp_path / 'run'
    with FullDisk(tmp_path).after(0), pytest.raises(WriteError):
        write_json(run / 'data/masks', 'encoding.json', {})
    assert (run / 'data/masks').is_dir()
    check_out(run)
    (run / 'data/masks/mine.png').touch()
    with pytest.raises(UsageError, match='data is in the way'):
        check_out(run)


def test_no_lock_without_space(tmp_path, monkeypatch) -> None:
    def full(*arguments):
        raise OSError(errno.ENOSPC, 'No space left on device')

    (tmp_path / 'old').mkdir()
    monkeypatch.setattr(os, 'pwrite', full)
    for name in ('new/run', 'old'):
        with pytest.raises(WriteError, match=f'{name}/{LOCK}.*disk is full'):
            FolderLock(tmp_path / name)
    assert not (tmp_path / 'new').exists()
    monkeypatch.undo()
    with FolderLock(tmp_path / 'old'):
        pass
