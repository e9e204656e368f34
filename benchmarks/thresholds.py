"""Streaming thresholds against collecting and sorting: time and memory.

Each side runs in processes of its own on the same generated predictions
(confidence and class of every pixel, stride 1). Time is that of collecting
and thresholds alone; extra memory is the growth of the peak resident size
over the process before the first image.

    python benchmarks/thresholds.py --images 500
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections import defaultdict

SIDES = ('streaming', 'sorting')


def predictions(images: int, pixels: int, classes: int):
    """Confidence float32 and class int64 of image after image."""
    import torch

    generator = torch.Generator().manual_seed(0)
    # Mostly confident, as networks are; classes unevenly frequent.
    pool = 1 - torch.rand(pixels, generator=generator) ** 4
    labels = (
        (classes * torch.rand(pixels, generator=generator) ** 2)
        .long()
        .clamp(max=classes - 1)
    )
    for k in range(images):
        shift = (k * 7919) % pixels
        yield pool.roll(shift), labels.roll(shift // 2)


def peak() -> float:
    """Peak resident size of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def streaming(data, classes: int, portion: float):
    """mmsemi's histogram."""
    from mmsemi.pseudo_labels.statistics import ConfidenceHistogram

    histogram = ConfidenceHistogram(classes)
    for confidence, labels in data:
        yield
        histogram.update(confidence, labels)
        yield
    yield
    k = (histogram.counts().double() * portion).floor().long() + 1
    thresholds = histogram.kth_highest(k)
    yield thresholds.tolist()


def sorting(data, classes: int, portion: float):
    """What the published code does: a list per class, sorted at the end."""
    import numpy as np

    pools = defaultdict(list)
    for confidence, labels in data:
        yield
        confidence, labels = confidence.numpy(), labels.numpy()
        for c in range(classes):
            pools[c].append(confidence[labels == c])
        yield
    yield
    thresholds = []
    for c in range(classes):
        pool = np.sort(np.concatenate(pools.pop(c)))
        n = len(pool)
        thresholds.append(float(pool[n - int(n * portion) - 1]))
    yield thresholds


def measure(args) -> dict:
    """Run one side; making the predictions is not timed."""
    import torch

    torch.set_num_threads(1)
    side = dict(streaming=streaming, sorting=sorting)[args.side]
    data = predictions(args.images, args.pixels, args.classes)
    # Load code and touch the generator's memory before the first reading.
    list(side(predictions(1, 1000, args.classes), args.classes, 0.5))
    list(predictions(2, args.pixels, args.classes))
    before, spent, start, result = peak(), 0.0, None, None
    # The sides yield before and after every piece of their own work.
    for result in side(data, args.classes, args.portion):  # noqa: B007
        now = time.perf_counter()
        if start is None:
            start = now
        else:
            spent += now - start
            start = None
    return dict(seconds=spent, extra_mb=peak() - before, thresholds=result)


def run(side: str, images: int, args) -> dict:
    command = [
        sys.executable,
        __file__,
        '--side',
        side,
        '--images',
        str(images),
        '--pixels',
        str(args.pixels),
        '--classes',
        str(args.classes),
        '--portion',
        str(args.portion),
    ]
    return json.loads(subprocess.check_output(command).splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--images', type=int, default=500)
    parser.add_argument('--pixels', type=int, default=321 * 321)
    parser.add_argument('--classes', type=int, default=21)
    parser.add_argument('--portion', type=float, default=0.2)
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--side', choices=SIDES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        print(json.dumps(measure(args)))
        return
    results = defaultdict(list)
    for _ in range(args.repeats):  # in turn, so that load hits both alike
        for side in SIDES:
            results[side].append(run(side, args.images, args))
    fewer = run('streaming', max(args.images // 10, 1), args)
    seconds = {
        side: statistics.median(r['seconds'] for r in results[side])
        for side in SIDES
    }
    memory = {
        side: max(r['extra_mb'] for r in results[side]) for side in SIDES
    }
    print(
        f'{args.images} images of {args.pixels} pixels, {args.classes} '
        f'classes, {args.repeats} runs each, one thread'
    )
    for side in SIDES:
        print(
            f'{side:10s} {seconds[side]:7.2f} s, {memory[side]:8.1f} MB extra'
        )
    print(f'streaming with a tenth of the images: {fewer["extra_mb"]:.1f} MB')
    pairs = [a['seconds'] / b['seconds'] for a, b in zip(*results.values())]
    print(
        f'time, streaming / sorting: {statistics.median(pairs):.2f} '
        f'(pairs {min(pairs):.2f} to {max(pairs):.2f})'
    )
    last = [results[side][-1]['thresholds'] for side in SIDES]
    gap = max(abs(a - b) / max(1 - b, 1e-7) for a, b in zip(*last))
    print(f'largest relative difference of 1 - threshold: {gap:.1e}')


if __name__ == '__main__':
    main()
