"""Images that ``mmsemi label-next`` names, against images drawn at random.

    python benchmarks/label_next.py --seeds 0 1 2

On CamVid, ``configs/supervised/camvid_1-16.py`` is trained with the 23
images of a split; then with 23 more, once those that ``label-next`` names for
the first model, once random ones. All trainings are equally long and start
alike. Work dirs that are finished are not trained again.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
from pathlib import Path

from mmsemi.apis import label_next
from mmsemi.datasets import CamVidDataset
from mmsemi.datasets.lists import read_lines

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / 'data/camvid/images/train'
SPLITS = ROOT / 'data/camvid/splits/1_16'


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--number', type=int, default=23)
    parser.add_argument('--iters', type=int, default=240)
    parser.add_argument('--out', type=Path, default=Path('work_dirs/next'))
    return parser.parse_args()


def train(folder: Path, split: Path, seed: int, iters: int) -> float:
    """Test mIoU, in percent, of a training with the images of a split."""
    summary = folder / 'summary.json'
    if not finished(summary):
        subprocess.run(
            [
                sys.executable,
                str(ROOT / 'tools/train.py'),
                str(ROOT / 'configs/supervised/camvid_1-16.py'),
                *('--work-dir', str(folder), '--split', str(split)),
                '--overwrite',
                '--cfg-options',
                f'train_cfg.max_iters={iters}',
                f'train_cfg.val_interval={iters}',
                f'randomness.seed={seed}',
            ],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return float(json.loads(summary.read_text())['last_miou'])


def finished(summary: Path) -> bool:
    """Whether a training ran to its end."""
    return summary.is_file() and json.loads(summary.read_text())['finished']


def extended(split: Path, extra: list[str], folder: Path) -> Path:
    """A split with more labeled images."""
    folder.mkdir(parents=True, exist_ok=True)
    labeled = [*read_lines(str(split / 'labeled.txt')), *extra]
    rest = set(read_lines(str(split / 'unlabeled.txt'))) - set(extra)
    for part, names in (('labeled', labeled), ('unlabeled', sorted(rest))):
        text = ''.join(f'{name}\n' for name in names)
        (folder / f'{part}.txt').write_text(text)
    return folder


def as_own_data(folder: Path, split: Path) -> None:
    """Add to a work dir what ``mmsemi fit`` writes about the images."""
    data = folder / 'data'
    data.mkdir(exist_ok=True)
    for part in ('labeled', 'unlabeled'):
        names = read_lines(str(split / f'{part}.txt'))
        text = ''.join(f'{name}.jpg\n' for name in names)
        (data / f'{part}.txt').write_text(text)
    facts = dict(images=str(IMAGES), **CamVidDataset.METAINFO)
    (folder / 'fit.json').write_text(json.dumps(facts))


def main() -> None:
    """Train, rank, train again, print a row for each seed."""
    args = parse_args()
    rows = []
    print(
        f'seed  {len(read_lines(str(SPLITS / "seed0/labeled.txt")))} images'
        '  + label-next  + random'
    )
    for seed in args.seeds:
        split, base = SPLITS / f'seed{seed}', args.out / f'base{seed}'
        before = train(base, split, seed, args.iters)
        as_own_data(base, split)
        found = label_next(base, number=args.number, device='cpu').images
        chosen = [Path(name).stem for name in found]
        pool = read_lines(str(split / 'unlabeled.txt'))
        drawn = random.Random(seed).sample(sorted(pool), args.number)
        scores = [before]
        for name, extra in (('next', chosen), ('random', drawn)):
            place = extended(split, extra, args.out / f'split_{name}{seed}')
            scores.append(
                train(args.out / f'{name}{seed}', place, seed, args.iters)
            )
        rows.append(scores)
        print(f'{seed:4}  ' + '  '.join(f'{s:9.2f}' for s in scores))
    means = [statistics.mean(column) for column in zip(*rows)]
    print('mean  ' + '  '.join(f'{mean:9.2f}' for mean in means))


if __name__ == '__main__':
    main()
