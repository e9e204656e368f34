"""What masks of another model bring, raw and calibrated, all else equal.

For each seed a network learns the labeled images alone, once. From this
checkpoint every variant goes on for the same number of iterations, with the
same optimizer, schedule, seed, images, crops and colors in every batch: half
of it labeled images, half others. Only the labels of these others differ:

- ``none``: they have no label, so that nothing is learned from them;
- ``raw``: the masks of the other model as they are;
- ``calibrated``: what ``mmsemi calibrate-masks`` keeps of them;
- ``filled``: the same, and where it has none the labels of ``own``;
- ``own``: labels of the checkpoint itself, the surest half of each class.

``labeled`` goes on with batches of labeled images alone, as many images and
twice as many labels in a step: what the others have to be worth.

The masks are the true ones, damaged on purpose: in a third of the images
classes are swapped, half of the images are shifted, and blobs of one class
are painted anywhere. Damaged pixels tend to have lower confidences. The
truth of unlabeled images is used for these masks and to measure labels.

    python benchmarks/outside_masks.py --seeds 0 1 2 --out work_dirs/masks

The same command goes on where it was stopped. ``outside_masks.md`` and
``.json`` in the folder have the results of what is finished.
"""

import argparse
import os.path as osp
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmsemi.apis import calibrate_masks, register_all_modules, train
from mmsemi.apis.compare_measure import audit
from mmsemi.apis.config import load_config
from mmsemi.datasets.compact import build_dataset
from mmsemi.datasets.splits import config_datasets
from mmsemi.engine.checkpoints import newest_whole
from mmsemi.evaluation import PseudoLabelQuality
from mmsemi.evaluation.paired import difference, paired
from mmsemi.io.files import read_json, write_json, write_png, write_text
from mmsemi.io.package_configs import find_config
from mmsemi.pseudo_labels.store import PseudoLabelStore, read_png
from mmsemi.report.comparison_tables import number, table
from mmsemi.report.facts import machine_facts, version_facts

# CamVid: road and pavement, building and tree, car and sign; fence.
SWAPS, BLOBS = [(3, 4), (1, 5), (8, 6)], 7
IGNORE = 255
OWN = 0.5  # share of its predictions of each class that it learns
TITLES = dict(
    base='(the beginning of all)',
    none='none',
    raw='masks as they are',
    calibrated='masks, calibrated',
    filled='masks, calibrated, and its own where these have none',
    own='its own',
    labeled='no others: twice as many labeled images',
)
VARIANTS = tuple(TITLES)[1:]
NAME = 'outside_masks'


