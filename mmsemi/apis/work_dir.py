"""The run that a work dir holds: never written over, never mixed up."""

import re
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmsemi.doctor.data import STAMP
from mmsemi.engine.checkpoints import POINTER
from mmsemi.engine.machine import undivided
from mmsemi.io.config_data import flat_config, read_dumped_config
from mmsemi.io.files import cannot_write, inside
from mmsemi.io.lock import LOCK
from mmsemi.utils.errors import UsageError, WriteError

from .moved_data import all_moves
from .run_record import RECORD, UNMOVED, Moves, read_record

# The plain model that a run ends with, and its last where that differs.
EXPORTED = tuple(
    f'segmentor{which}{suffix}'
    for which in ('', '_last')
    for suffix in ('.pth', '.py')
)
# What a training run leaves in its work dir; logs are kept per start.
RUN_FILES = (
    RECORD,
    POINTER,
    'summary.json',
    'iter_*.pth',
    'epoch_*.pth',
    'best_*.pth',
    'round_*.pth',
    'validated_*.pth',
    'iteration_*.pth',
    *EXPORTED,
    'pseudo_labels',
    'pictures',
)
# Of these, the folders that a run writes to, and removes from.
RUN_FOLDERS = ('pseudo_labels', 'pictures')
# Of these, what others may have put into a folder that holds no run.
ANYBODYS = ('pictures',)
# Parts of a config that must stay as they are when a run is continued.
RUN_KEYS = (
    'model',
    'train_cfg',
    'optim_wrapper',
    'param_scheduler',
    'train_dataloader',
    'semi_dataloader',
    'label_dataloader',
    'randomness',
    'custom_hooks',
    # Figures and the best of all are compared with those of before.
    'val_dataloader',
    'val_evaluator',
)
# Of these, how many whole images are predicted at once.
FREE = ('val_dataloader.batch_size',)


def run_files(work_dir: str | Path) -> list[Path]:
    """Products of an earlier run in a work dir, sorted by name."""
    found = {
        path for pattern in RUN_FILES for path in Path(work_dir).glob(pattern)
    }
    if all(path.name in ANYBODYS for path in found):
        return []
    return sorted(found)


def check_work_dir(
    cfg: Config,
    config_path: str,
    resume: bool = False,
    overwrite: bool = False,
) -> Path | None:
    """Refuse to write over a run or to continue a different one.

    With ``resume``, a run that was stopped before its first checkpoint, or
    before its config was there, starts from the beginning. With
    ``overwrite``, what an old run wrote is moved to ``<work dir>.old-1``.

    Returns:
        Where an old run was moved.

    Raises:
        UsageError: if there is a run and neither option was given, if
            there is nothing to resume, if the run to resume used another
            config, if the config itself would be written over, or if a link
            leads out of the folder.
    """
    work_dir = Path(cfg.work_dir)
    name = Path(config_path).name
    dumped = work_dir / name
    if not overwrite:  # which moves links aside, too
        refuse_links(work_dir)
    if dumped.exists() and Path(config_path).exists():
        if dumped.samefile(config_path):
            raise UsageError(
                f'a run writes its settings to {dumped}, which is the config '
                'itself. Choose another --work-dir'
            )
    old = run_files(work_dir)
    if resume:
        others = sorted(
            path.name
            for path in work_dir.glob('*.py')
            if path.name not in (name, *EXPORTED)
        )
        started = read_record(work_dir).get('config')
        if started not in (None, name):
            others = [started]
        if not dumped.exists():
            if started == name or _only_begun(work_dir):
                return None
            found = (
                f'; it holds a run of {", ".join(others)}' if others else ''
            )
            raise UsageError(
                f'nothing to resume: {work_dir} holds no run of '
                f'{name}{found}. Start it without --resume, or name '
                'the right folder with --work-dir'
            )
        moved = all_moves(work_dir, config_path, cfg)
        changed = changed_keys(read_dumped_config(dumped), cfg, moved)
        if changed:
            raise UsageError(
                f'cannot resume {work_dir}: the config differs from the one '
                f'the run was started with in {"; ".join(changed)}. Resume '
                'with the same config and options, or start another run '
                'with another --work-dir'
            )
    elif old and not overwrite:
        raise UsageError(
            f'{work_dir} already holds a run ({old[0].name}'
            f'{" and more" if len(old) > 1 else ""}). Continue it with '
            '--resume, move it aside with --overwrite, or choose another '
            '--work-dir'
        )
    elif overwrite:
        aside = move_aside(work_dir, name)
        refuse_links(work_dir)
        return aside
    elif dumped.exists():
        # The record of a run is written before its settings are.
        raise UsageError(
            f'a run writes its settings to {dumped}, where a file of no run '
            'lies. Move it away, have it moved aside with --overwrite, or '
            'choose another --work-dir'
        )
    return None


