"""What the commands under ``tools/`` check before a Runner is built."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config
from mmengine.device import get_device

from mmsemi.datasets.splits import more
from mmsemi.doctor.data import STAMP
from mmsemi.doctor.settings import check_options
from mmsemi.engine.build import resolve
from mmsemi.engine.checkpoints import POINTER, newest_whole
from mmsemi.io.config_data import flat_config, read_dumped_config
from mmsemi.io.files import cannot_write
from mmsemi.io.lock import LOCK, FolderLock
from mmsemi.io.package_configs import plain_import_errors
from mmsemi.utils.errors import UsageError, WriteError

from .launcher import is_first_process
from .run_record import (
    RECORD,
    begin_record,
    changed_lists,
    finish_record,
    read_record,
)

# What a training run leaves in its work dir; logs are kept per start.
RUN_FILES = (
    RECORD,
    POINTER,
    'summary.json',
    'iter_*.pth',
    'epoch_*.pth',
    'best_*.pth',
    'segmentor.pth',
    'segmentor.py',
    'pseudo_labels',
    'pictures',
)
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
)


def load_config(
    path: str,
    options: dict | None = None,
    split: str | None = None,
    world_size: int | None = None,
    accumulate: int = 1,
) -> Config:
    """Read a config file, apply ``--cfg-options`` and resolve its facts.

    Args:
        path: config file, or ``package::path`` of one.
        options: values by dotted names.
        split: see :func:`mmsemi.engine.build.resolve`, as are the others.

    Raises:
        UsageError: if the file, or one it is based on, does not exist, or
            if something it needs is not installed.
    """
    try:
        with plain_import_errors(f'config {path}'):
            cfg = Config.fromfile(path)
    except FileNotFoundError as error:
        raise UsageError(
            f'config {path}: {error.filename or error} not found'
        ) from error
    except (SyntaxError, UnicodeDecodeError, yaml.YAMLError) as error:
        line = getattr(error, 'lineno', None)
        why = ' '.join(str(getattr(error, 'msg', error)).split())
        raise UsageError(
            f'config {path}{f", line {line}" if line else ""} (or a file it '
            f'is based on): {why}. The file is damaged or mistyped'
        ) from error
    if options:
        cfg.merge_from_dict(options)
        check_options(cfg, options)
    return resolve(cfg, split, world_size, accumulate)


def set_work_dir(
    cfg: Config, config_path: str, work_dir: str | None, suffix: str = ''
) -> Path:
    """Work dir from the option, else the config, else the config's name.

    ``configs/<method>/<name>.py`` gives ``work_dirs/<method>/<name>``.
    """
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        *folders, name = Path(config_path).with_suffix('').parts
        below = (
            folders[folders.index('configs') + 1 :]
            if 'configs' in folders
            else []
        )
        cfg.work_dir = str(Path('work_dirs', *below, name, suffix))
    return Path(cfg.work_dir)


def resume_latest(cfg: Config) -> None:
    """Resume from the latest whole checkpoint of the work dir, if it has one.

    With ``load_from`` set as well, mmengine would resume from that file; and
    a run stopped before its first checkpoint must load it again.
    """
    cfg.resume = newest_whole(cfg.work_dir, lambda _: None) is not None
    if cfg.resume:
        cfg.load_from = None


def enable_amp(cfg: Config) -> None:
    """Turn on automatic mixed precision, as mmseg's ``--amp`` does."""
    if get_device() == 'cpu':
        raise UsageError('--amp needs a GPU, and none was found')
    kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
    if kind == 'AmpOptimWrapper':
        return
    if kind != 'OptimWrapper':
        raise UsageError(
            '--amp replaces an OptimWrapper; the config has '
            f'optim_wrapper.type={kind}'
        )
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')


def check_amp(cfg: Config) -> None:
    """Check that a config in mixed precision finds a GPU.

    Raises:
        UsageError: if it does not.
    """
    kind = (cfg.get('optim_wrapper') or {}).get('type')
    if kind == 'AmpOptimWrapper' and get_device() == 'cpu':
        raise UsageError(
            'the config trains in mixed precision (AmpOptimWrapper), which '
            'needs a GPU, and none was found. On a CPU: --cfg-options '
            'optim_wrapper.type=OptimWrapper'
        )


def run_files(work_dir: str | Path) -> list[Path]:
    """Products of an earlier run in a work dir, sorted by name."""
    found = {
        path for pattern in RUN_FILES for path in Path(work_dir).glob(pattern)
    }
    if all(path.name in ANYBODYS for path in found) and not list(
        Path(work_dir).glob('*.py')
    ):
        return []
    return sorted(found)


