"""Cost of the contrastive objective of U2PL against its plain form.

The plain form handles one class after the other and keeps a bank as a list
of tensors that grow by concatenation, as the formulas are read. Forward and
backward of both on the same batch and equally full banks, taking turns in
one run so that a change of the machine's load meets both alike. The ratio
of the medians is printed.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mmsemi.models.losses import UnreliablePixelContrastLoss


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--images',
        type=int,
        nargs=2,
        default=[2, 2],
        metavar=('LABELED', 'UNLABELED'),
    )
    parser.add_argument('--grid', type=int, nargs=2, default=[129, 129])
    parser.add_argument('--classes', type=int, default=21)
    parser.add_argument('--channels', type=int, default=256)
    parser.add_argument('--queue', type=int, default=30000)
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--device', default='cpu')
    return parser.parse_args()


class PlainContrast:
    """The objective class by class, drawn by itself."""

    def __init__(self, like: UnreliablePixelContrastLoss) -> None:
        self.like = like
        self.queues = [
            like.bank.queue(c).clone() for c in range(like.num_classes)
        ]

    def __call__(
        self,
        rep: Tensor,
        rep_teacher: Tensor,
        prob: Tensor,
        labels: Tensor,
        low: Tensor,
        high: Tensor,
        num_labeled: int,
    ) -> Tensor:
        """Loss of a batch; see the class it is compared with."""
        s = self.like
        order = prob.argsort(1, descending=True).permute(0, 2, 3, 1)
        rep = rep.permute(0, 2, 3, 1)
        rep_teacher = rep_teacher.permute(0, 2, 3, 1)
        labeled = (
            torch.arange(len(labels), device=labels.device).view(-1, 1, 1)
            < num_labeled
        )
        anchors, positives = [], []
        for c, queue in enumerate(self.queues):
            is_class = labels == c
            sure = is_class & low
            anchors.append(rep[sure & (prob[:, c] > s.positive_threshold)])
            positives.append(
                rep_teacher[sure].mean(0, keepdim=True) if sure.any() else None
            )
            ranked_l = (order[..., : s.low_rank] == c).any(3) & ~is_class
            ranked_u = (order[..., s.low_rank : s.high_rank] == c).any(3)
            negative = torch.where(labeled, ranked_l, ranked_u) & high
            negative &= prob[:, c] < s.negative_threshold
            queue = torch.cat([queue, rep_teacher[negative]])
            self.queues[c] = queue[-int(s.bank.capacity[c]) :]
        valid = [c for c, p in enumerate(positives) if p is not None]
        if len(valid) <= 1:
            return 0 * rep.sum()
        total = 0 * rep.sum()
        q, n = s.num_anchors, s.num_negatives
        for c in valid:
            if not len(anchors[c]) or not len(self.queues[c]):
                continue
            drawn = torch.randint(len(anchors[c]), (q,))
            anchor = anchors[c][drawn.to(rep.device)]
            drawn = torch.randint(len(self.queues[c]), (q * n,))
            negative = self.queues[c][drawn.to(rep.device)].view(q, n, -1)
            others = torch.cat(
                [positives[c].unsqueeze(0).expand(q, -1, -1), negative], 1
            )
            logits = F.cosine_similarity(anchor.unsqueeze(1), others, dim=2)
            target = torch.zeros(q, dtype=torch.long, device=rep.device)
            total = total + F.cross_entropy(logits / s.temperature, target)
        return s.loss_weight * total / len(valid)


def batch(args: argparse.Namespace) -> dict[str, Tensor]:
    """Blobs of classes, predictions that mostly agree, random features."""
    g = torch.Generator().manual_seed(0)
    n, (h, w), c = sum(args.images), args.grid, args.classes
    coarse = torch.randint(0, c, (n, 1, 9, 9), generator=g).float()
    labels = F.interpolate(coarse, (h, w))[:, 0].long()
    labels[torch.rand(n, h, w, generator=g) < 0.05] = 255
    logits = 1.5 * torch.randn(n, c, h, w, generator=g)
    own = F.one_hot(labels.where(labels != 255, 0), c).permute(0, 3, 1, 2)
    prob = (logits + 4 * own).softmax(1)
    entropy = -(prob * prob.log()).sum(1)
    low, high = (
        entropy <= entropy.quantile(0.2),
        entropy >= entropy.quantile(0.8),
    )
    low[: args.images[0]] = high[: args.images[0]] = True
    valid = labels != 255
    features = [
        torch.randn(n, args.channels, h, w, generator=g) for _ in range(2)
    ]
    tensors = dict(
        rep=features[0].requires_grad_(),
        rep_teacher=features[1],
        prob=prob,
        labels=labels,
        low=low & valid,
        high=high & valid,
    )
    return {
        k: v.detach().to(args.device).requires_grad_(v.requires_grad)
        for k, v in tensors.items()
    }


def both(args: argparse.Namespace) -> dict[str, Callable]:
    """Our objective and the plain one, with equally full banks."""
    torch.manual_seed(0)
    ours = UnreliablePixelContrastLoss(
        args.classes, args.channels, capacity=args.queue
    ).to(args.device)
    filling = torch.randn(args.queue, args.channels, device=args.device)
    for c in range(args.classes):
        mask = torch.zeros(
            args.classes, args.queue, dtype=torch.bool, device=args.device
        )
        mask[c] = True
        ours.bank.append(filling, mask)
    return dict(ours=ours, plain=PlainContrast(ours))


def main() -> None:
    """Print both medians and their ratio."""
    args = parse_args()
    torch.set_num_threads(args.threads)
    forms, data = both(args), batch(args)

    def wait() -> None:
        if args.device != 'cpu':
            torch.cuda.synchronize()

    seconds: dict[str, list[list[float]]] = {name: [] for name in forms}
    values = {}
    for turn in range(args.repeats + 1):
        for name, form in forms.items():
            data['rep'].grad = None
            wait()
            start = time.perf_counter()
            loss = form(*data.values(), args.images[0])
            wait()
            middle = time.perf_counter()
            loss.backward()
            wait()
            end = time.perf_counter()
            values[name] = loss.item()
            if turn:
                seconds[name].append([middle - start, end - middle])
    for name, times in seconds.items():
        forward, backward = (statistics.median(t) for t in zip(*times))
        print(
            f'{name:6s} forward {1000 * forward:8.1f} ms  backward '
            f'{1000 * backward:8.1f} ms  loss {values[name]:.4f}'
        )
    total = {
        k: statistics.median(sum(t) for t in v) for k, v in seconds.items()
    }
    print(
        f'{args.classes} classes, {sum(args.images)} images, '
        f'queues of {args.queue} rows, {args.threads} thread(s), '
        f'{args.device}: plain / ours = '
        f'{total["plain"] / total["ours"]:.2f}'
    )


if __name__ == '__main__':
    main()