def damaged(
    truth: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A mask (H, W) of uint8 as another model might make it, and how sure."""
    labels = truth.copy()
    if rng.random() < 1 / 3:
        for first, second in SWAPS:
            labels[truth == first], labels[truth == second] = second, first
    if rng.random() < 1 / 2:
        labels = np.roll(labels, rng.integers(-14, 15, 2), (0, 1))
    height, width = truth.shape
    for _ in range(6):
        center = int(rng.integers(width)), int(rng.integers(height))
        axes = tuple(int(v) for v in rng.integers(15, 45, 2))
        cv2.ellipse(labels, center, axes, 0, 0, 360, BLOBS, -1)
    wrong = (labels != truth) & (truth != IGNORE)
    noise = cv2.resize(
        rng.random((12, 16)).astype(np.float32), (width, height)
    )
    sure = np.where(wrong, 0.35 + 0.5 * noise, 0.5 + 0.5 * noise)
    return labels, sure


def truths(cfg, *roles: str) -> Iterator[tuple[str, np.ndarray]]:
    """Stems and true masks (H, W) of the images of some roles, in order."""
    for role, config in config_datasets(cfg):
        if role not in roles:
            continue
        dataset = build_dataset(dict(config, pipeline=[]))
        folder = dataset.data_prefix['img_path']
        for k in range(len(dataset)):
            info = dataset.get_data_info(k)
            stem = osp.splitext(osp.relpath(info['img_path'], folder))[0]
            yield stem, cv2.imread(info['seg_map_path'], cv2.IMREAD_UNCHANGED)


def write_masks(cfg, folder: Path) -> None:
    """Masks of labeled and unlabeled images: damaged ones, and empty ones."""
    rng = np.random.default_rng(0)
    found = sorted(truths(cfg, 'labeled', 'unlabeled'), key=lambda t: t[0])
    for kind in ('damaged', 'empty'):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for stem, truth in found:
        labels, sure = damaged(truth, rng)
        np.savez(
            folder / f'damaged/{stem}.npz',
            labels=labels,
            confidence=sure.astype(np.float16),
        )
        write_png(folder, f'empty/{stem}.png', np.full_like(truth, IGNORE))
    (folder / 'whole').touch()


class Benchmark:
    """Runs of one seed, each in a folder of its own.

    Args:
        args: of the command line.
        seed: of list and trainings.
    """

    def __init__(self, args: argparse.Namespace, seed: int) -> None:
        self.args, self.seed = args, seed
        self.split = args.split.replace('{seed}', str(seed))
        self.out = Path(args.out) / f'seed{seed}'

    def labels(self, kind: str, precision: float) -> str:
        """Folder with pseudo-labels made of masks, written once."""
        masks = Path(self.args.out) / 'masks'
        if not (masks / 'whole').is_file():
            cfg = load_config(find_config(self.args.rounds), None, self.split)
            write_masks(cfg, masks)
        source = masks / ('empty' if kind == 'none' else 'damaged')
        place = self.out / f'labels_{kind}'
        if PseudoLabelStore(place).problem(0):
            told = calibrate_masks(
                self.args.rounds,
                str(source),
                str(place),
                precision=precision,
                split=self.split,
                overwrite=True,
            )
            print(told, flush=True)
        return str(place)

    def quality(self, kind: str, precision: float) -> str:
        """How right the masks of a folder with pseudo-labels are, by class."""
        store = PseudoLabelStore(self.labels(kind, precision))
        classes = store.manifest(0)['classes']
        found = PseudoLabelQuality(len(classes))
        cfg = load_config(find_config(self.args.rounds), None, self.split)
        for stem, truth in truths(cfg, 'unlabeled'):
            labels = read_png(store.folder(0) / f'labels/{stem}.png')
            found.count_labels(labels)
            found.compare(labels, truth)
        figures = found.summary(classes)
        each = ', '.join(
            f'{name} {values["accuracy"]:.0%}'
            for name, values in figures['per_class'].items()
            if values['accuracy'] is not None
        )
        return (
            f'{kind}: {figures["kept"]:.1%} of the pixels have a label, '
            f'{figures["accuracy"]:.1%} of these are right: {each}'
        )

    def train(self, name: str, config: str, options: dict[str, Any]) -> Path:
        """A run that is done once and goes on where it was stopped."""
        run = self.out / name
        if not read_json(run / 'summary.json').get('finished'):
            train(
                config,
                str(run),
                resume=newest_whole(run) is not None,
                overwrite=run.is_dir() and newest_whole(run) is None,
                split=self.split,
                options={'randomness.seed': self.seed, **options},
            )
        return run

    def run(self, name: str) -> Path:
        """Train a variant; its first part is trained where it is missing."""
        length = self.args.iters
        base = self.train('base', self.args.labeled, alone(self.args.base))
        if name == 'base':
            return base
        start = {'load_from': str(newest_whole(base))}
        if name == 'labeled':
            return self.train(name, self.args.labeled, start | alone(length))
        options = {
            **start,
            'train_cfg.supervised_iters': 0,
            'train_cfg.iters_per_round': length,
            'train_cfg.portions': (OWN,) if name == 'own' else (1.0,),
            'model.objective.gamma': 0,  # labels at their full weight
        }
        if name != 'own':
            kind = 'calibrated' if name == 'filled' else name
            precision = self.args.precision * (kind == 'calibrated')
            options['hooks.labeling.type'] = 'OutsideLabelsHook'
            options['hooks.labeling.labels'] = self.labels(kind, precision)
            options['hooks.labeling.fill'] = OWN * (name == 'filled')
        return self.train(name, self.args.rounds, options)

    def figures(self, name: str) -> dict[str, Any]:
        """mIoU of a variant, and what the labels it learned are worth."""
        run = self.run(name)
        found = dict(miou=read_json(run / 'summary.json')['last_miou'])
        if name not in ('base', 'none', 'labeled'):
            cfg = load_config(find_config(self.args.rounds), None, self.split)
            quality = audit(cfg, None, run)
            found.update(
                coverage=quality['coverage'], precision=quality['precision']
            )
        return found


def alone(iterations: int) -> dict[str, Any]:
    """Settings of a training on labeled images alone."""
    return {
        'train_cfg.max_iters': iterations,
        'train_cfg.val_interval': iterations,
    }


def report(out: Path, content: dict[str, Any]) -> str:
    """Write what is finished as Markdown and JSON; gives the table."""
    runs: dict[str, dict[str, dict]] = content['runs']
    values = {
        name: {(seed,): run['miou'] for seed, run in found.items()}
        for name, found in runs.items()
    }
    body = []
    for name, found in runs.items():
        each = values[name]
        words = '-'
        pairs = paired(each, values.get('none', {}))
        if name not in ('base', 'none') and pairs:
            gain = difference(list(pairs.values()))
            words = f'{gain.mean:+.1f}'
            if gain.low is not None:
                words += f' [{gain.low:+.1f}, {gain.high:+.1f}]'
            content['differences'][name] = gain._asdict()
        told = [
            statistics.fmean(run[key] for run in found.values())
            if all(run.get(key) is not None for run in found.values())
            else None
            for key in ('coverage', 'precision')
        ]
        body.append(
            (
                TITLES[name],
                *(number(value, '.1%') for value in told),
                number(statistics.fmean(each.values())),
                words,
                ', '.join(f'{value:.1f}' for value in each.values()),
            )
        )
    heads = (
        'labels of the other images',
        'pixels labeled',
        'of these right',
        'mIoU',
        'against none [95 %]',
        'by seed',
    )
    text = '\n'.join(table(heads, body))
    write_json(out, f'{NAME}.json', content)
    write_text(out, f'{NAME}.md', f'{text}\n')
    return text


def main(argv=None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--out', default='work_dirs/outside_masks/benchmark')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0])
    parser.add_argument('--base', type=int, default=300, help='iterations')
    parser.add_argument('--iters', type=int, default=150, help='of a variant')
    parser.add_argument('--precision', type=float, default=0.7)
    parser.add_argument('--variants', nargs='+', default=VARIANTS)
    parser.add_argument('--labeled', default='supervised/camvid_1-16')
    parser.add_argument('--rounds', default='dst_cbc/camvid_1-16')
    parser.add_argument(
        '--split', default='data/camvid/splits/1_16/seed{seed}'
    )
    parser.add_argument(
        '--labels-alone', action='store_true', help='train nothing'
    )
    args = parser.parse_args(argv)
    if args.labels_alone:
        for kind, precision in (('raw', 0.0), ('calibrated', args.precision)):
            print(Benchmark(args, args.seeds[0]).quality(kind, precision))
        return
    register_all_modules()  # for what is measured of runs that are finished
    machine = machine_facts()
    content: dict[str, Any] = dict(
        settings={k: v for k, v in vars(args).items() if k != 'out'},
        date=time.strftime('%Y-%m-%d'),
        machine={key: machine[key] for key in ('cpu', 'gpu', 'cores')},
        versions=version_facts(),
        differences={},
        runs={},
    )
    for seed in args.seeds:
        benchmark = Benchmark(args, seed)
        for name in ('base', *args.variants):
            found = benchmark.figures(name)
            content['runs'].setdefault(name, {})[str(seed)] = found
            print(report(Path(args.out), content), flush=True)


if __name__ == '__main__':
    main()