@contextmanager
def prepared_run(
    cfg: Config,
    config_path: str,
    resume: bool = False,
    overwrite: bool = False,
    check: Callable[[], None] = lambda: None,
) -> Iterator[bool]:
    """Hold the work dir of a training run and make it ready.

    The first process locks the folder, refuses what would damage a run, and
    only when ``check`` has passed moves an old run aside. It then writes down
    that a run begins. The others only read.

    Args:
        cfg: config of the run with its work dir; changed in place.
        config_path: file of the config.
        resume: go on with the run the folder holds.
        overwrite: move the run the folder holds aside.
        check: what must be right before anything is changed.

    Yields:
        Whether the run is finished, so that nothing is left to do.

    Raises:
        UsageError: see :func:`check_work_dir`; or if the folder is in use.
    """
    work_dir = Path(cfg.work_dir)
    with ExitStack() as stack:
        if is_first_process():
            if resume and not work_dir.exists():
                check_work_dir(cfg, config_path, resume)
            stack.enter_context(FolderLock(work_dir))
            if not overwrite:
                check_work_dir(cfg, config_path, resume)
        record = read_record(work_dir) if resume else {}
        if record.get('finished'):
            yield True
            return
        if resume:  # the weights it began with may be gone by now
            resume_latest(cfg)
        if is_first_process():
            changed = changed_lists(record, cfg)
            if changed:
                raise UsageError(
                    f'cannot resume {work_dir}: {changed[0]}{more(changed)} '
                    'has changed since the run began. Bring the old list '
                    'back, or start another run with another --work-dir'
                )
            check()
            if overwrite:
                check_work_dir(cfg, config_path, overwrite=True)
            if not record:
                begin_record(cfg, Path(config_path).name)
        yield False


def finish_run(cfg: Config) -> None:
    """Write down that a run is finished, when all its files are there."""
    if is_first_process():
        finish_record(cfg.work_dir)


def check_work_dir(
    cfg: Config,
    config_path: str,
    resume: bool = False,
    overwrite: bool = False,
) -> None:
    """Refuse to write over a run or to continue a different one.

    With ``resume``, a run that was stopped before its first checkpoint, or
    before its config was there, starts from the beginning. With
    ``overwrite``, what an old run wrote is moved to ``<work dir>.old-1``.

    Raises:
        UsageError: if there is a run and neither option was given, if
            there is nothing to resume, if the run to resume used another
            config, or if the config itself would be written over.
    """
    work_dir = Path(cfg.work_dir)
    name = Path(config_path).name
    dumped = work_dir / name
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
            if path.name not in (name, 'segmentor.py')
        )
        started = read_record(work_dir).get('config')
        if started not in (None, name):
            others = [started]
        if not dumped.exists():
            if started == name or _only_begun(work_dir):
                return
            found = (
                f'; it holds a run of {", ".join(others)}' if others else ''
            )
            raise UsageError(
                f'nothing to resume: {work_dir} holds no run of '
                f'{name}{found}. Start it without --resume, or name '
                'the right folder with --work-dir'
            )
        changed = changed_keys(read_dumped_config(dumped), cfg)
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
        move_aside(work_dir)


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


def move_aside(work_dir: str | Path) -> Path | None:
    """Move what a run wrote to ``<work dir>.old-<number>``.

    What else lies in the folder stays. Returns the new folder, None if there
    was no run.
    """
    work_dir = Path(work_dir)
    old = run_files(work_dir)
    if not old:
        return None
    started = read_record(work_dir).get('config')
    if started and (work_dir / Path(started).name).is_file():
        old.append(work_dir / Path(started).name)
    return move_files_aside(work_dir, old)


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


def changed_keys(old: Config | dict, new: Config) -> list[str]:
    """``key: old -> new`` for each value that makes another run.

    Loader settings that change speed only (workers, pinning) are free.
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
            if key.rsplit('.', 1)[-1] not in speed
        }

    before, after = values(old), values(new)
    return [
        f'{key}: {before.get(key)} -> {after.get(key)}'
        for key in sorted({**before, **after})
        if before.get(key) != after.get(key)
    ]


def _walk(value: Any) -> Iterator[dict]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _walk(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _walk(item)


def prepare_generated(cfg: Config) -> None:
    """Write the procedural sets a config names, before lists are read."""
    from mmsemi.registry import DATASETS

    for part in _walk(cfg.to_dict()):
        kind = part.get('type')
        if isinstance(kind, str) and isinstance(part.get('data_root'), str):
            dataset = DATASETS.get(kind)
            if getattr(dataset, 'GENERATED', False):
                dataset.prepare(part['data_root'])
