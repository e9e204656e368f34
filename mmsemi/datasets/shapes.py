"""The procedural set on disk, written when it is first used."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import is_distributed
from mmseg.datasets import BaseSegDataset

from mmsemi.io.files import cannot_write, write_png, write_text
from mmsemi.io.json_data import load_json
from mmsemi.registry import DATASETS
from mmsemi.utils.errors import WriteError
from mmsemi.utils.progress import track

from . import landscapes

# Counts, split lists and the version of the drawing code: whatever changes
# here makes an old set be written anew.
CONTENT: dict[str, Any] = dict(
    version=2,
    seed=0,
    train=384,
    val=96,
    size=list(landscapes.SIZE),
    labeled=12,
    split_seeds=3,
)
MANIFEST = 'manifest.json'


@DATASETS.register_module()
class ShapesDataset(BaseSegDataset):
    """Landscapes made of simple shapes, 8 classes, drawn on first use.

    Below ``data_root`` lie ``images/{train,val}``, ``annotations/{train,
    val}``, the list ``train.txt`` of all training images, and
    ``splits/1_32/seed{0,1,2}`` with ``labeled.txt`` and ``unlabeled.txt``.
    See :mod:`mmsemi.datasets.landscapes` for what the pictures show.

    Args:
        data_root: where the set lies or is to be written; needed.
        kwargs: see ``BaseSegDataset``.
    """

    METAINFO = dict(
        classes=landscapes.CLASSES,
        palette=[list(color) for color in landscapes.PALETTE],
    )
    GENERATED = True

    def __init__(self, data_root: str = 'data/shapes', **kwargs) -> None:
        self.prepare(data_root)
        kwargs = dict(
            dict(
                img_suffix='.png',
                seg_map_suffix='.png',
                reduce_zero_label=False,
            ),
            **kwargs,
        )
        super().__init__(data_root=data_root, **kwargs)

    @staticmethod
    def prepare(data_root: str | Path) -> None:
        """Write the set unless a current one lies there."""
        root = Path(data_root)
        if not is_current(root):
            write_set(root)


def is_current(root: Path) -> bool:
    """Whether a whole set of the present version lies at ``root``."""
    return _manifest(root) == CONTENT


def _manifest(root: Path) -> dict[str, Any]:
    try:
        content = load_json(root / MANIFEST)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_set(root: Path) -> None:
    """Draw the set beside ``root`` and move it there when it is whole.

    Several processes may do so at the same time: their sets are equal, and
    the first one stays.

    Raises:
        FileExistsError: if ``root`` holds something that is not such a set,
            or files beside one.
        WriteError: if the disk is full, for instance.
    """
    if (
        root.exists()
        and any(root.iterdir())
        and set(_manifest(root)) != set(CONTENT)
    ):
        raise FileExistsError(
            f'{root} is to hold the procedural set, but there is something '
            'else in it; move it away or set another data_root'
        )
    strangers = not_drawn(root)
    if strangers:
        raise FileExistsError(
            f'{root} holds the procedural set of an earlier version, and '
            f'{strangers[0]}'
            f'{f" and {len(strangers) - 1} more" if strangers[1:] else ""}, '
            'which it did not write. Move what is yours away, or set another '
            'data_root'
        )
    partial = None
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        name = tempfile.mkdtemp(prefix=f'.{root.name}-', dir=root.parent)
        partial = Path(name)
        _write(partial)
        _replace(partial, root)
    except OSError as error:
        raise WriteError(cannot_write(root, error)) from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)


def not_drawn(root: Path) -> list[Path]:
    """Files in a set, relative to it, that the set did not write.

    These are files of other names, and those changed after its last one.
    """
    old = _manifest(root)
    if not root.is_dir() or not old:
        return []
    numbers = old['train'] + old['val']
    names = {
        f'{folder}/{"train" if n < old["train"] else "val"}/{n:04d}.png'
        for folder in ('images', 'annotations')
        for n in range(numbers)
    } | {
        f'splits/1_32/seed{seed}/{role}.txt'
        for seed in range(old['split_seeds'])
        for role in ('labeled', 'unlabeled')
    }
    names |= {'train.txt', MANIFEST}
    written = (root / MANIFEST).stat().st_mtime + 1
    return sorted(
        path.relative_to(root)
        for path in root.rglob('*')
        if not path.is_dir()
        and (
            path.relative_to(root).as_posix() not in names
            or path.stat().st_mtime > written
        )
    )


def _replace(partial: Path, root: Path) -> None:
    old = partial.with_name(partial.name + '-old')
    for _ in range(3):
        if is_current(root):  # another process was faster
            return
        try:
            if root.exists():
                os.replace(root, old)
            os.replace(partial, root)
            return
        except OSError:
            continue
        finally:
            shutil.rmtree(old, ignore_errors=True)
    raise OSError(f'{root} cannot be replaced')


def _write(folder: Path) -> None:
    folder.chmod(0o755)
    train, val = CONTENT['train'], CONTENT['val']
    numbers = range(train + val)
    # Every rank may come here; one bar is enough, and none under a launcher.
    for number in (
        numbers
        if is_distributed()
        else track(numbers, description='drawing the shapes set')
    ):
        image, labels = landscapes.draw_landscape(CONTENT['seed'], number)
        part = 'train' if number < train else 'val'
        name = f'{part}/{number:04d}.png'
        write_png(folder, f'images/{name}', image[..., ::-1])
        write_png(folder, f'annotations/{name}', labels)
    stems = [f'{number:04d}' for number in range(train)]
    _write_list(folder, 'train.txt', stems)
    for seed in range(CONTENT['split_seeds']):
        order = np.random.default_rng([CONTENT['seed'], seed]).permutation(
            train
        )
        lists = np.split(order, [CONTENT['labeled']])
        split = f'splits/1_32/seed{seed}'
        for name, chosen in zip(('labeled', 'unlabeled'), lists):
            lines = [stems[k] for k in sorted(chosen)]
            _write_list(folder, f'{split}/{name}.txt', lines)
    write_text(folder, MANIFEST, json.dumps(CONTENT))


def _write_list(folder: Path, name: str, lines: list[str]) -> None:
    write_text(folder, name, '\n'.join(lines) + '\n')
