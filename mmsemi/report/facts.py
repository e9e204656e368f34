"""Facts about a run that its summary states: data, versions, machine."""

import functools
import hashlib
import os
import platform
import resource
import sys
from importlib import metadata
from pathlib import Path

import torch
from mmengine.config import Config

import mmsemi
from mmsemi.datasets.lists import read_names
from mmsemi.datasets.names import Names
from mmsemi.datasets.splits import config_datasets, source_of
from mmsemi.registry import DATASETS
from mmsemi.stack import installed_distributions


def config_name(cfg: Config) -> str:
    """``'dst_cbc/camvid_1-16'``: folder and name of the config file."""
    if cfg.filename is None:
        return str(cfg.get('experiment_name') or 'unnamed')
    path = Path(cfg.filename)
    return f'{path.parent.name}/{path.stem}'


def data_facts(cfg: Config) -> dict[str, list[dict]]:
    """Lists of labeled, unlabeled and validation images.

    Returns:
        ``{role: [dict(list, images, sha256)]}``, hashes of 12 digits.
    """
    facts: dict[str, list[dict]] = {}
    seen = set()
    for role, config in config_datasets(cfg):
        source = source_of(config)
        key = (role, source, str(config.get('indices')))
        if key in seen:
            continue
        seen.add(key)
        if config.get('ann_file') and config.get('indices') is None:
            names = read_names(source)  # no data set needs to be built
            size, digest = len(names), names.hash
        else:
            dataset = DATASETS.build(
                dict(config, pipeline=[], serialize_data=False)
            )
            size = len(dataset.data_list)
            names = (
                read_names(source)
                if config.get('ann_file')
                else Names(Path(i['img_path']).name for i in dataset.data_list)
            )
            digest = names.hash
        facts.setdefault(role, []).append(
            dict(list=source, images=size, sha256=digest[:12])
        )
    return facts


@functools.cache
def code_hash(root: Path = Path(mmsemi.__file__).parent) -> str | None:
    """12 digits that change whenever a source file of mmsemi does.

    A version number stays the same while somebody works on the code. Hidden
    files are no code: configs that a wheel carries in ``.mim``, and what
    editors leave. None where there is no source.
    """
    digest, found = hashlib.sha256(), False
    for path in sorted(root.rglob('*.py')):
        name = path.relative_to(root)
        if any(part.startswith('.') for part in name.parts):
            continue
        digest.update(name.as_posix().encode())
        digest.update(b'\0' + path.read_bytes() + b'\0')
        found = True
    return digest.hexdigest()[:12] if found else None


def version_facts() -> dict[str, str]:
    """Versions of Python, torch, mmsemi and the stack below it."""
    from mmsemi.version import __version__

    versions = dict(
        python=platform.python_version(),
        mmsemi=f'{__version__} (code {code_hash() or "without source"})',
        torch=torch.__version__,
        numpy=metadata.version('numpy'),
    )
    for distributions in installed_distributions().values():
        versions.update(distributions)
    return versions


def machine_facts() -> dict:
    """Processor and graphics processor."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path('/proc/cpuinfo')
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith('model name'):
                name = line.split(':', 1)[1].strip()
                break
    cores = (
        len(os.sched_getaffinity(0))
        if hasattr(os, 'sched_getaffinity')
        else os.cpu_count()
    )
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return dict(
        cpu=name, cores=cores, threads=torch.get_num_threads(), gpu=gpu
    )


def peak_memory() -> dict[str, float]:
    """Most memory this process has held so far, in MiB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    used *= 1 if sys.platform == 'darwin' else 1024
    memory = dict(process=used / 2**20)
    if torch.cuda.is_available():
        memory['gpu'] = torch.cuda.max_memory_allocated() / 2**20
    return {key: round(value, 1) for key, value in memory.items()}
