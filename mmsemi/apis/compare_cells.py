"""The cells of a comparison: one run each, of a method, split and seed."""

import copy
import hashlib
import os
import os.path as osp
import pprint
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.dataset import BaseDataset

from mmsemi.datasets.compact import build_dataset
from mmsemi.datasets.splits import config_datasets, list_hash, source_of
from mmsemi.io.config_data import read_dumped_config
from mmsemi.io.files import write_json, write_text
from mmsemi.registry import HOOKS, bare_name, is_type
from mmsemi.report.comparison import CELL, CELLS, LISTS, RUN
from mmsemi.report.recipe import differences, recipe
from mmsemi.utils.errors import UsageError

from .compare_baselines import PICTURES, drop_hooks
from .compare_methods import Method, resolved
from .config import prepare_generated
from .run_record import RECORD

# What every cell notes beside its own hooks.
NOTES = ('MaskWatchHook', 'ForwardCountHook')


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

    @property
    def config(self) -> Path:
        """File of its config."""
        return self.folder / f'{Path(self.method.config).stem}.py'

    @property
    def run(self) -> Path:
        """Work dir of its training."""
        return self.folder / RUN

    @property
    def digest(self) -> str:
        """SHA-256 of its config."""
        return hashlib.sha256(literal(self.cfg).encode()).hexdigest()

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
    """
    cfg = copy.deepcopy(method.cfg)
    if options:
        cfg.merge_from_dict(options)
    given = split.replace('{seed}', str(seed)) if split else None
    cfg = resolved(cfg, given)
    label = label or split_label(split) or str(cfg.get('split') or 'default')
    cfg.randomness = dict(cfg.get('randomness') or {}, seed=seed)
    cfg.pop('work_dir', None)
    cfg.resume = False
    certify(cfg)
    prepare_generated(cfg)
    parts = [CELLS, label, f'seed{seed}']
    if setting is not None:
        parts.append(f'setting{setting}')
    return Cell(
        method,
        label,
        seed,
        setting,
        dict(options or {}),
        out,
        out.joinpath(*parts, method.name),
        cfg,
        list_names(cfg),
    )


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
            yield role, build_dataset(dict(config, pipeline=[]))


def literal(cfg: Config) -> str:
    """Text of a config that holds nothing but assignments of literals."""
    return ''.join(
        f'{key} = {pprint.pformat(value, width=79, sort_dicts=False)}\n'
        for key, value in cfg.to_dict().items()
        if key != 'filename'
    )


def write_cell(cell: Cell) -> None:
    """Put config and facts of a cell in its place.

    Raises:
        UsageError: if the place holds a run with other settings or lists.
    """
    text = literal(cell.cfg)
    if cell.config.is_file() and (cell.run / RECORD).is_file():
        changed = differences(
            recipe(read_dumped_config(cell.config)), recipe(cell.cfg)
        )
        if changed:
            more = f' (and {len(changed) - 1} more)' * (len(changed) > 1)
            raise UsageError(
                f'{cell.folder} holds a run with another {changed[0]}{more}. '
                'Give the options it was started with, or another --out'
            )
    else:
        write_text(cell.folder, cell.config.name, text)
    write_json(cell.folder, CELL, facts(cell))


def facts(cell: Cell) -> dict[str, Any]:
    """What a report needs to know of a cell, beside what its run says."""
    own = f'{cell.out.absolute()}{os.sep}'
    sources: dict[str, dict[str, None]] = {}
    for role, config in config_datasets(cell.cfg):
        # Lists that the comparison wrote are told by their place in it.
        place = osp.abspath(source_of(config))
        place = place if place.startswith(own) else source_of(config)
        sources.setdefault(role, {})[place.removeprefix(own)] = None
    return dict(
        method=cell.method.name,
        role=cell.method.role,
        origin=str(cell.method.config),
        config=cell.config.name,
        split=cell.split,
        seed=cell.seed,
        setting=cell.setting,
        options=cell.options,
        iterations=cell.method.iterations,
        images_drawn=cell.method.images,
        labeled_drawn=cell.method.labeled,
        labeled_batch=cell.method.labeled_batch,
        lists={
            role: dict(
                sources=list(sources[role]),
                images=len(names),
                sha256=list_hash(names),
            )
            for role, names in cell.lists.items()
        },
        evaluation=evaluation(cell.cfg),
        command=shlex.join(
            ['mmsemi', *(w for w in cell.words() if w != '--resume')]
        ),
    )


def evaluation(cfg: Config) -> dict[str, Any]:
    """How a run is evaluated: resolution, whole or sliding, which network."""
    model = cfg.model
    network = model.get('student', model)
    test_cfg = network.get('test_cfg') or {}
    sizes = [
        step
        for step in cfg.val_dataloader.dataset.get('pipeline', [])
        if bare_name(step.get('type')).endswith('Resize')
    ]
    scales = [step['scale'] for step in sizes if step.get('scale')]
    size = scales[0] if scales else None
    return dict(
        mode=test_cfg.get('mode', 'whole'),
        window=test_cfg.get('crop_size'),
        stride=test_cfg.get('stride'),
        resolution='x'.join(map(str, size)) if size else 'as the files are',
        network=(model.get('semi_test_cfg') or {}).get('predict_on')
        or ('student' if 'student' in model else 'the network'),
    )


def write_lists(out: Path, cell: Cell) -> None:
    """Keep the names that a cell of a split trains on, for the report."""
    for role, names in cell.lists.items():
        write_text(
            out,
            f'{LISTS}/{cell.split}/seed{cell.seed}/{role}.txt',
            ''.join(f'{name}\n' for name in names),
        )
