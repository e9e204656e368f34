"""Where the time of a training step goes.

One step of a config that trains online, on random images: a table of its
parts, and the ratio of the whole step to the passes of its networks alone,
which are replayed with the same images, modes and precision. What is above 1
is labels, mixing, losses, optimizer and moving average. Both take turns in
one run, without measuring the parts; medians are printed.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from mmengine.config import Config, DictAction
from mmengine.device import get_device
from mmengine.logging import MMLogger
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmsemi.apis.config import enable_amp, load_config
from mmsemi.engine.fused import guard, with_fused
from mmsemi.engine.hooks.mean_teacher_hook import move_teacher
from mmsemi.models.segmentors import OnlineSegmentor
from mmsemi.models.segmentors.semi_base import heads
from mmsemi.registry import HOOKS, MODELS
from mmsemi.utils.errors import UsageError

# Methods of the segmentor that are parts of a step.
METHODS = dict(
    label='pseudo-labels',
    mix='mixing',
    sup='loss, labeled',
    unsup='loss, unlabeled',
    contrast_loss='loss, contrast',
    labeled_consistency_loss='loss, consistency of labeled images',
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--batch',
        type=int,
        nargs=2,
        metavar=('LABELED', 'UNLABELED'),
        help='images of a step; default: those of the config',
    )
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        metavar=('HEIGHT', 'WIDTH'),
        help='of the images; default: the crop of the config',
    )
    parser.add_argument('--repeats', type=int, default=10)
    parser.add_argument(
        '--amp',
        choices=['float16', 'bfloat16'],
        help='train in mixed precision (GPU)',
    )
    parser.add_argument(
        '--device', default=get_device(), help='such as cpu or cuda:1'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='change settings of the config, as key=value',
    )
    return parser.parse_args(argv)


def now() -> float:
    """Seconds; of one thread without what others take of its processor."""
    alone = torch.get_num_threads() == 1 and not torch.cuda.is_available()
    return time.process_time() if alone else time.perf_counter()


class Stopwatch:
    """Time of nested parts, each without those inside it.

    Args:
        device: where the work is done; a GPU is timed by its own events,
            without waiting for it.
    """

    def __init__(self, device: torch.device) -> None:
        self.cuda = device.type == 'cuda'
        self.running = False
        self.open: list[list] = []
        self.done: list[list] = []

    def mark(self) -> Any:
        if not self.cuda:
            return now()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def wait(self) -> None:
        if self.cuda:
            torch.cuda.synchronize()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what happens inside as a part of this name."""
        self.begin(name)
        try:
            yield
        finally:
            self.end()

    def begin(self, name: str) -> None:
        if self.running:
            self.open.append([name, self.mark(), None, []])

    def end(self) -> None:
        if self.running:
            span = self.open.pop()
            span[2] = self.mark()
            (self.open[-1][3] if self.open else self.done).append(span)

    def wrap(self, name: str, function: Callable) -> Callable:
        """The same function, counted as a part."""

        def timed(*args, **kwargs):
            with self.part(name):
                return function(*args, **kwargs)

        return timed

    def watch(self, name: str, module: nn.Module) -> None:
        """Count calls of a module as a part."""
        module.register_forward_pre_hook(lambda *_: self.begin(name))
        module.register_forward_hook(lambda *_: self.end())

    def seconds(self) -> dict[str, float]:
        """Total of every part since the last time, in order of its end."""
        self.wait()
        total: dict[str, float] = {}

        def add(span: list) -> float:
            name, start, end, inner = span
            length = (
                start.elapsed_time(end) / 1000 if self.cuda else end - start
            )
            own = length - sum(add(each) for each in inner)
            total[name] = total.get(name, 0.0) + own
            return length

        for span in self.done:
            add(span)
        self.done = []
        return total


class Pass(NamedTuple):
    """A pass of a network in a step."""

    segmentor: nn.Module
    images: Tensor
    training: bool
    gradient: bool
    heads: list[str]  # names of the heads that ran, in order


