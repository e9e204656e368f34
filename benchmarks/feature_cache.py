"""What kept features save: a frozen DINOv2 with and without its cache.

Both get the same images in turns, in one process, from pixels to float32
levels: the one computes them, the other hashes the pixels and reads files.
Below them a step of UniMatch V2, whose two strong views come only once.
Random weights; mmpretrain is needed.

    python benchmarks/feature_cache.py --size small --image 238 322
"""

import argparse
import copy
import statistics
import tempfile
import time

import torch
from mmengine.registry import init_default_scope

import mmsemi.models  # noqa: F401
from mmsemi.models.backbones.feature_cache import FeatureCache
from mmsemi.registry import MODELS


def measure(
    size: str, image: tuple[int, int], images: int, repeats: int
) -> dict[str, float]:
    """Median milliseconds of CPU time for all images, and MiB an image."""
    torch.manual_seed(0)
    init_default_scope('mmsemi')
    batch = torch.randn(images, 3, *image)
    strong = torch.randn(repeats + 1, 2 * images, 3, *image)
    with tempfile.TemporaryDirectory() as folder:
        cached = MODELS.build(
            dict(
                type='DINOv2',
                size=size,
                frozen=True,
                cache_features=dict(dir=folder, max_gb=1),
            )
        ).eval()
        plain = copy.deepcopy(cached)
        plain.cache = None
        networks = dict(computed=plain, kept=cached)
        times: dict[str, list[float]] = {}
        with torch.no_grad():
            for _ in '12':
                wanted = cached(batch)
            for turn in range(repeats + 1):
                for name, network in networks.items():
                    begin = time.process_time()
                    levels = network(batch)
                    middle = time.process_time()
                    network(strong[turn])
                    end = time.process_time()
                    if turn:
                        times.setdefault(name, []).append(middle - begin)
                        # Labeled and weak views, and two strong ones.
                        whole = 2 * (middle - begin) + end - middle
                        times.setdefault(f'{name}, V2', []).append(whole)
                    for one, other in zip(levels, wanted):
                        torch.testing.assert_close(
                            one, other, rtol=2e-3, atol=2e-3
                        )
        assert isinstance(cached.cache, FeatureCache)
        assert cached.cache.used is not None
        found = {k: 1000 * statistics.median(v) for k, v in times.items()}
        return dict(found, MiB=cached.cache.used / images / 2**20)


def main() -> None:
    """Take turns and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--size', default='small')
    parser.add_argument('--image', type=int, nargs=2, default=[238, 322])
    parser.add_argument('--images', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    found = measure(args.size, tuple(args.image), args.images, args.repeats)
    for name, value in found.items():
        unit = 'MiB an image' if name == 'MiB' else 'ms'
        print(f'{name:14s} {value:8.1f} {unit}')
    print(f'kept / computed           {found["kept"] / found["computed"]:.3f}')
    ratio = found['kept, V2'] / found['computed, V2']
    print(f'backbones of a V2 step    {ratio:.3f}')


if __name__ == '__main__':
    main()
