"""What a work dir remembers of its run, beside the files of the run."""

import hashlib
import json
import os.path as osp
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmsemi.datasets.splits import config_datasets
from mmsemi.io.files import write_json

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
    """SHA-256 of the names in each list file of a config, by its path.

    Blank lines and line ends do not count, the order does: it decides which
    images a run sees when.
    """
    found = {}
    for _, dataset in config_datasets(cfg):
        path = dataset.get('ann_file')
        if not path:
            continue
        place = osp.join(dataset.get('data_root') or '', path)
        if place not in found and osp.isfile(place):
            lines = Path(place).read_bytes().split(b'\n')
            names = [line.strip() for line in lines if line.strip()]
            found[place] = hashlib.sha256(b'\n'.join(names)).hexdigest()
    return found


def changed_lists(record: dict, cfg: Config) -> list[str]:
    """Lists that are not what they were when the run began."""
    before = record.get('lists')
    if not isinstance(before, dict):
        return []
    now = list_hashes(cfg)
    # Lists of another path are another config, which is told elsewhere.
    return [path for path in now if before.get(path, now[path]) != now[path]]
