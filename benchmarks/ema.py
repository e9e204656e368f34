"""Cost of moving the teacher against a loop over its parameters.

    python benchmarks/ema.py

``move_teacher`` of MeanTeacherHook and the usual loop (``mul_`` and ``add_``
for each parameter, ``copy_`` for each buffer) move equal copies of a
segmentor, DeepLabV3+ with ResNet-101 unless a config is given. They take
turns in one process, so that a change of the machine's load meets both alike.
Medians and the median of the ratios are printed, on the CPU and on the GPU
where there is one.
"""

import argparse
import copy
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

from mmsemi.engine.hooks.mean_teacher_hook import BUFFERS, move_teacher
from mmsemi.models.segmentors.frozen_copy import frozen_copy
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError

CONFIG = (
    Path(__file__)
    .parents[1]
    .joinpath('configs/_base_/models/deeplabv3plus_r101-d8.py')
)


@torch.no_grad()
def loop(
    teacher: nn.Module, student: nn.Module, momentum: float, buffers: str
) -> None:
    """What :func:`move_teacher` does, tensor by tensor."""
    weights = dict(student.named_parameters())
    student_buffers = dict(student.named_buffers())
    for name, mine in teacher.named_buffers():
        if name in weights:
            mine.mul_(1 - momentum).add_(weights[name], alpha=momentum)
        elif buffers == 'ema' and mine.is_floating_point():
            mine.mul_(1 - momentum).add_(student_buffers[name], alpha=momentum)
        elif buffers != 'own':
            mine.copy_(student_buffers[name])


def build(config: str | None) -> nn.Module:
    """The segmentor of a config, or the student of a method."""
    cfg = Config.fromfile(config or CONFIG)
    if 'model' not in cfg:
        raise UsageError(f'{config}: no model in this config')
    init_default_scope('mmsemi')
    model = MODELS.build(cfg.model)
    return getattr(model, 'student', model)


def measure(
    model: nn.Module,
    device: str,
    buffers: str,
    repeats: int,
    calls: int,
    momentum: float = 0.01,
) -> dict[str, list[float]]:
    """Seconds of one update by either side, for each turn.

    Raises:
        RuntimeError: if both sides do not end with the same weights.
    """
    student = copy.deepcopy(model).to(device)
    # Something to move, and not denormal numbers after many calls.
    for parameter in student.parameters():
        nn.init.normal_(parameter)
    sides = dict(ours=move_teacher, loop=loop)
    teachers = {name: frozen_copy(model).to(device) for name in sides}

    def wait() -> None:
        if device != 'cpu':
            torch.cuda.synchronize()

    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(repeats + 1):
        for name, move in sides.items():
            wait()
            start = time.perf_counter()
            for _ in range(calls):
                move(teachers[name], student, momentum, buffers)
            wait()
            if turn:  # the first turn is warm-up
                seconds[name].append((time.perf_counter() - start) / calls)
    one, two = (t.state_dict() for t in teachers.values())
    for key, value in one.items():
        if not torch.allclose(value, two[key], rtol=1e-4, atol=1e-5):
            raise RuntimeError(f'both sides differ in {key}')
    return seconds


def table(
    model: nn.Module,
    devices: Sequence[str],
    buffers: Sequence[str],
    repeats: int,
    calls: int,
) -> str:
    """Figures of every device and buffer policy, as Markdown."""
    lines = [
        '| device | buffers | move_teacher, ms | loop, ms | '
        'loop / move_teacher (range) |',
        '| :-- | :-- | --: | --: | --: |',
    ]
    for device in devices:
        for policy in buffers:
            found = measure(model, device, policy, repeats, calls)
            ratios = [b / a for a, b in zip(found['ours'], found['loop'])]
            ours, theirs = (
                1000 * statistics.median(found[name])
                for name in ('ours', 'loop')
            )
            lines.append(
                f'| {device} | {policy} | {ours:.2f} | {theirs:.2f} | '
                f'{statistics.median(ratios):.2f} ({min(ratios):.2f} to '
                f'{max(ratios):.2f}) |'
            )
    return '\n'.join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--config', help='another segmentor')
    parser.add_argument(
        '--device', nargs='+', help='default: cpu, and cuda where there is one'
    )
    parser.add_argument(
        '--buffers', nargs='+', choices=BUFFERS, default=['copy', 'ema']
    )
    parser.add_argument('--repeats', type=int, default=10)
    parser.add_argument(
        '--calls', type=int, default=5, help='updates in a turn'
    )
    parser.add_argument('--threads', type=int, default=1)
    args = parser.parse_args(arguments)
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    cuda = torch.cuda.is_available()
    devices = args.device or ['cpu'] + ['cuda'] * cuda
    model = build(args.config)
    tensors = list(model.parameters())
    print(
        f'{len(tensors)} parameter tensors, '
        f'{sum(p.numel() for p in tensors) / 1e6:.1f} M numbers, '
        f'{len(list(model.buffers()))} buffers, {args.threads} thread(s), '
        f'torch {torch.__version__}'
    )
    if cuda:
        print(torch.cuda.get_device_name())
    print(table(model, devices, args.buffers, args.repeats, args.calls))
    if not cuda:
        print('no GPU here: its figures are missing')


if __name__ == '__main__':
    try:
        main()
    except UsageError as error:
        sys.exit(f'error: {error}')
