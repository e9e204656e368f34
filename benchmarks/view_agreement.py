"""Cost of merging views into pseudo-labels, against a loop over views.

Merge and loss (forward and backward) of STRICT on given logits, as in
``ZeroLabelSegmentor``: by default 6 views of 15 unseen of 182 classes at
2x41x41, the published COCO-Stuff setting. Both forms take turns in one run,
and their labels and losses are compared.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mmsemi.models.losses import ClassBalancedCrossEntropyLoss
from mmsemi.models.pseudo_labelers import ViewAgreementPseudoLabeler

IGNORE, UNLABELED = 255, 254


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--shape',
        type=int,
        nargs=4,
        default=[2, 182, 41, 41],
        metavar=('N', 'C', 'H', 'W'),
    )
    parser.add_argument('--unseen', type=int, default=15)
    parser.add_argument('--views', type=int, default=6)
    parser.add_argument('--repeats', type=int, default=20)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--device', default='cpu')
    return parser.parse_args()


def batched(num_seen: int) -> Callable:
    """Merge and loss as mmsemi computes them."""
    labeler = ViewAgreementPseudoLabeler(label_offset=num_seen)
    criterion = ClassBalancedCrossEntropyLoss()

    def run(
        logits: Tensor, views: Tensor, labels: Tensor
    ) -> tuple[Tensor, Tensor]:
        pseudo = labeler(views)
        target = pseudo.labels.where(labels == UNLABELED, labels)
        return criterion(logits, target), target

    return run


def loop_over_views(num_seen: int) -> Callable:
    """A softmax and a comparison for one view after the other."""

    def run(
        logits: Tensor, views: Tensor, labels: Tensor
    ) -> tuple[Tensor, Tensor]:
        first = views[0].softmax(1).argmax(1)
        agree = torch.ones_like(first, dtype=torch.bool)
        for view in views[1:]:
            agree &= view.softmax(1).argmax(1) == first
        pseudo = torch.where(agree, first + num_seen, IGNORE)
        target = torch.where(labels == UNLABELED, pseudo, labels)
        return F.cross_entropy(logits, target, ignore_index=IGNORE), target

    return run


def loop_over_classes(num_seen: int) -> Callable:
    """Every unseen class on its own: where do all views choose it?"""

    def run(
        logits: Tensor, views: Tensor, labels: Tensor
    ) -> tuple[Tensor, Tensor]:
        votes = [view.argmax(1) for view in views]
        target = labels.masked_fill(labels == UNLABELED, IGNORE)
        for c in range(views.shape[2]):
            chosen = torch.stack([vote == c for vote in votes]).all(0)
            target[chosen & (labels == UNLABELED)] = num_seen + c
        return F.cross_entropy(logits, target, ignore_index=IGNORE), target

    return run


def main() -> None:
    """Print medians."""
    args = parse_args()
    torch.set_num_threads(args.threads)
    generator = torch.Generator().manual_seed(0)
    n, c, h, w = args.shape
    num_seen = c - args.unseen
    logits = 3 * torch.randn(n, c, h, w, generator=generator)
    shared = torch.randn(1, n, args.unseen, h, w, generator=generator)
    views = 3 * shared + torch.randn(
        args.views, n, args.unseen, h, w, generator=generator
    )
    labels = torch.randint(0, num_seen, (n, h, w), generator=generator)
    labels[torch.rand(n, h, w, generator=generator) < 0.4] = UNLABELED
    logits, views, labels = (
        x.to(args.device) for x in (logits, views, labels)
    )
    logits.requires_grad_()
    forms: dict[str, Callable] = {
        'batched': batched(num_seen),
        'loop over views': loop_over_views(num_seen),
        'loop over classes': loop_over_classes(num_seen),
    }
    seconds: dict[str, list] = {name: [] for name in forms}
    for turn in range(args.repeats + 1):
        results = {}
        for name, form in forms.items():
            logits.grad = None
            if logits.is_cuda:
                torch.cuda.synchronize()
            start = time.perf_counter()
            loss, target = form(logits, views, labels)
            loss.backward()
            if logits.is_cuda:
                torch.cuda.synchronize()
            if turn:
                seconds[name].append(time.perf_counter() - start)
            results[name] = loss.detach(), target
        for loss, target in results.values():
            assert torch.equal(target, results['batched'][1])
            torch.testing.assert_close(loss, results['batched'][0])
    given = (target >= num_seen) & (target < c)
    print(
        f'{args.views} views, {n}x{c}x{h}x{w} ({args.unseen} unseen) on '
        f'{args.device}, {args.threads} thread(s), median of '
        f'{args.repeats}; {100 * given.float().mean():.0f}% pseudo-labeled'
    )
    for name, values in seconds.items():
        print(f'{name:18s} {1000 * statistics.median(values):8.2f} ms')


if __name__ == '__main__':
    main()
