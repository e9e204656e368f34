"""What a comparison writes of its cells, and what it refuses to replace."""

import os
import os.path as osp
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmsemi.datasets.splits import config_datasets, list_hash, source_of
from mmsemi.datasets.stems import stems_of
from mmsemi.io.config_data import flat_config, read_dumped_config
from mmsemi.io.files import read_json, write_json, write_text
from mmsemi.registry import bare_name
from mmsemi.report.comparison import ALL_LABELS, CELL, CELLS, LISTS, RUN
from mmsemi.report.comparison_lists import read_names
from mmsemi.report.recipe import differences, fingerprint, recipe
from mmsemi.utils.errors import UsageError

from .compare_cells import Cell, datasets_of, literal
from .run_record import RECORD


def begun(cell: Cell) -> bool:
    """Whether the place of a cell holds a run."""
    return (cell.run / RECORD).is_file() and cell.config.is_file()


def check_images(cell: Cell) -> None:
    """Stop where runs would count as of the same images that are not.

    Raises:
        UsageError: if runs of this split and seed have other lists.
    """
    place = Path(CELLS, cell.split, f'seed{cell.seed}')
    runs = [
        run
        for depth in ('*', 'setting*/*')
        for run in (cell.out / place).glob(f'{depth}/{RUN}/{RECORD}')
    ]
    for role, names in cell.lists.items() if runs else ():
        kept = cell.out / list_place(cell, role)
        known = read_names(kept) if kept.is_file() else names
        if sorted(known) != sorted(names):
            raise UsageError(
                f'{cell.out / place} holds runs with another list of {role} '
                f'images ({len(known)} images, and {len(names)} now). Give '
                'the lists they were started with, or another --out'
            )


def list_place(cell: Cell, role: str) -> str:
    """Where the names of a cell's images are kept."""
    return f'{LISTS}/{cell.split}/seed{cell.seed}/{role}.txt'


def check_settings(cell: Cell) -> None:
    """Stop where a cell would take figures of other settings as its own.

    Raises:
        UsageError: if its place holds a run with other settings, or with
            other weights to start from.
    """
    changed = changes(cell, cell.config) if begun(cell) else None
    if changed:
        raise UsageError(
            f'{cell.folder} holds a run with another {changed}. Give the '
            'options it was started with, or another --out'
        )


def check_different(cells: Sequence[Cell]) -> None:
    """Stop where trials of a method would all be one, so none is chosen.

    Raises:
        UsageError: naming two settings that the runs do not tell apart.
    """
    known: dict[tuple[str, str], int | None] = {}
    for cell in cells:
        own = fingerprint({**recipe(cell.cfg), **weights(cell.cfg)})
        first = known.setdefault((cell.method.name, own), cell.setting)
        if first != cell.setting:
            given = ', '.join(f'{k}={v}' for k, v in cell.options.items())
            raise UsageError(
                f'--tune: settings {first} and {cell.setting} of '
                f'{cell.method.name} are the same to a run ({given} changes '
                'nothing in it). Let them differ, or fewer are tried than '
                'the report says'
            )


def check_planned(cell: Cell) -> None:
    """Stop where a cell is no longer what was planned.

    Before a run has begun, another command may put another one in its place.

    Raises:
        UsageError: if it has other settings now, or other images.
    """
    changed = None
    for role, names in cell.lists.items():
        kept = cell.out / list_place(cell, role)
        known = read_names(kept) if names and kept.is_file() else names
        if sorted(known) != sorted(names):
            changed = f'list of {role} images'
    config = cell.folder / (read_json(cell.folder / CELL).get('config') or '')
    if config.is_file():
        changed = changes(cell, config) or changed
    if config != cell.config:
        changed = changed or f'config, {config.name}'
    if changed:
        raise UsageError(
            f'{cell.folder}: another command has planned it with another '
            f'{changed}. Give the options of that command, or another --out'
        )


def changes(cell: Cell, config: Path) -> str | None:
    """In which settings a cell departs from a config that was written."""
    both = read_dumped_config(config), cell.cfg
    found = differences(*({**recipe(c), **weights(c)} for c in both))
    if not found:
        return None
    return found[0] + f' (and {len(found) - 1} more)' * (len(found) > 1)


def weights(cfg: Config | dict) -> dict[str, str | None]:
    """Files a run starts from, by their settings; folders may be moved."""
    flat = flat_config(cfg.get('model'), 'model')
    found = {key: v for key, v in flat if key.endswith('.checkpoint')}
    found['load_from'] = cfg.get('load_from')
    return {k: osp.basename(v) if v else None for k, v in found.items()}


def write_cell(cell: Cell) -> None:
    """Put config and facts of a cell in its place.

    Raises:
        UsageError: see :func:`check_settings`.
    """
    check_settings(cell)
    # What is to go on finds its images where they are now.
    if not (begun(cell) and read_json(cell.run / RECORD).get('finished')):
        write_text(cell.folder, cell.config.name, literal(cell.cfg))
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
    size = (size, size) if isinstance(size, int) else size
    return dict(
        mode=test_cfg.get('mode', 'whole'),
        window=test_cfg.get('crop_size'),
        stride=test_cfg.get('stride'),
        resolution='x'.join(map(str, size)) if size else 'as the files are',
        network=(model.get('semi_test_cfg') or {}).get('predict_on')
        or ('student' if 'student' in model else 'the network'),
    )


def write_lists(out: Path, group: Sequence[Cell]) -> None:
    """Keep the names that cells of a split are about, for the report.

    Raises:
        UsageError: see :func:`check_images`.
    """
    cell = fullest(group)
    check_images(cell)
    for role, names in cell.lists.items():
        text = ''.join(f'{name}\n' for name in names)
        write_text(out, list_place(cell, role), text)


def fullest(group: Sequence[Cell]) -> Cell:
    """The first cell of a group that names the most roles."""
    return max(group, key=lambda cell: len(cell.lists))


def all_labels(out: Path, cells: Sequence[Cell]) -> str:
    """A folder with one list: all images the first split knows."""
    found = {
        name
        for role, dataset in datasets_of(fullest(cells).cfg)
        if role in ('labeled', 'unlabeled')
        for name in stems_of(dataset)
    }
    where = out / LISTS / 'all/names'
    place, names = where / 'labeled.txt', sorted(found)
    runs = (out / CELLS / 'all').glob(f'*/{ALL_LABELS}/{RUN}/{RECORD}')
    known = read_names(place) or names
    if known != names and any(runs):
        raise UsageError(
            f'{place}: {ALL_LABELS} was run with {len(known)} images, and '
            f'the split {cells[0].split} names others, {len(names)}. Name '
            'the split first that came first, or another --out'
        )
    write_text(where, place.name, '\n'.join(names) + '\n')
    return str(where)
