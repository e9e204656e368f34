"""What a work dir remembers of its run, beside the files of the run."""

import hashlib
import json
import os
import os.path as osp
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmsemi.datasets.lists import read_names
from mmsemi.datasets.splits import config_datasets, more
from mmsemi.io.files import write_json
from mmsemi.utils.errors import UsageError

RECORD = 'run.json'


def read_record(work_dir: str | Path) -> dict[str, Any]:
    """Content of ``run.json``; empty where there is no readable one."""
    try:
        content = json.loads((Path(work_dir) / RECORD).read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def begin_record(cfg: Config, config_name: str) -> None:
    """Write down that a run begins, before anything else of it exists."""
    write_json(
        cfg.work_dir,
        RECORD,
        dict(config=config_name, lists=list_hashes(cfg), finished=False),
    )


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


def check_lists(work_dir: str | Path, record: dict, cfg: Config) -> None:
    """Stop a run that would go on with other images than it began with.

    Raises:
        UsageError: naming the first list that is not what it was.
    """
    changed = changed_lists(record, cfg)
    if changed:
        raise UsageError(
            f'cannot resume {work_dir}: {changed[0]}{more(changed)} names '
            'other images than when the run began. Bring the old list or '
            'images back, or start another run with another --work-dir'
        )


def changed_lists(record: dict, cfg: Config) -> list[str]:
    """Lists that are not what they were when the run began."""
    before = record.get('lists')
    if not isinstance(before, dict):
        return []
    now = list_hashes(cfg)
    # Lists of another path are another config, which is told elsewhere.
    return [path for path in now if before.get(path, now[path]) != now[path]]
