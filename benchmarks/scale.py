"""What a large unlabeled set costs before and between the rounds of a run.

    python benchmarks/scale.py --images 100000

Every part runs in a process of its own, on images and label maps of a few
pixels, so that the time is that of names and files:

- ``start``: check of the data, facts for the summary, and the data sets of
  training and labeling, as at the start of a run;
- ``names``: one unlabeled set in memory, without looking at files;
- ``commit``: the list of files of a labeled round, put together and written;
- ``resume``: a round found on disk is verified, twice;
- ``table``: the list of files put together, written, read back and compared
  with its hash, without the files it names;
- ``look``: ``mmsemi doctor`` over the folder of images, a tenth of them with
  masks.

With ``--parts names table`` no images or label maps are written, so that ten
million names take minutes.

Seconds are CPU time, memory is the growth over a process that has imported
everything. With two numbers (``--images 20000 100000``) the ratio tells
whether a part grows faster than the set.
"""

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmsemi.apis import doctor
from mmsemi.datasets import UnlabeledDataset
from mmsemi.doctor.data import check_data
from mmsemi.io.files import write_png
from mmsemi.pseudo_labels.file_table import FileTable
from mmsemi.pseudo_labels.store import FILES, PseudoLabelStore
from mmsemi.registry import DATASETS
from mmsemi.report.facts import data_facts

PARTS = ('start', 'names', 'commit', 'resume', 'look', 'table')
NO_FILES = {'names', 'table'}  # parts that need none of the images
CLASSES = ('ground', 'disc')


def stem(number: int) -> str:
    return f'city_{number // 1000:05d}/frame_{number:08d}_leftImg8bit'


def make_set(root: Path, images: int) -> None:
    """Small images: many without masks, a few with."""
    small = cv2.imencode('.png', np.zeros((2, 2, 3), np.uint8))[1].tobytes()
    for number in range(images):
        if number % 1000 == 0:
            (root / 'images' / stem(number)).parent.mkdir(parents=True)
        with open(f'{root}/images/{stem(number)}.png', 'wb') as file:
            file.write(small)
    write_list(root / 'unlabeled.txt', images)
    (root / 'masks').mkdir()
    mask = np.arange(64, dtype=np.uint8).reshape(8, 8) % 2
    for k in range(4):
        write_png(root, f'images/{k}.png', mask)
        write_png(root, f'masks/{k}.png', mask)
    (root / 'labeled.txt').write_text('0\n1\n')
    (root / 'val.txt').write_text('2\n3\n')


def write_list(path: Path, images: int) -> None:
    with open(path, 'w') as file:
        file.writelines(f'{stem(number)}\n' for number in range(images))


def config(root: Path) -> Config:
    def data(name: str) -> dict:
        return dict(
            type='BaseSegDataset',
            metainfo=dict(classes=CLASSES),
            data_root=str(root),
            ann_file=f'{name}.txt',
            img_suffix='.png',
            seg_map_suffix='.png',
            data_prefix=dict(img_path='images', seg_map_path='masks'),
            pipeline=[],
        )

    unlabeled = dict(type='UnlabeledDataset', dataset=data('unlabeled'))
    pseudo = dict(type='PseudoLabelDataset', dataset=data('unlabeled'))
    return Config(
        dict(
            model=dict(),
            train_cfg=dict(type='SelfTrainingLoop'),
            train_dataloader=dict(dataset=data('labeled')),
            semi_dataloader=dict(
                dataset=dict(
                    type='SemiDataset',
                    labeled=data('labeled'),
                    unlabeled=pseudo,
                )
            ),
            label_dataloader=dict(dataset=unlabeled),
            val_dataloader=dict(dataset=data('val')),
        )
    )


def start(root: Path, images: int) -> dict:
    cfg = config(root)
    begun = time.process_time()
    check_data(cfg, str(root / 'work'))
    checked = time.process_time()
    facts = data_facts(cfg)
    assert facts['unlabeled'][0]['images'] == images
    told = time.process_time()
    kept = [
        DATASETS.build(cfg[loader].dataset)
        for loader in ('label_dataloader', 'semi_dataloader')
    ]
    return dict(
        kept=kept,
        check_s=checked - begun,
        facts_s=told - checked,
        sets_s=time.process_time() - told,
    )


def names(root: Path, images: int) -> dict:
    write_list(root / 'names.txt', images)
    begun = marks()
    cfg = config(root).label_dataloader.dataset
    cfg.dataset.ann_file = 'names.txt'
    dataset = UnlabeledDataset(cfg.dataset)
    assert dataset.get_stem(images - 1) == stem(images - 1)
    return dict(kept=dataset, begun=begun)


