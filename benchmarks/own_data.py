"""``mmsemi fit`` on data sets whose test sets it does not see.

    python benchmarks/own_data.py nuclei --splits 1_64 1_16 --seeds 0 1 2
    python benchmarks/own_data.py camvid ccp shapes --splits 1_16

Gives the training images of a data set as a person would, a folder of images
and one of the masks of a split, and measures both of the models that come
out, the method's and the labeled-only twin's, on the test set. Runs that are
finished are not made again. Prints a table, and writes it as JSON.
"""

import argparse
import json
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmsemi.cli.process import prepare

ROOT = Path(__file__).resolve().parents[1]
# Masks, relative to the data set, and what `mmsemi fit` is told.
MASKS = dict(
    nuclei='masks',
    camvid='annotations',
    ccp='annotations',
    shapes='annotations',
)
WEIGHTS = ROOT / 'data/weights/mobilenet_v2_in1k_mmseg.pth'
PRETRAINED = ('camvid', 'ccp')
IGNORED = 255
# The procedural set has no other images that are not for training.
TEST = dict(shapes='val')


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('datasets', nargs='+', choices=MASKS)
    parser.add_argument('--splits', nargs='+', default=['1_16'])
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--iters', default='300')
    parser.add_argument('--options', default='', help='of fit, in one text')
    parser.add_argument('--data', type=Path, default=ROOT / 'data')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/own_data'))
    return parser.parse_args()


def two_folders(data: Path, split: Path, part: str, folder: Path) -> None:
    """Links to the training images of a data set, and to a split's masks."""
    from mmsemi.datasets.lists import read_lines

    labeled = read_lines(str(split / 'labeled.txt'))
    names = [*labeled, *read_lines(str(split / 'unlabeled.txt'))]
    for kind, wanted in (('images', names), ('masks', labeled)):
        source = data / ('images' if kind == 'images' else part) / 'train'
        files = {path.stem: path for path in source.iterdir()}
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name in wanted:
            link = folder / kind / files[name].name
            if not link.is_symlink():
                link.symlink_to(files[name].resolve())


def fit(folder: Path, seed: int, args: list[str]) -> float:
    """Seconds that ``mmsemi fit`` took; it goes on where it was stopped."""
    run, took = folder / 'run', folder / 'seconds.json'
    if took.is_file():
        return float(json.loads(took.read_text()))
    command = [
        *(sys.executable, str(ROOT / 'tools/fit.py')),
        *(str(folder / 'images'), str(folder / 'masks')),
        *('--out', str(run), '--seed', str(seed), *args),
    ]
    if (run / 'fit.json').exists():
        command.append('--resume')
    begin = time.perf_counter()
    with open(folder / 'fit.log', 'a') as log:
        subprocess.run(command, check=True, stdout=log, stderr=log)
    took.write_text(json.dumps(time.perf_counter() - begin))
    return time.perf_counter() - begin


def test_iou(model: Path, data: Path, part: str) -> list[float]:
    """IoU of each class on the test images, in percent."""
    from mmsemi.apis.config import load_config
    from mmsemi.apis.inference import Predictor

    config = load_config(str(model.with_suffix('.py')))
    predictor = Predictor(config, model, device='cpu')
    number = len(predictor.classes)
    counts = np.zeros((number, number))
    test = TEST.get(data.name, 'test')
    for path in sorted((data / 'images' / test).iterdir()):
        truth = np.array(Image.open(data / part / test / f'{path.stem}.png'))
        known = truth != IGNORED
        found = predictor(path)['ids'][known]
        pairs = truth[known].astype(int) * number + found
        counts += np.bincount(pairs, minlength=number**2).reshape(counts.shape)
    union = counts.sum(0) + counts.sum(1) - counts.diagonal()
    return list((100 * counts.diagonal() / np.maximum(union, 1)).round(2))


def measure(run: Path, data: Path, part: str) -> dict[str, list[float]]:
    """Test IoU of both models of a run, measured once."""
    result = run.parent / 'test.json'
    if not result.is_file():
        # Without a twin the unlabeled images were left aside.
        scores = {
            name: test_iou(run / name / 'segmentor.pth', data, part)
            for name in ('twin', 'train')
            if (run / name).is_dir()
        }
        scores.setdefault('twin', scores['train'])
        scores['chosen'] = test_iou(run / 'segmentor.pth', data, part)
        result.write_text(json.dumps(scores))
    return json.loads(result.read_text())


def main() -> None:
    """Fit and measure; a row for each run, and the mean of each split."""
    args = parse_args()
    prepare()  # before mmseg is imported
    if 'shapes' in args.datasets:
        from mmsemi.datasets import ShapesDataset

        ShapesDataset.prepare(args.data / 'shapes')
    rows: list[dict[str, Any]] = []
    for name in args.datasets:
        for split in args.splits:
            gains = []
            for seed in args.seeds:
                data, part = args.data / name, MASKS[name]
                folder = args.out / f'{name}_{split}_{seed}'
                lists = data / 'splits' / split / f'seed{seed}'
                two_folders(data, lists, part, folder)
                options = ['--iters', args.iters, *shlex.split(args.options)]
                if name in PRETRAINED:
                    options += ['--weights', str(WEIGHTS)]
                seconds = fit(folder, seed, options)
                scores = measure(folder / 'run', data, part)
                means = {k: statistics.mean(v) for k, v in scores.items()}
                gains.append(means['train'] - means['twin'])
                rows.append(
                    dict(
                        data=name,
                        split=split,
                        seed=seed,
                        seconds=round(seconds),
                        iou=scores,
                    )
                )
                print(
                    f'{name:7} {split:5} {seed}  labeled only '
                    f'{means["twin"]:5.1f}  method {means["train"]:5.1f}  '
                    f'taken {means["chosen"]:5.1f}  {seconds:.0f} s',
                    flush=True,
                )
            print(f'  mean gain {statistics.mean(gains):+.2f}', flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / 'own_data.json').write_text(json.dumps(rows, indent=1))


if __name__ == '__main__':
    main()
