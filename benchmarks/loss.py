"""Cost of the self-training losses against plain cross entropy.

Forward and backward of each on the same logits, taking turns in one run so
that a change of the machine's load meets all of them alike. Ratios of the
medians are printed.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

from mmsemi.models.losses import (
    DynamicMutualLoss,
    DynamicSelfTrainingLoss,
    NaiveMutualLoss,
    OnlineSelfTrainingLoss,
)
from mmsemi.models.targets import Targets


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--shape',
        type=int,
        nargs=4,
        default=[8, 21, 321, 321],
        metavar=('N', 'C', 'H', 'W'),
    )
    parser.add_argument('--repeats', type=int, default=10)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--device', default='cpu')
    return parser.parse_args()


def losses(
    confidence: torch.Tensor, mask: torch.Tensor
) -> dict[str, Callable]:
    """Functions of (logits, labels) to compare; plain comes first."""

    def objective(module):
        return lambda x, y: module(x, Targets(y, confidence, pseudo=mask))[
            'loss_seg'
        ]

    return {
        'plain cross entropy': lambda x, y: F.cross_entropy(
            x, y, ignore_index=255
        ),
        'dynamic (DST)': objective(DynamicSelfTrainingLoss(gamma=9)),
        'offline weights (OW)': objective(
            DynamicSelfTrainingLoss(gamma=9, offline=True)
        ),
        'dynamic mutual (DMT)': objective(
            DynamicMutualLoss(gamma1=5, gamma2=5)
        ),
        'naive mutual': objective(NaiveMutualLoss()),
        'online (OST)': objective(OnlineSelfTrainingLoss()),
    }


def measure(
    functions: dict[str, Callable],
    logits: torch.Tensor,
    labels: torch.Tensor,
    repeats: int,
) -> dict[str, list[float]]:
    """Seconds of each turn, after one turn of warming up."""

    def wait() -> None:
        if logits.is_cuda:
            torch.cuda.synchronize()

    seconds: dict[str, list[float]] = {name: [] for name in functions}
    names = list(functions)
    for turn in range(repeats + 1):
        # What ran before decides what the caches hold: rotate the order.
        for i in range(len(names)):
            name = names[(turn + i) % len(names)]
            logits.grad = None
            wait()
            start = time.perf_counter()
            functions[name](logits, labels).backward()
            wait()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def main() -> None:
    """Print a table of medians and ratios."""
    args = parse_args()
    torch.set_num_threads(args.threads)
    generator = torch.Generator().manual_seed(0)
    n, c, h, w = args.shape
    logits = 3 * torch.randn(n, c, h, w, generator=generator)
    labels = torch.randint(0, c, (n, h, w), generator=generator)
    labels[torch.rand(n, h, w, generator=generator) < 0.3] = 255
    confidence = torch.rand(n, h, w, generator=generator)
    # Half of the batch is pseudo-labeled, as in the published recipes.
    mask = torch.arange(n) >= n // 2
    logits, labels, confidence, mask = (
        x.to(args.device) for x in (logits, labels, confidence, mask)
    )
    seconds = measure(
        losses(confidence, mask), logits.requires_grad_(), labels, args.repeats
    )
    medians = {k: statistics.median(v) for k, v in seconds.items()}
    base = medians['plain cross entropy']
    print(
        f'{n}x{c}x{h}x{w} on {args.device}, {args.threads} thread(s), '
        f'median of {args.repeats}, forward + backward'
    )
    for name, value in medians.items():
        print(f'{name:22s} {1000 * value:9.1f} ms  {value / base:5.2f} x')


if __name__ == '__main__':
    main()
