"""Thresholds and soft labels of CBST against their published forms.

Thresholds: peak memory and CPU time of the search over probability maps, by
streaming histograms and by Python lists that are sorted, each in processes
of its own; making the maps is not counted, taking the maximum over their
classes once is and once is not. Soft labels: CPU time of the logarithmic form
relative to powers of p / lambda, and overflows of both.

    python benchmarks/cbst.py --images 100
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict

from thresholds import peak

SIDES = ('streaming', 'lists')


def maps(images: int, classes: int, height: int, width: int):
    """Probability maps (C, H, W) float32, image after image."""
    import torch

    generator = torch.Generator().manual_seed(0)
    small = 4 * torch.randn(
        1, classes, height // 8, width // 8, generator=generator
    )
    logits = torch.nn.functional.interpolate(
        small, (height, width), mode='bilinear'
    )[0]
    probability = logits.softmax(0)
    for k in range(images):
        # The same memory again: nothing but the order of pixels changes.
        yield probability if k % 2 else probability.flip(1)


def streaming(data, classes: int, portion: float, pairs: bool):
    """mmsemi's labeler on a histogram."""
    from mmsemi.models.pseudo_labelers import CBSTPseudoLabeler
    from mmsemi.ops.maps import max_over_classes
    from mmsemi.pseudo_labels.statistics import ConfidenceHistogram

    labeler = CBSTPseudoLabeler(classes, ds_rate=4)
    histogram = ConfidenceHistogram(classes)
    for probability in data:
        if pairs:
            pair = max_over_classes(probability[None])
            yield
            labeler.count(histogram, *pair)
        else:
            yield
            labeler.collect(histogram, probability[None])
        yield
    yield
    yield labeler.fit(histogram, portion).tolist()


def lists(data, classes: int, portion: float, pairs: bool):
    """What the published code does: lists of numbers, sorted at the end."""
    pools = defaultdict(list)
    for probability in data:
        if not pairs:
            yield
        probability = probability.numpy()
        labels, confidence = probability.argmax(0), probability.max(0)
        if pairs:
            yield
        for c in range(classes):
            pools[c].extend(confidence[labels == c][::4])
        yield
    yield
    thresholds = []
    for c in range(classes):
        pools[c].sort(reverse=True)
        rank = int(len(pools[c]) * portion)
        thresholds.append(float(pools[c][rank - 1]) if rank else 1.0)
    yield thresholds


def measure(args) -> dict:
    """Run one side; making the maps is not timed."""
    import torch

    torch.set_num_threads(1)
    side = dict(streaming=streaming, lists=lists)[args.side]
    size = (args.classes, args.height, args.width)
    # Load code and touch the generator's memory before the first reading.
    list(side(maps(1, args.classes, 16, 32), args.classes, 0.5, args.pairs))
    list(maps(2, *size))
    before, spent, start, result = peak(), 0.0, None, None
    # The sides yield before and after every piece of their own work.
    for result in side(  # noqa: B007
        maps(args.images, *size), args.classes, args.portion, args.pairs
    ):
        now = time.process_time()
        if start is None:
            start = now
        else:
            spent += now - start
            start = None
    return dict(seconds=spent, extra_mb=peak() - before, thresholds=result)


def run(side: str, args, pairs: bool) -> dict:
    command = [sys.executable, __file__, '--side', side]
    command += ['--pairs'] * pairs
    for name in ('images', 'classes', 'height', 'width', 'portion'):
        command += [f'--{name}', str(getattr(args, name))]
    return json.loads(subprocess.check_output(command).splitlines()[-1])


def soft_labels(args) -> None:
    """Powers as published, and logarithms."""
    import torch

    from mmsemi.models.pseudo_labelers import LRENTPseudoLabeler

    torch.set_num_threads(1)
    probability = next(maps(1, args.classes, args.height, args.width))[None]
    thresholds = torch.linspace(1e-6, 0.9, args.classes)

    def powers(labeler):
        ratio = (probability / thresholds.view(1, -1, 1, 1)).pow(
            1 / labeler.alpha
        )
        soft = ratio / ratio.sum(1, keepdim=True)
        entropy = soft * (
            -torch.log(probability + 1e-32)
            + labeler.alpha * torch.log(soft + 1e-32)
        )
        cost = entropy.sum(1)
        keep = cost < -(soft * thresholds.log().view(1, -1, 1, 1)).sum(1)
        return soft.argmax(1).masked_fill(~keep, 255), soft

    for alpha in (0.25, 0.02):
        labeler = LRENTPseudoLabeler(args.classes, alpha=alpha)
        labeler.thresholds = thresholds
        times = defaultdict(list)
        for _ in range(args.repeats):
            for name, form in (('logarithms', labeler), ('powers', None)):
                start = time.process_time()
                result = form(probability) if form else powers(labeler)
                times[name].append(time.process_time() - start)
                soft = result.soft if form else result[1]
                finite = bool(torch.isfinite(soft).all())
                times[f'{name} finite'] = finite
        ratio = statistics.median(
            a / b for a, b in zip(times['logarithms'], times['powers'])
        )
        print(
            f'soft labels, alpha {alpha}: logarithms / powers {ratio:.2f} '
            f'of the time; all finite: logarithms '
            f'{times["logarithms finite"]}, powers '
            f'{times["powers finite"]}'
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--images', type=int, default=100)
    parser.add_argument('--classes', type=int, default=19)
    parser.add_argument('--height', type=int, default=512)
    parser.add_argument('--width', type=int, default=1024)
    parser.add_argument('--portion', type=float, default=0.2)
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--side', choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument('--pairs', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        print(json.dumps(measure(args)))
        return
    print(
        f'{args.images} maps of {args.classes}x{args.height}x{args.width}, '
        f'{args.repeats} runs each, one thread'
    )
    for pairs in (True, False):
        print(
            'thresholds, confidences and classes given'
            if pairs
            else 'thresholds, maximum over the classes of every map included'
        )
        compare(args, pairs)
    soft_labels(args)


def compare(args, given: bool) -> None:
    """Both sides in turn, so that load hits both alike."""
    results = defaultdict(list)
    for _ in range(args.repeats):
        for side in SIDES:
            results[side].append(run(side, args, given))
    for side, rows in results.items():
        seconds = statistics.median(r['seconds'] for r in rows)
        memory = max(r['extra_mb'] for r in rows)
        print(
            f'  {side:10s} {seconds:7.2f} s, {memory:8.1f} MB extra; '
            f'500 maps {5e2 / args.images * seconds:7.1f} s'
        )
    pairs = [b['seconds'] / a['seconds'] for a, b in zip(*results.values())]
    print(
        f'  lists / streaming, time: {statistics.median(pairs):.1f} '
        f'(pairs {min(pairs):.1f} to {max(pairs):.1f})'
    )
    last = [results[side][-1]['thresholds'] for side in SIDES]
    gap = max(abs(a - b) for a, b in zip(*last))
    print(f'  largest difference of thresholds: {gap:.1e}')


if __name__ == '__main__':
    main()
