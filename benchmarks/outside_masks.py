"""What masks of another model bring, raw and calibrated: CamVid 1/16.

The masks are the true ones of the 367 training images, damaged on purpose:
in a third of the images classes are swapped (road and pavement, building and
tree, car and sign), half of the images are shifted, and blobs of fence are
painted anywhere. Damaged pixels tend to have lower confidences. Labels only,
the masks as they are and the calibrated ones train for the same number of
iterations; in the last third of those with masks the model labels for
itself. Labels of unlabeled images are used for the damaged masks alone.

    python benchmarks/outside_masks.py --out work_dirs/outside_masks/benchmark

Calls of this script with the same folder go on where it was stopped.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from mmsemi.apis import calibrate_masks, train
from mmsemi.datasets.splits import read_list
from mmsemi.evaluation import PseudoLabelQuality
from mmsemi.pseudo_labels.store import PseudoLabelStore, read_png

TRUTH = Path('data/camvid/annotations/train')
LIST = 'data/camvid/splits/all_train.txt'
UNLABELED = 'data/camvid/splits/1_16/seed0/unlabeled.txt'
SWAPS = [(3, 4), (1, 5), (8, 6)]
FENCE, IGNORE = 7, 255
ROUNDS = 'dst_cbc/camvid_1-16.py'


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
        cv2.ellipse(labels, center, axes, 0, 0, 360, FENCE, -1)
    wrong = (labels != truth) & (truth != IGNORE)
    noise = cv2.resize(
        rng.random((12, 16)).astype(np.float32), (width, height)
    )
    sure = np.where(wrong, 0.35 + 0.5 * noise, 0.5 + 0.5 * noise)
    return labels, sure


def write_masks(folder: Path) -> None:
    """Damaged masks of all training images."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    for stem in read_list(LIST):
        truth = cv2.imread(str(TRUTH / f'{stem}.png'), cv2.IMREAD_UNCHANGED)
        labels, sure = damaged(truth, rng)
        np.savez(
            folder / f'{stem}.npz',
            labels=labels,
            confidence=sure.astype(np.float16),
        )


def quality(folder: Path) -> str:
    """How right the labels of a folder are on the unlabeled images."""
    manifest = PseudoLabelStore(folder).manifest(0) or {}
    classes = manifest['classes']
    found = PseudoLabelQuality(len(classes))
    for stem in read_list(UNLABELED):
        truth = cv2.imread(str(TRUTH / f'{stem}.png'), cv2.IMREAD_UNCHANGED)
        labels = read_png(folder / 'round_0/labels' / f'{stem}.png')
        found.compare(labels, truth)
    each = ', '.join(
        f'{name} {value:.3f}'
        for name, value in zip(classes, found.precision())
        if not np.isnan(value)
    )
    return f'{found.accuracy():.1%} of the labels are right: {each}'


def miou(work_dir: Path) -> float:
    """mIoU after the last round of a run."""
    return json.loads((work_dir / 'summary.json').read_text())['last_miou']


def main(argv=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', default='work_dirs/outside_masks/benchmark')
    parser.add_argument('--iters', type=int, default=240)
    parser.add_argument('--precision', type=float, default=0.7)
    parser.add_argument(
        '--labels-alone', action='store_true', help='train nothing'
    )
    args = parser.parse_args(argv)
    out, third = Path(args.out), args.iters // 3
    if not (out / 'masks').is_dir():
        write_masks(out / 'masks')
    for name, precision in (('raw', 0.0), ('calibrated', args.precision)):
        if not (out / f'labels_{name}').is_dir():
            table = calibrate_masks(
                ROUNDS,
                str(out / 'masks'),
                str(out / f'labels_{name}'),
                precision=precision,
            )
            print(f'{name}\n{table}', flush=True)
        print(f'{name}: {quality(out / f"labels_{name}")}', flush=True)
    if args.labels_alone:
        return
    runs = dict(
        labels_only=(
            'supervised/camvid_1-16.py',
            {
                'train_cfg.max_iters': args.iters,
                'train_cfg.val_interval': args.iters,
            },
        )
    )
    for name in ('raw', 'calibrated'):
        runs[name] = (
            'dst_cbc/camvid_1-16_outside.py',
            {
                'train_cfg.supervised_iters': third,
                'train_cfg.iters_per_round': third,
                'train_cfg.portions': (1.0, 0.5),
                'model.objective.gamma': 0,  # labels at their full weight
                'hooks.labeling.labels': str(out / f'labels_{name}'),
            },
        )
    for name, (config, options) in runs.items():
        work_dir = out / name
        if not (work_dir / 'summary.json').is_file():
            train(
                config,
                str(work_dir),
                overwrite=work_dir.is_dir(),
                options=options,
            )
        print(f'{name}: mIoU {miou(work_dir):.1f}', flush=True)


if __name__ == '__main__':
    main()