def refuse_links(work_dir: str | Path) -> None:
    """Refuse folders of a run that lie elsewhere, with files of others.

    A copy of a folder with such a link would remove what the original has.

    Raises:
        UsageError: naming the link and where it leads.
    """
    for folder in RUN_FOLDERS:
        inside(work_dir, f'{folder}/any')


def take_back(work_dir: str | Path, name: str, aside: Path | None) -> None:
    """Let a run that failed before it had made anything be none.

    It can then be started as it was, with the mistake mended. Its logs stay.
    Changes nothing where there are products of the run.

    Args:
        work_dir: folder of the run.
        name: of the config.
        aside: folder an old run was moved to; it comes back.
    """
    work_dir = Path(work_dir)
    if any(path.name != RECORD for path in run_files(work_dir)):
        return
    for path in (work_dir / RECORD, work_dir / name):
        path.unlink(missing_ok=True)
    if aside is not None:
        for path in sorted(aside.iterdir(), key=lambda p: p.name == RECORD):
            path.rename(work_dir / path.name)
        aside.rmdir()


def _only_begun(work_dir: Path) -> bool:
    """Whether a run was stopped here before it wrote its first file."""
    if not work_dir.is_dir():
        return False
    rest = [
        path
        for path in work_dir.iterdir()
        if path.name not in (LOCK, STAMP)
        and path.suffix not in ('.partial', '.tmp')
        and not re.fullmatch(r'\d{8}_\d{6}', path.name)  # logs
    ]
    return not rest


def move_aside(work_dir: str | Path, name: str = '') -> Path | None:
    """Move what a run wrote to ``<work dir>.old-<number>``.

    What else lies in the folder stays.

    Args:
        work_dir: folder of the run.
        name: a file that the next run would write over, moved as well.

    Returns:
        The new folder, None if there was nothing to move.
    """
    work_dir = Path(work_dir)
    old = run_files(work_dir)
    started = read_record(work_dir).get('config')
    for config in {Path(started or '').name, name} - {''}:
        if (work_dir / config).is_file():
            old.append(work_dir / config)
    return move_files_aside(work_dir, old) if old else None


def move_files_aside(work_dir: Path, old: Sequence[Path]) -> Path:
    """Move files and folders of a work dir to ``<work dir>.old-<number>``."""
    base = work_dir.absolute()
    aside = next(
        path
        for number in count(1)
        if not (path := base.with_name(f'{base.name}.old-{number}')).exists()
    )
    try:
        aside.mkdir()
        # Without these the folder no longer claims to hold the run.
        for path in sorted(old, key=lambda p: p.name not in (POINTER, RECORD)):
            path.rename(aside / path.name)
    except OSError as error:
        raise WriteError(cannot_write(aside, error)) from error
    return aside


def changed_keys(
    old: Config | dict, new: Config, moved: Moves = UNMOVED
) -> list[str]:
    """``key: old -> new`` for each value that makes another run.

    Loader settings that change speed only (workers, pinning) are free, and
    so are the processes and accumulated parts that share a step, and where a
    run, or its data set, lies that was moved as a whole.
    """
    speed = (
        'num_workers',
        'persistent_workers',
        'pin_memory',
        'prefetch_factor',
    )

    def values(cfg: Config | dict) -> dict[str, Any]:
        flat: dict[str, Any] = {}
        for key in RUN_KEYS:
            flat.update(flat_config(cfg.get(key), key))
        return {
            key: value
            for key, value in flat.items()
            if key.rsplit('.', 1)[-1] not in speed and key not in FREE
        }

    before, after = values(undivided(old)), values(undivided(new))
    return [
        f'{key}: {before.get(key)} -> {after.get(key)}'
        for key in sorted({**before, **after})
        if after.get(key) not in moved.paths(before.get(key))
    ]
