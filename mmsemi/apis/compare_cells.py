"""The cells of a comparison: one run each, of a method, split and seed."""

import os.path as osp
import pprint
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.dataset import BaseDataset

from mmsemi.datasets.compact import build_dataset
from mmsemi.datasets.splits import config_datasets, listed_names, source_of
from mmsemi.io.files import read_json
from mmsemi.registry import HOOKS, is_type
from mmsemi.report.comparison import CELL, CELLS, RUN
from mmsemi.report.comparison_configs import NOTES

from .compare_baselines import PICTURES, drop_hooks
from .compare_methods import Method, resolved, with_settings
from .config import prepare_generated
from .run_record import RECORD


class Cell(NamedTuple):
    """One run.

    Attributes:
        method: its row.
        split: name of its lists in the comparison.
        seed: of the run.
        setting: number of the setting that is tried out; None for a run
            that counts.
        options: settings that tuning tries out or has chosen.
        out: folder of the comparison.
        folder: where it lies.
        cfg: its whole config.
        lists: ``{role: names of images}``.
        file: name of the file of its config.
    """

    method: Method
    split: str
    seed: int
    setting: int | None
    options: dict[str, Any]
    out: Path
    folder: Path
    cfg: Config
    lists: dict[str, list[str]]
    file: str

    @property
    def config(self) -> Path:
        """File of its config."""
        return self.folder / self.file

    @property
    def run(self) -> Path:
        """Work dir of its training."""
        return self.folder / RUN

    @property
    def title(self) -> str:
        """For people: ``unimatch, 1_16, seed 0``."""
        words = f'{self.method.name}, {self.split}, seed {self.seed}'
        if self.setting is not None:
            words += f', setting {self.setting}'
        return words

    def words(self) -> list[str]:
        """Command line that trains it, without the program's name."""
        words = ['train', str(self.config), '--work-dir', str(self.run)]
        # Nothing is there to resume before a run has begun.
        return words + ['--resume'] * (self.run / RECORD).is_file()


def make_cell(
    out: Path,
    method: Method,
    split: str | None,
    seed: int,
    label: str | None = None,
    setting: int | None = None,
    options: dict[str, Any] | None = None,
) -> Cell:
    """A cell with its config resolved and its lists read.

    Args:
        out: folder of the comparison.
        method: its row.
        split: name or folder, ``{seed}`` in it is the seed; that of the
            config by default.
        seed: of the run.
        label: name of the split in the comparison; the split itself (or
            what the config calls its own) by default.
        setting: see :class:`Cell`.
        options: settings to change, by their dotted keys.

    Raises:
        UsageError: if a list cannot be read, or a setting cannot be tried.
    """
    given = split.replace('{seed}', str(seed)) if split else None
    if options:
        method = with_settings(method, options, given)
    cfg = resolved(method.cfg, given)
    label = label or split_label(split) or str(cfg.get('split') or 'default')
    cfg.randomness = dict(cfg.get('randomness') or {}, seed=seed)
    cfg.pop('work_dir', None)
    cfg.resume = False
    certify(cfg)
    prepare_generated(cfg)
    parts = [CELLS, label, f'seed{seed}']
    if setting is not None:
        parts.append(f'setting{setting}')
    folder = out.joinpath(*parts, method.name)
    return Cell(
        method,
        label,
        seed,
        setting,
        dict(options or {}),
        out,
        folder,
        cfg,
        list_names(cfg),
        config_file(folder, method.config),
    )


def config_file(folder: Path, config: str) -> str:
    """Name of a cell's config: as it began, whatever it is called now."""
    begun = (folder / RUN / RECORD).is_file()
    known = read_json(folder / CELL).get('config') if begun else None
    return known or f'{Path(config).stem}.py'


def split_label(split: str | None) -> str | None:
    """Name of a split for tables and folders.

    ``data/1_16/seed{seed}`` is 1_16, ``data/1_16/seed0`` is 1_16-seed0.
    """
    if not split:
        return None
    words = [
        word
        for word in Path(split).parts
        if '{seed}' not in word and word not in ('/', '.', '..')
    ]
    if not words:
        return 'split'
    drawn = re.fullmatch(r'seed\d+', words[-1])
    return '-'.join(words[-2:]) if drawn else words[-1]


def certify(cfg: Config) -> None:
    """Let a run note what it opens and costs, and open no mask to report.

    The quality of pseudo-labels is measured apart, when the run is over.
    """
    drop_hooks(cfg, PICTURES)
    hooks = list(cfg.get('custom_hooks') or [])
    for hook in hooks:
        if is_type(hook, HOOKS, 'PseudoLabelHook'):
            hook['audit'] = False
    loader = cfg.get('train_dataloader') or {}
    unlabeled = (loader.get('dataset') or {}).get('unlabeled')
    if isinstance(unlabeled, dict) and unlabeled.get('audit'):
        unlabeled['audit'] = False
    cfg.custom_hooks = hooks + [dict(type=kind) for kind in NOTES]


def list_names(cfg: Config) -> dict[str, list[str]]:
    """Images of each role by their paths below the folder of images."""
    found: dict[str, dict[str, None]] = {}
    for role, dataset in datasets_of(cfg):
        folder = dataset.data_prefix.get('img_path') or ''
        found.setdefault(role, {}).update(
            (osp.relpath(dataset.get_data_info(k)['img_path'], folder), None)
            for k in range(len(dataset))
        )
    return {role: list(names) for role, names in found.items()}


def datasets_of(cfg: Config) -> Iterator[tuple[str, BaseDataset]]:
    """The different data sets of a config, with their roles."""
    seen = []
    for role, config in config_datasets(cfg):
        if config not in seen:
            seen.append(config)
            if config.get('ann_file'):
                listed_names(source_of(config), allow_empty=True)
            yield role, build_dataset(dict(config, pipeline=[]))


def literal(cfg: Config) -> str:
    """Text of a config that holds nothing but assignments of literals."""
    return ''.join(
        f'{key} = {pprint.pformat(value, width=79, sort_dicts=False)}\n'
        for key, value in cfg.to_dict().items()
        if key != 'filename'
    )