def commit(root: Path, images: int) -> dict:
    """Write and commit a round; only the second half is measured."""
    store = PseudoLabelStore(root / 'store')
    partial = store.begin(1)
    content = cv2.imencode('.png', np.zeros((2, 2), np.uint8))[1].tobytes()
    dataset = UnlabeledDataset(config(root).label_dataloader.dataset.dataset)
    for number in range(images):
        path = f'{partial}/labels/{stem(number)}.png'
        if number % 1000 == 0:
            os.makedirs(os.path.dirname(path))
        with open(path, 'wb') as file:
            file.write(content)
    begun = marks()
    commit_files(store, dataset, len(content), content)
    size = sum(
        p.stat().st_size for p in store.folder(1).iterdir() if p.is_file()
    )
    return dict(begun=begun, manifest_mib=size / 2**20)


def table(root: Path, images: int) -> dict:
    """What a round costs beside its files."""
    write_list(root / 'names.txt', images)
    store = PseudoLabelStore(root / 'fake')
    store.begin(1)
    cfg = config(root).label_dataloader.dataset
    cfg.dataset.ann_file = 'names.txt'
    dataset = UnlabeledDataset(cfg.dataset)
    column = np.full((images, 2), 99, np.uint32)
    begun = marks()
    store.hand_in(1, FileTable(range(images), dict(labels=column)), 0)
    store.commit(1, dict(), dataset.stems())
    committed = time.process_time()
    files, stems = FileTable.load(store.folder(1) / FILES)
    assert files.digest(stems) == store.manifest(1)['files']['sha256']
    return dict(
        begun=begun,
        compare_s=time.process_time() - committed,
        manifest_mib=(store.folder(1) / FILES).stat().st_size / 2**20,
    )


def commit_files(store, dataset, size: int, content: bytes) -> None:
    table = FileTable(range(len(dataset)))
    for k in range(len(dataset)):
        table.note('labels', k, size, zlib.crc32(content))
    store.hand_in(1, table, 0)
    store.commit(1, dict(), dataset.stems())


def resume(root: Path, images: int) -> dict:
    store = PseudoLabelStore(root / 'store')
    assert store.problem(1) is None
    first = time.process_time()
    assert store.problem(1) is None
    return dict(second_s=time.process_time() - first)


def look(root: Path, images: int) -> dict:
    """The doctor; its masks are written before it is measured."""
    mask = np.eye(2, dtype=np.uint8)
    content = cv2.imencode('.png', mask)[1].tobytes()
    for number in range(0, images, 10):
        path = f'{root}/drawn/{stem(number)}.png'
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
            file.write(content)
    begun, clock = marks(), time.perf_counter()
    found = doctor(str(root / 'images'), str(root / 'drawn'))
    wall = time.perf_counter() - clock
    assert len(found.pairs.labeled) == len(range(0, images, 10))
    assert len(found.text()) < 5000
    return dict(kept=found, begun=begun, wall_s=wall)


def marks() -> tuple[float, float]:
    return time.process_time(), peak_mib()


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def held_mib() -> float:
    gc.collect()
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def measure(part: str, root: Path, images: int) -> dict:
    """Figures of one part, in this process."""
    init_default_scope('mmsemi')
    held, begun = held_mib(), marks()
    found = globals()[part](root, images)
    seconds, peak = found.pop('begun', begun)
    figures = dict(
        cpu_s=time.process_time() - seconds - found.get('second_s', 0.0),
        peak_mib=max(peak_mib() - peak, 0.0),
        held_mib=max(held_mib() - held, 0.0),
    )
    found.pop('kept', None)
    return {k: round(v, 2) for k, v in {**figures, **found}.items()}


def run_part(part: str, root: Path, images: int) -> dict:
    done = subprocess.run(
        [sys.executable, __file__, '--part', part, '--root', str(root)]
        + ['--images', str(images)],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--images', type=int, nargs='+', default=[100_000])
    parser.add_argument('--parts', choices=PARTS, nargs='+', default=PARTS)
    parser.add_argument('--part', choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument('--root', type=Path, help=argparse.SUPPRESS)
    parser.add_argument('--json', type=Path, help='write the figures here')
    args = parser.parse_args()
    if args.part:
        print(json.dumps(measure(args.part, args.root, args.images[0])))
        return
    figures = {}
    for images in args.images:
        with tempfile.TemporaryDirectory() as folder:
            if set(args.parts) - NO_FILES:
                make_set(Path(folder), images)
            for part in args.parts:
                found = run_part(part, Path(folder), images)
                figures[f'{part} {images}'] = found
                words = ', '.join(f'{k} {v:g}' for k, v in found.items())
                print(f'{part:7s} {images:9d} images: {words}', flush=True)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + '\n')


if __name__ == '__main__':
    main()
