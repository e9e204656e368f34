"""What a work dir remembers of its run, beside the files of the run."""

import hashlib
import os
import os.path as osp
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config

from mmsemi.datasets.lists import read_names
from mmsemi.datasets.splits import config_datasets, more
from mmsemi.io.files import read_json, write_json
from mmsemi.utils.errors import UsageError

RECORD = 'run.json'


def read_record(work_dir: str | Path) -> dict[str, Any]:
    """Content of ``run.json``; empty where there is no readable one."""
    return read_json(Path(work_dir) / RECORD)


def begin_record(cfg: Config, config_path: str) -> None:
    """Write down that a run begins, before anything else of it exists."""
    content = dict(
        config=Path(config_path).name,
        lists=list_hashes(cfg),
        finished=False,
        **_place(cfg.work_dir, config_path),
    )
    write_json(cfg.work_dir, RECORD, content)


class Moves(NamedTuple):
    """Folders that were moved since a run began.

    Attributes:
        folders: where each was, and where it is.
    """

    folders: tuple[tuple[str, str], ...] = ()

    def paths(self, value: Any) -> list[Any]:
        """What a path of a config may have become, or any other value."""
        found = [value]
        for before, now in self.folders:
            inside = osp.join(before, '')
            if value == before:
                found.append(now)
            elif isinstance(value, str) and value.startswith(inside):
                found.append(osp.join(now, value[len(inside) :]))
        return found


UNMOVED = Moves()


def moves(work_dir: str | Path, config_path: str) -> Moves:
    """From where config and work dir were moved together; copies count."""
    record, here = read_record(work_dir), _place(work_dir, config_path)
    if record.get('place') != here['place']:  # they were not together
        return UNMOVED
    (now,) = here['folders']
    return Moves(
        tuple(
            _changed(Path(folder).parts, Path(now).parts)
            for folder in record['folders']
            if folder != now
        )
    )


def _changed(before: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, str]:
    """Two paths without the parts that they end with alike."""
    while before[-1:] == now[-1:]:
        before, now = before[:-1], now[:-1]
    return osp.join(*before, ''), osp.join(*now, '')


def add_place(work_dir: str | Path, config_path: str) -> None:
    """Write down where a run goes on."""
    record = read_record(work_dir)
    (now,) = _place(work_dir, config_path)['folders']
    folders = record.get('folders')
    if folders and now not in folders:
        write_json(work_dir, RECORD, dict(record, folders=[*folders, now]))


def _place(work_dir: str | Path, config_path: str) -> dict[str, Any]:
    """Folder of a config, and the work dir seen from there."""
    folder = osp.dirname(osp.abspath(config_path))
    try:
        place = osp.relpath(work_dir, folder)
    except ValueError:  # on another drive of Windows
        place = osp.abspath(work_dir)
    return dict(folders=[folder], place=place)


def add_lists(work_dir: str | Path, cfg: Config) -> None:
    """Write down where the lists of a run lie now."""
    record = read_record(work_dir)
    lists = {**record.get('lists', {}), **list_hashes(cfg)}
    write_json(work_dir, RECORD, dict(record, lists=lists))


def finish_record(work_dir: str | Path) -> None:
    """Write down that nothing is left to do."""
    write_json(work_dir, RECORD, dict(read_record(work_dir), finished=True))


def list_hashes(cfg: Config) -> dict[str, str]:
    """SHA-256 of the names in each list of a config, by its path.

    Blank lines and line ends do not count, the order does: it decides which
    images a run sees when. A dataset without a list uses all images of a
    folder, whose names are its list.
    """
    found = {}
    for _, dataset in config_datasets(cfg):
        path = dataset.get('ann_file')
        folder = (dataset.get('data_prefix') or {}).get('img_path')
        place = osp.join(dataset.get('data_root') or '', path or folder or '')
        if place in found:
            continue
        if path and osp.isfile(place):
            found[place] = read_names(place).hash
        elif not path and folder and osp.isdir(place):
            names = _files_below(place, dataset.get('img_suffix', ''))
            found[place] = hashlib.sha256(b'\n'.join(names)).hexdigest()
    return found


def _files_below(folder: str, suffix: str) -> list[bytes]:
    names = [
        osp.relpath(osp.join(where, name), folder)
        for where, _, files in os.walk(folder, followlinks=True)
        for name in files
        if name.endswith(suffix)
    ]
    return [os.fsencode(name) for name in sorted(names)]


def check_lists(
    work_dir: str | Path, record: dict, cfg: Config, moved: Moves = UNMOVED
) -> None:
    """Stop a run that would go on with other images than it began with.

    Raises:
        UsageError: naming the first list that is not what it was.
    """
    changed = changed_lists(record, cfg, moved)
    if changed:
        raise UsageError(
            f'cannot resume {work_dir}: {changed[0]}{more(changed)} names '
            'other images than when the run began. Bring the old list or '
            'images back, or start another run with another --work-dir'
        )


def changed_lists(
    record: dict, cfg: Config, moved: Moves = UNMOVED
) -> list[str]:
    """Lists that are not what they were when the run began."""
    before = record.get('lists')
    if not isinstance(before, dict):
        return []
    before = {q: h for p, h in before.items() for q in moved.paths(p)}
    now = list_hashes(cfg)
    # Lists of another path are another config, which is told elsewhere.
    return [path for path in now if before.get(path, now[path]) != now[path]]
