"""Cost of UniMatch's losses against their plain form.

From full-size logits of all views to the gradients: labels of two forwards,
mixing of labels and confidences by boxes, four losses. The plain form has the
same in a few lines of PyTorch, but for the accuracy on labeled images that
mmseg logs, whose time is printed beside. All take turns in one run, so that a
change of the machine's load meets them alike; medians (CPU time on a
CPU) are printed, and the ratio of the first two.
"""

import argparse
import statistics
import time
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.models.losses import accuracy
from mmseg.structures import SegDataSample

from mmsemi.models.segmentors import Batch, UniMatch


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--shape',
        type=int,
        nargs=4,
        default=[2, 21, 321, 321],
        metavar=('N', 'C', 'H', 'W'),
    )
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--device', default='cpu')
    return parser.parse_args()


class Losses(UniMatch):
    """The step with given logits instead of networks."""

    def look(self, network, images, training=False):
        return self.given['mix']

    def decode(self, network, images, auxiliary=True, perturb=None):
        return dict(decode=self.given['strong' if perturb is None else 'weak'])


def plain(given: dict, truth: torch.Tensor, valid, boxes) -> torch.Tensor:
    """The loss in its plain form, threshold 0.95."""
    x, weak, _, perturbed = given['weak'].chunk(4)
    first, second = given['strong'].chunk(2)
    with torch.no_grad():
        confidence, labels = weak.softmax(1).max(1)
        other, other_labels = given['mix'].softmax(1).max(1)
        theirs = other.flip(0), other_labels.flip(0), valid.flip(0)
        own = confidence, labels, valid
        mixed = [
            [torch.where(box, *pair) for pair in zip(theirs, own)]
            for box in boxes
        ]

    def masked(logits, sure, wanted, counted):
        loss = F.cross_entropy(logits, wanted, reduction='none')
        return (loss * ((sure >= 0.95) & counted)).sum() / counted.sum()

    (c1, l1, v1), (c2, l2, v2) = mixed
    return (
        F.cross_entropy(x, truth, ignore_index=255)
        + 0.25 * masked(first, c1, l1, v1)
        + 0.25 * masked(second, c2, l2, v2)
        + 0.5 * masked(perturbed, confidence, labels, valid)
    ) / 2


def measure(
    shape: Sequence[int], device: torch.device, repeats: int
) -> dict[str, float]:
    """Take turns; median milliseconds of each.

    Args:
        shape: N, C, H, W of the logits of a view.
        device: where the work is done.
        repeats: how many turns count.
    """
    torch.manual_seed(0)
    init_default_scope('mmsemi')
    n, classes, height, width = shape
    given = {
        name: 5 * torch.randn(many * n, *shape[1:], device=device)
        for name, many in (('weak', 4), ('strong', 2), ('mix', 1))
    }
    for name in ('weak', 'strong'):
        given[name].requires_grad_()
    truth = torch.randint(classes, (n, height, width), device=device)
    valid = torch.ones_like(truth, dtype=torch.bool)
    valid[:, -20:] = False
    boxes = [torch.zeros_like(valid) for _ in '12']
    boxes[0][:, 20:200, 50:250], boxes[1][:, 100:300, 30:130] = True, True
    norm_cfg = dict(type='BN')
    model = Losses(
        dict(
            type='EncoderDecoder',
            backbone=dict(
                type='MobileNetV2', out_indices=(6,), norm_cfg=norm_cfg
            ),
            decode_head=dict(
                type='FCNHead',
                in_channels=320,
                channels=8,
                num_classes=classes,
                norm_cfg=norm_cfg,
                align_corners=True,
                loss_decode=dict(type='ClassBalancedCrossEntropyLoss'),
            ),
        )
    ).to(device)
    model.given = given
    samples = []
    for label in truth:
        samples.append(SegDataSample())
        samples[-1].gt_sem_seg = PixelData(data=label[None])
    images = torch.zeros(n, 3, height, width, device=device)
    batch = Batch(images, samples, images, [images, images], valid, [])

    def ours() -> torch.Tensor:
        drawn = list(boxes)
        model.mixing.draw = lambda targets: drawn.pop(0)
        return sum(v for k, v in model.step(batch).items() if 'loss' in k)

    def figure() -> torch.Tensor:
        x = given['weak'][:n]
        return accuracy(x, truth, ignore_index=255)

    times: dict[str, list[float]] = dict(plain=[], UniMatch=[], accuracy=[])
    found: dict[str, torch.Tensor] = {}
    for _ in range(repeats + 1):
        for name, function in (
            ('plain', lambda: plain(given, truth, valid, boxes)),
            ('UniMatch', ours),
            ('accuracy', figure),
        ):
            clock = (
                time.perf_counter
                if device.type == 'cuda'
                else time.process_time
            )
            begin = clock()
            loss = function()
            if name != 'accuracy':
                loss.backward()
            if device.type == 'cuda':
                torch.cuda.synchronize()
            times[name].append(clock() - begin)
            found[name] = loss.detach()
        # A GPU sums in another order every time.
        torch.testing.assert_close(
            found['UniMatch'], found['plain'], rtol=1e-4, atol=1e-5
        )
    return {k: 1000 * statistics.median(v[1:]) for k, v in times.items()}


def main() -> None:
    """Take turns and print."""
    args = parse_args()
    torch.set_num_threads(args.threads)
    medians = measure(args.shape, torch.device(args.device), args.repeats)
    for name, value in medians.items():
        print(f'{name:10s} {value:8.1f} ms')
    print(f'ratio      {medians["UniMatch"] / medians["plain"]:8.2f}')


if __name__ == '__main__':
    main()
