"""The folder of a mutual training: never written over, never mixed up."""

from pathlib import Path

from mmengine.config import Config

from mmsemi.io.config_data import read_dumped_config
from mmsemi.io.files import write_json, write_text
from mmsemi.io.lock import FolderLock
from mmsemi.utils.errors import UsageError

from .run_record import RECORD, check_lists, list_hashes, read_record
from .work_dir import changed_keys, move_files_aside


def prepare_folder(
    work_dir: Path, configs: dict[str, Config], resume: bool, overwrite: bool
) -> None:
    """Clear or check the work dir and keep the configs in it.

    Args:
        work_dir: folder of the whole training.
        configs: of the models, by their names.
        resume: go on with the training it holds.
        overwrite: move the training it holds aside.

    Raises:
        UsageError: if it holds a training and neither was asked for, or one
            with other settings or lists.
    """
    files = {name: work_dir / f'{name}.py' for name in configs}
    if any(path.exists() for path in files.values()):
        if not resume and not overwrite:
            raise UsageError(
                f'{work_dir} already holds a training. Continue it '
                'with --resume, move it aside with --overwrite, or choose '
                'another --work-dir'
            )
        if overwrite:
            with FolderLock(work_dir):
                old = [work_dir / name for name in configs]
                old += [*files.values()]
                old += [work_dir / n for n in ('summary.json', RECORD)]
                move_files_aside(
                    work_dir, [path for path in old if path.exists()]
                )
    record = read_record(work_dir)
    for cfg in configs.values():
        check_lists(work_dir, record, cfg)
    if not record:
        lists = [list_hashes(cfg) for cfg in configs.values()]
        write_json(work_dir, RECORD, dict(lists={**lists[0], **lists[1]}))
    for name, path in files.items():
        if path.exists():
            changed = changed_keys(read_dumped_config(path), configs[name])
            if changed:
                raise UsageError(
                    f'cannot resume {work_dir}: the config of model '
                    f'{name} differs in {"; ".join(changed)}'
                )
        else:
            write_text(path.parent, path.name, configs[name].pretty_text)
