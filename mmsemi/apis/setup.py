"""What the commands under ``tools/`` check before a Runner is built."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import find_latest_checkpoint

from mmsemi.engine.student_config import resolve_student
from mmsemi.utils.config_data import read_dumped_config
from mmsemi.utils.errors import UsageError
from mmsemi.utils.package_configs import missing_package

# What a training run leaves in its work dir; logs are kept per start.
RUN_FILES = (
    'pseudo_labels',
    'pictures',
    'summary.json',
    'last_checkpoint',
    '*.pth',
    'segmentor.py',
)
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


def load_config(path: str, options: dict | None = None) -> Config:
    """Read a config file, apply ``--cfg-options`` and find its networks.

    Raises:
        UsageError: if the file, or one it is based on, does not exist, or
            if something it needs is not installed.
    """
    try:
        cfg = Config.fromfile(path)
    except FileNotFoundError as error:
        raise UsageError(
            f'config {path}: {error.filename or error} not found'
        ) from error
    except ImportError as error:
        raise UsageError(f'config {path}: {missing_package(error)}') from error
    if options:
        cfg.merge_from_dict(options)
    resolve_student(cfg)
    return cfg


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
    """Resume from the latest checkpoint of the work dir, if it has one.

    With ``load_from`` set as well, mmengine would resume from that file; and
    a run stopped before its first checkpoint must load it again.
    """
    cfg.resume = find_latest_checkpoint(cfg.work_dir) is not None
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


def run_files(work_dir: Path) -> list[Path]:
    """Products of an earlier run in a work dir, sorted by name."""
    return sorted(
        {
            path
            for pattern in RUN_FILES
            for path in Path(work_dir).glob(pattern)
        }
    )


def check_work_dir(
    cfg: Config,
    config_path: str,
    resume: bool = False,
    overwrite: bool = False,
) -> None:
    """Refuse to overwrite a run or to continue a different one.

    With ``resume``, a run that was stopped before its first checkpoint
    starts from the beginning.

    Raises:
        UsageError: if there is a run and neither option was given, if
            there is nothing to resume, or if the run to resume used
            another config.
    """
    work_dir = Path(cfg.work_dir)
    old = run_files(work_dir)
    if resume:
        dumped = work_dir / Path(config_path).name
        others = [
            path.name
            for path in work_dir.glob('*.py')
            if path.name not in (dumped.name, 'segmentor.py')
        ]
        if not dumped.exists():
            found = (
                f'; it holds a run of {", ".join(others)}' if others else ''
            )
            raise UsageError(
                f'nothing to resume: {work_dir} holds no run of '
                f'{dumped.name}{found}. Start it without --resume, or name '
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
            '--resume, delete it with --overwrite, or choose another '
            '--work-dir'
        )
    elif overwrite:
        for path in old:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _plain(value: Any) -> Any:
    """Config values as JSON would give them: tuples become lists."""
    return json.loads(json.dumps(value, default=str))


def _flat(value: Any, prefix: str) -> Iterator[tuple]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(item, f'{prefix}.{key}')
    else:
        # The launcher replaces SyncBN where there is no GPU.
        yield prefix, 'BN' if value == 'SyncBN' else value


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
            flat.update(_flat(_plain(cfg.get(key)), key))
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
