"""A training run from the moment it holds its work dir to its end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mmengine.config import Config

from mmsemi.engine.checkpoints import newest_whole
from mmsemi.engine.resumable import check_state
from mmsemi.io.checkpoints import read_checkpoint
from mmsemi.io.lock import FolderLock, withdrawn

from .launcher import is_first_process
from .moved_data import all_moves, data_moves
from .run_record import (
    add_lists,
    add_place,
    begin_record,
    check_lists,
    finish_record,
    read_record,
)
from .work_dir import check_work_dir, take_back


def resume_latest(cfg: Config) -> None:
    """Resume from the latest whole checkpoint of the work dir, if it has one.

    With ``load_from`` set as well, mmengine would resume from that file; and
    a run stopped before its first checkpoint must load it again.

    Raises:
        UsageError: if the checkpoint lacks what a run goes on with.
    """
    path = newest_whole(cfg.work_dir, lambda _: None)
    cfg.resume = path is not None
    if path is not None:
        check_state(
            read_checkpoint(path, map_location='meta'),
            str(path),
            (cfg.get('train_cfg') or {}).get('max_iters'),
            schedules=bool(cfg.get('param_scheduler')),
        )
        cfg.load_from = None


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
    that a run begins. The others only read. A run that fails before it has
    made anything leaves no run, and an old one where it was.

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
            lock = stack.enter_context(FolderLock(work_dir))
            stack.enter_context(
                withdrawn(lock, lambda: bool(read_record(work_dir)))
            )
            if not overwrite:
                check_work_dir(cfg, config_path, resume)
        record = read_record(work_dir) if resume else {}
        if record.get('finished'):
            yield True
            return
        if resume:  # the weights it began with may be gone by now
            resume_latest(cfg)
        if is_first_process():
            if record:
                moved = all_moves(work_dir, config_path, cfg)
                check_lists(work_dir, record, cfg, moved)
            check()
            aside = None
            if overwrite:
                aside = check_work_dir(cfg, config_path, overwrite=True)
            if not record:
                begin_record(cfg, config_path)
            else:
                _follow_data(cfg, config_path)
                add_place(work_dir, config_path)
        try:
            yield False
        except Exception:
            if is_first_process() and not record:
                take_back(work_dir, Path(config_path).name, aside)
            raise


def _follow_data(cfg: Config, config_path: str) -> None:
    """Say and write down where the data set of a run was moved."""
    found = data_moves(cfg.work_dir, config_path, cfg).folders
    for before, now in found:
        print(
            f'the data set of {before} lies in {now} now; its lists name the '
            'same images',
            flush=True,
        )
    if found:
        add_lists(cfg.work_dir, cfg)


def finish_run(cfg: Config) -> None:
    """Write down that a run is finished, when all its files are there."""
    if is_first_process():
        finish_record(cfg.work_dir)
