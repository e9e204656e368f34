"""A run whose data set was moved since it began."""

from pathlib import Path

from mmengine.config import Config

from mmsemi.io.config_data import flat_config, read_dumped_config

from .run_record import UNMOVED, Moves, moves, read_record

LOADERS = (
    'train_dataloader',
    'semi_dataloader',
    'label_dataloader',
    'val_dataloader',
)


def all_moves(work_dir: str | Path, config_path: str, cfg: Config) -> Moves:
    """From where a run, or its data set alone, was moved.

    Args:
        work_dir: of the run.
        config_path: file of the config.
        cfg: the config that it is to go on with.
    """
    data = data_moves(work_dir, config_path, cfg)
    return Moves(moves(work_dir, config_path).folders + data.folders)


def data_moves(work_dir: str | Path, config_path: str, cfg: Config) -> Moves:
    """From where the data set of a run was moved.

    It was where a ``data_root`` differs, that of the config or of a dataset,
    unless another part of the run had its data in the new place already.
    That the images are the same is for ``check_lists`` to see: a run of
    which no lists are known has not been moved.
    """
    dumped = Path(work_dir) / Path(config_path).name
    if not read_record(work_dir).get('lists') or not dumped.exists():
        return UNMOVED
    before, now = roots(read_dumped_config(dumped)), roots(cfg)
    taken = set(before.values())
    pairs = {(before[key], now[key]) for key in before.keys() & now.keys()}
    return Moves(tuple(sorted(pair for pair in pairs if pair[1] not in taken)))


def roots(cfg: Config | dict) -> dict[str, str]:
    """The ``data_root`` of a config and of its datasets, by their keys."""
    flat = {'data_root': cfg.get('data_root')}
    for key in LOADERS:
        flat.update(flat_config(cfg.get(key), key))
    return {
        key: value
        for key, value in flat.items()
        if key.rpartition('.')[2] == 'data_root' and isinstance(value, str)
    }