class Step:
    """A training step of a config on random images.

    Args:
        cfg: config whose model is an :class:`OnlineSegmentor`.
        batch: labeled and unlabeled images, those of the config by
            default.
        size: height and width, the crop by default.
        device: such as ``'cpu'`` or ``'cuda:0'``.
    """

    def __init__(
        self,
        cfg: Config,
        batch: list[int] | None = None,
        size: list[int] | None = None,
        device: str = 'cpu',
    ) -> None:
        init_default_scope('mmsemi')
        kind = MODELS.get(cfg.model.type)
        if kind is None or not issubclass(kind, OnlineSegmentor):
            raise UsageError(
                f'{cfg.filename}: {cfg.model.type} sees no unlabeled images '
                'in its steps. Give a config that trains online, such as '
                'those of configs/u2pl'
            )
        student = cfg.model.student
        size = size or student.data_preprocessor.size
        student.data_preprocessor.size = tuple(size)
        set_class_frequency(cfg.model, student.decode_head.num_classes)
        torch.manual_seed(0)
        self.model = revert_sync_batchnorm(MODELS.build(cfg.model))
        # A new network is sure of nothing, which objectives would pass over.
        classifier = self.model.student.decode_head.conv_seg
        nn.init.normal_(classifier.weight, std=4.0)
        self.model.to(device).train()
        hooks = {hook.type: hook for hook in cfg.get('custom_hooks', [])}
        if 'ChannelsLastHook' in hooks:
            self.model.to(memory_format=torch.channels_last)
        for name in self.model.frozen_copies:
            self.model.sync_copy(name)
        # Half-way: behind every warm-up.
        steps = cfg.train_cfg.max_iters
        self.model.set_progress(steps // 2, steps)
        self.ema = (
            HOOKS.build(hooks['MeanTeacherHook'])
            if 'MeanTeacherHook' in hooks
            else None
        )
        self.optimizer = build_optim_wrapper(
            self.model, with_fused(cfg.optim_wrapper, self.model)
        )
        guard(self.optimizer)
        self.data = random_batch(
            batch or cfg.train_dataloader.sampler.samples_per_source,
            size,
            self.model.num_classes,
            self.model.strong_views,
        )
        self.clock = Stopwatch(torch.device(device))
        self.passes: list[Pass] = []
        self.recording = False
        self.instrument()

    def instrument(self) -> None:
        """Attach the clock to all parts, and note passes of networks."""
        model, optimizer, clock = self.model, self.optimizer, self.clock
        clock.watch('preprocessing', model.data_preprocessor)
        for role in model.sub_models:
            network = getattr(model, role)
            for name, head in heads(network):
                clock.watch(f'{role} forward', head)
                head.register_forward_pre_hook(self.note_head(name))
            head = network.decode_head
            if getattr(head, 'representation_head', None) is not None:
                head.forward_with_representation = clock.wrap(
                    f'{role} forward', self.noted_representation(head)
                )
            clock.watch(f'{role} forward', network.backbone)
            network.backbone.register_forward_pre_hook(self.note_pass(network))
            if network.with_neck:
                clock.watch(f'{role} forward', network.neck)
        for name, title in METHODS.items():
            if not hasattr(model, name):
                continue
            setattr(model, name, clock.wrap(title, getattr(model, name)))
        optimizer.backward = clock.wrap('backward', optimizer.backward)
        optimizer.step = clock.wrap('optimizer', optimizer.step)
        optimizer.zero_grad = clock.wrap('optimizer', optimizer.zero_grad)

    def note_pass(self, network: nn.Module) -> Callable:
        def note(module: nn.Module, args: tuple) -> None:
            if self.recording:
                self.passes.append(
                    Pass(
                        network,
                        args[0].detach(),
                        module.training,
                        torch.is_grad_enabled(),
                        [],
                    )
                )

        return note

    def note_head(self, name: str) -> Callable:
        def note(*_) -> None:
            if self.recording:
                self.passes[-1].heads.append(name)

        return note

    def noted_representation(self, head: nn.Module) -> Callable:
        function, note = (
            head.forward_with_representation,
            self.note_head('representation'),
        )

        def noted(feats: Any) -> Any:
            # Some heads run themselves inside, which is no second pass.
            note()
            recording, self.recording = self.recording, False
            try:
                return function(feats)
            finally:
                self.recording = recording

        return noted

    def whole(self) -> None:
        """One step, with the move of the teacher."""
        self.model.train_step(self.data, self.optimizer)
        if self.ema is not None:
            with self.clock.part('moving average'):
                move_teacher(
                    self.model.teacher,
                    self.model.student,
                    self.ema.momentum,
                    self.ema.buffers,
                )

    def passes_alone(self) -> None:
        """The same passes of the networks forward and, where due, back."""
        outputs: list[Tensor] = []
        with self.optimizer.optim_context(self.model):
            for one in self.passes:
                before = one.segmentor.training
                one.segmentor.train(one.training)
                with torch.set_grad_enabled(one.gradient):
                    outputs += run_heads(one)
                one.segmentor.train(before)
        outputs = [out for out in outputs if out.requires_grad]
        torch.autograd.backward(
            outputs, [torch.full_like(o, 1e-3) for o in outputs]
        )
        self.model.zero_grad(set_to_none=True)

    def seconds(self, function: Callable) -> float:
        """How long a call takes."""
        self.clock.wait()
        start = now()
        function()
        self.clock.wait()
        return now() - start


def run_heads(one: Pass) -> list[Tensor]:
    """Outputs of a pass."""
    feats = one.segmentor.extract_feat(one.images)
    found, outputs = dict(heads(one.segmentor)), []
    for name in one.heads:
        if name == 'representation':
            outputs += found['decode'].forward_with_representation(feats)
        else:
            outputs.append(found[name](feats))
    return outputs


def set_class_frequency(node: Any, num_classes: int) -> None:
    """Even classes, where a config would count those of its images."""
    if isinstance(node, dict):
        if node.get('class_frequency') == 'labeled':
            node['class_frequency'] = [1.0] * num_classes
        for value in node.values():
            set_class_frequency(value, num_classes)


def random_batch(
    counts: list[int], size: list[int], num_classes: int, views: int = 1
) -> dict:
    """Patches of all classes, in random colors; no padding.

    Args:
        counts: labeled and unlabeled images.
        size: height and width.
        num_classes: number of classes.
        views: strong views of each unlabeled image.
    """
    generator = torch.Generator().manual_seed(0)

    def patches(high: int, channels: int, number: int) -> Tensor:
        maps = torch.randint(
            high, (number, channels, 9, 9), generator=generator
        )
        return F.interpolate(maps.float(), size=tuple(size))

    def sample(label: Tensor) -> SegDataSample:
        shape = tuple(size)
        item = SegDataSample(metainfo=dict(img_shape=shape, ori_shape=shape))
        item.gt_sem_seg = PixelData(data=label)
        return item

    # Images that AEL pastes, and partners, are left out.
    labeled, unlabeled = counts[0], counts[-1]
    labels = patches(num_classes, 1, labeled).long()
    images = dict(sup=patches(256, 3, labeled))
    images['unsup_teacher'] = patches(256, 3, unlabeled)
    for k in range(views):
        branch = f'unsup_student_{k + 1}' if k else 'unsup_student'
        images[branch] = images['unsup_teacher']
    maps = dict.fromkeys(
        images, torch.zeros(unlabeled, 1, *size, dtype=torch.long)
    )
    maps['sup'] = labels
    return dict(
        inputs={k: list(v.byte()) for k, v in images.items()},
        data_samples={k: [sample(m) for m in v] for k, v in maps.items()},
    )


def profile(step: Step, repeats: int) -> dict[str, float]:
    """Median seconds of the parts, the whole step and the passes alone."""
    step.recording = True
    step.whole()
    step.recording = False
    step.passes_alone()
    whole, alone, parts = [], [], []
    for _ in range(repeats):
        whole.append(step.seconds(step.whole))
        alone.append(step.seconds(step.passes_alone))
        step.clock.running = True
        with step.clock.part('other'):
            step.whole()
        step.clock.running = False
        parts.append(step.clock.seconds())
    result = {
        name: statistics.median(turn[name] for turn in parts)
        for name in parts[0]
    }
    result.update(
        whole=statistics.median(whole), alone=statistics.median(alone)
    )
    return result


def report(result: dict[str, float]) -> list[str]:
    """Lines of the table."""
    parts = {k: v for k, v in result.items() if k not in ('whole', 'alone')}
    total = sum(parts.values())
    lines = [f'{"part":24s} {"ms":>9s} {"share":>7s}']
    for name, value in sorted(parts.items(), key=lambda item: -item[1]):
        lines.append(
            f'{name:24s} {1000 * value:9.2f} {100 * value / total:6.1f}%'
        )
    lines += [
        f'{"whole step":24s} {1000 * result["whole"]:9.2f}',
        f'{"passes alone":24s} {1000 * result["alone"]:9.2f}',
        'whole step / forward and backward passes alone = '
        f'{result["whole"] / result["alone"]:.2f}',
    ]
    return lines


def main(argv: list[str] | None = None) -> dict[str, float]:
    """Print the table."""
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    if args.amp:
        enable_amp(cfg)
        cfg.optim_wrapper.dtype = args.amp
    # One line for every parameter otherwise.
    MMLogger.get_current_instance().setLevel('WARNING')
    step = Step(cfg, args.batch, args.size, args.device)
    result = profile(step, args.repeats)
    inputs = step.data['inputs']
    print(
        f'{args.config}, {len(inputs["sup"])} labeled and '
        f'{len(inputs["unsup_teacher"])} unlabeled images of '
        f'{inputs["sup"][0].shape[1]}x{inputs["sup"][0].shape[2]}, '
        f'{args.amp or "float32"}, {args.device}, {args.repeats} turns'
    )
    print('\n'.join(report(result)))
    return result


if __name__ == '__main__':
    try:
        main()
    except UsageError as error:
        sys.exit(f'error: {error}')
