"""Everything a GPU can tell about mmsemi, in one call.

    python benchmarks/gpu_report.py --out gpu_report

Writes ``report.json`` after every part and ``report.md`` from it. It takes
about ``--minutes``, in which the last part may begin; called again, it goes
on with what is missing, a training from its latest checkpoint. Parts:

- ``step``: a step of every method against the forward and backward passes of
  its own networks, with its most expensive parts and its peak of memory, in
  float32 (convolutions as PyTorch does them by default, so perhaps in TF32)
  and as ``--amp`` trains, in float16 and bfloat16;
- ``amp``: by how much the losses of a step differ in mixed precision;
- ``ema``: the moving average against a loop over tensors;
- ``losses``: UniMatch's losses against their plain form;
- ``loader``: images a second of the data pipeline;
- ``published``: a step of published recipes with four images of each kind,
  in float32 and as ``--amp`` trains in bfloat16;
- ``network``: the student alone, in channels-last order and compiled;
- ``train``: ``mmsemi compare`` of all methods on CamVid at 480x360, several
  runs side by side; its own report is in the folder ``compare``.

``--small`` measures next to nothing and trains nothing: it shows that all
parts work, also on a CPU.
"""

import argparse
import contextlib
import datetime
import gc
import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ema
import profile_step
import torch
import unimatch_loss
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, set_random_seed
from torch import nn

from mmsemi.apis.config import enable_amp, load_config, prepare_generated
from mmsemi.io.files import write_json, write_text
from mmsemi.registry import MODELS
from mmsemi.report.facts import machine_facts, version_facts

ROOT = Path(__file__).resolve().parents[1]
ONLINE = (
    *('mean_teacher', 'fixmatch', 'u2pl', 'ael', 'cps', 'unimatch'),
    *('unimatch_v2', 'augseg', 'corrmatch'),
)
TRAINED = (*ONLINE, 'st_plus_plus', 'dst_cbc')
PUBLISHED = (
    *('mean_teacher/voc_1464', 'fixmatch/voc_1464', 'u2pl/voc_1464'),
    *('ael/voc_662', 'cps/voc_662', 'unimatch/voc_1464'),
    *('unimatch_v2/voc_1464', 'augseg/voc_1464', 'corrmatch/voc_1464'),
    *('u2pl/cityscapes_744', 'unimatch_v2/cityscapes_744'),
)
PRECISIONS = ('float32', 'float16', 'bfloat16')
# Form of the student: its precision.
NETWORKS = {
    'plain': 'float32',
    'channels_last': 'float32',
    'bfloat16': 'bfloat16',
    'bfloat16 and channels_last': 'bfloat16',
    'compiled': 'float32',
}
PARTS = (
    *('step', 'amp', 'ema', 'losses', 'loader', 'published', 'network'),
    'train',
)
# What the comparison changes in recipes for a CPU.
LARGE = ('data.variant=480x360', 'data.num_workers=0')
COMPARE = (sys.executable, '-m', 'mmsemi', 'compare')
# What the columns of a table hold.
NOTES = dict(
    step='A step on CamVid, 4 labeled and 4 unlabeled images of 480x360: its '
    'milliseconds, these over those of the passes of its networks alone, the '
    'most memory of the card, and the milliseconds of its largest parts.',
    amp='Relative difference of each loss to that in float32.',
    ema='Milliseconds of moving a teacher, and of a loop over its tensors.',
    losses="UniMatch's losses against their plain form, milliseconds.",
    loader='Images a second, by the number of workers.',
    published='A step of published recipes with 4 + 4 images, as above.',
    network='Forward and backward pass of a student, 8 images of 480x360: '
    'milliseconds, and those of the first time.',
    train='`mmsemi compare` on CamVid at 480x360.',
)
GRACE = 75.0  # seconds a stopped comparison has, more than its runs have


class Report:
    """Facts of all parts, on disk after each.

    Args:
        args: of the command line.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.folder = args, Path(args.out)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.deadline = time.monotonic() + 60 * args.minutes
        path = self.folder / 'report.json'
        self.facts = json.loads(path.read_text()) if path.exists() else {}
        self.facts['machine'] = dict(
            machine_facts(), **version_facts(), date=str(datetime.date.today())
        )
        self.device = torch.device(args.device)
        if self.device.type == 'cuda' and self.device.index is not None:
            # Waiting and memory are those of the current one.
            torch.cuda.set_device(self.device)
        self.sizes = ([1, 1], [32, 48]) if args.small else (None, None)
        self.repeats = 1 if args.small else 5

    @property
    def time_is_up(self) -> bool:
        return time.monotonic() >= self.deadline

    def part(self, name: str, measure: Callable[[], dict]) -> None:
        """Measure a part that is missing; a failure is a fact, too."""
        if name.split()[0] not in self.args.parts:
            return
        known = self.facts.get(name)
        if self.time_is_up or (known and 'error' not in known):
            return
        print(f'{name} ...', flush=True)
        try:
            self.facts[name] = measure()
        except Exception as error:  # one part must not cost the others
            self.facts[name] = dict(error=describe(error))
        self.save()

    def save(self) -> None:
        write_json(self.folder, 'report.json', self.facts)
        write_text(self.folder, 'report.md', markdown(self.facts))

    # Parts.
    def step(self, method: str, precision: str) -> dict:
        """A step of a method, with its network and batch for CamVid."""
        return self.measured(self.camvid_step(method, precision), precision)

    def amp(self, method: str) -> dict:
        """Relative difference of each loss to that in float32."""
        found: dict[str, dict[str, float]] = {}
        for precision in PRECISIONS:
            step = self.camvid_step(method)
            # Not the draws are compared; those of a dropout depend on it.
            set_random_seed(0)
            for module in step.model.modules():
                if isinstance(module, nn.Dropout | nn.Dropout2d):
                    module.p = 0.0
            with self.precision(precision), torch.no_grad():
                data = step.model.data_preprocessor(step.data, True)
                losses = step.model(**data, mode='loss')
            found[precision] = {
                key: float(value)
                for key, value in losses.items()
                if key.startswith('loss')
            }
        exact = found.pop('float32')
        return {
            precision: {
                key: abs(values[key] - exact[key]) / max(abs(exact[key]), 1e-6)
                for key in exact
            }
            for precision, values in found.items()
        }

    def ema(self) -> dict:
        """Time of the moving average, as a share of a loop's."""
        model = self.student('unimatch_v2')
        seconds = ema.measure(
            model, str(self.device), 'copy', self.repeats, 2 * self.repeats
        )
        ours, loop = (statistics.median(seconds[k]) for k in ('ours', 'loop'))
        return dict(ms=1000 * ours, loop_ms=1000 * loop, ratio=ours / loop)

    def network(self, name: str) -> dict:
        """Milliseconds of a student's forward and backward pass."""
        precision = NETWORKS[name]
        size = self.sizes[1] or (360, 480)
        images = torch.rand(1 if self.args.small else 8, 3, *size)
        images = images.to(self.device)
        student = self.student('mean_teacher').to(self.device).train()
        if 'channels_last' in name:
            student.to(memory_format=torch.channels_last)
            images = images.to(memory_format=torch.channels_last)
        forward = torch.compile(student) if name == 'compiled' else student
        times = []
        for _ in range(self.repeats + 2):
            self.wait()
            start = time.perf_counter()
            with self.precision(precision):
                logits = forward(images, mode='tensor')
            logits.float().square().mean().backward()
            self.wait()
            times.append(1000 * (time.perf_counter() - start))
        return dict(ms=statistics.median(times[2:]), first_ms=times[0])

    def losses(self) -> dict:
        """Milliseconds of UniMatch's losses and of their plain form."""
        shape = (1, 5, 40, 40) if self.args.small else (4, 21, 321, 321)
        times = unimatch_loss.measure(shape, self.device, self.repeats)
        return dict(times, ratio=times['UniMatch'] / times['plain'])

    def loader(self) -> dict:
        """Images a second of the training pipeline, by workers."""
        camvid = not self.args.small and Path('data/camvid').is_dir()
        name = 'camvid_1-16' if camvid else 'shapes'
        cfg = load_config(
            str(ROOT / f'configs/mean_teacher/{name}.py'),
            dict(data=dict(variant='480x360')) if camvid else None,
        )
        prepare_generated(cfg)
        found = {}
        for workers in (0,) if self.args.small else (0, 4, 8):
            loader = dict(cfg.train_dataloader, num_workers=workers)
            loader['persistent_workers'] = False
            batches = iter(Runner.build_dataloader(loader))
            next(batches)
            count, start = 0, time.perf_counter()
            for _ in range(2 if self.args.small else 20):
                inputs = next(batches)['inputs']
                count += sum(len(images) for images in inputs.values())
            found[str(workers)] = count / (time.perf_counter() - start)
        return found

    def published(self, config: str, precision: str) -> dict:
        """A step of a published recipe, at its own size."""
        cfg = load_config(str(ROOT / f'configs/{config}.py'))
        batch = self.sizes[0] or [4, 4]
        step = self.build_step(cfg, precision, batch, self.sizes[1])
        height, width = step.data['inputs']['sup'][0].shape[1:]
        return dict(self.measured(step, precision), size=f'{height}x{width}')

    def train(self) -> dict:
        """How many runs of the comparison are done."""
        self.free()
        out = self.folder / 'compare'
        words = [
            *COMPARE,
            *(f'{method}/camvid_1-16' for method in self.args.train),
            *('--set', *LARGE, '--splits', '1_16/seed{seed}'),
            *('--seeds', *map(str, self.args.seeds)),
            *('--iterations', str(self.args.iterations)),
            *('--jobs', str(self.args.jobs), '--out', str(out)),
        ]
        with open(self.folder / 'compare.log', 'ab') as log:
            child = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            child.wait(max(self.deadline - GRACE - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGTERM)  # on which it saves its state
            try:
                child.wait(GRACE)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        cells = out.glob('cells/**/cell.json')
        done = [cell.with_name('measured.json').exists() for cell in cells]
        return dict(runs=len(done), done=sum(done), exit=child.returncode)

    # What parts share.
    def camvid_step(
        self, method: str, precision: str = 'float32'
    ) -> profile_step.Step:
        """A step of a method, with its network and batch for CamVid."""
        cfg = load_config(str(ROOT / f'configs/{method}/camvid_1-16.py'))
        size = self.sizes[1] or [360, 480]
        return self.build_step(cfg, precision, self.sizes[0], size)

    def build_step(
        self,
        cfg: Config,
        precision: str,
        batch: list[int] | None,
        size: list[int] | None,
    ) -> profile_step.Step:
        cfg.model.student.backbone.pop('init_cfg', None)
        if self.device.type == 'cuda':
            if precision != 'float32':
                enable_amp(cfg)
                cfg.optim_wrapper.dtype = precision
            self.free()
            torch.cuda.reset_peak_memory_stats()
        return profile_step.Step(cfg, batch, size, str(self.device))

    def student(self, method: str) -> nn.Module:
        path = ROOT / f'configs/{method}/camvid_1-16.py'
        student = load_config(str(path)).model.student
        student.backbone.pop('init_cfg', None)
        profile_step.set_class_frequency(student, 11)
        torch.manual_seed(0)
        return MODELS.build(student)

    @contextlib.contextmanager
    def precision(self, name: str) -> Iterator[None]:
        kind = getattr(torch, name)
        with torch.autocast(self.device.type, kind, kind != torch.float32):
            yield

    def measured(self, step: profile_step.Step, precision: str) -> dict:
        """Milliseconds of a step and of its parts, ratio, MiB."""
        # The optimizer wrapper of a GPU casts the weights, in each step.
        outer = 'float32' if self.device.type == 'cuda' else precision
        with self.precision(outer):
            parts = profile_step.profile(step, self.repeats)
        whole, alone = parts.pop('whole'), parts.pop('alone')
        costly = sorted(parts, key=lambda part: -parts[part])[:6]
        return dict(
            ms=1000 * whole,
            ratio=whole / alone,
            peak_mib=self.peak(),
            parts={part: 1000 * parts[part] for part in costly},
        )

    def free(self) -> None:
        """Give memory back; steps refer to themselves."""
        gc.collect()
        if self.device.type == 'cuda':
            torch.cuda.empty_cache()

    def wait(self) -> None:
        if self.device.type == 'cuda':
            torch.cuda.synchronize()

    def peak(self) -> float | None:
        if self.device.type != 'cuda':
            return None
        return torch.cuda.max_memory_allocated() / 2**20


def describe(error: Exception) -> str:
    """An error in one line of a table."""
    reason = ' '.join(str(error).split()).replace('|', '/')[:300]
    return f'{type(error).__name__}: {reason}'


def rounded(value: Any) -> Any:
    """Numbers as a person reads them."""
    if isinstance(value, float):
        return f'{value:.0f}' if abs(value) >= 1000 else f'{value:.4g}'
    if isinstance(value, dict):
        return ', '.join(f'{k} {rounded(v)}' for k, v in value.items())
    return '-' if value is None else value


def markdown(facts: dict[str, dict]) -> str:
    """The report as a page: one table for each kind of part."""
    lines = ['# What a GPU measured', '']
    lines += [f'- {k}: {rounded(v)}' for k, v in facts['machine'].items()]
    groups: dict[str, dict[str, dict]] = {}
    for name, values in facts.items():
        kind, _, rest = name.partition(' ')
        if kind != 'machine':
            groups.setdefault(kind, {})[rest or kind] = values
    for kind, rows in groups.items():
        columns = list(dict.fromkeys(k for row in rows.values() for k in row))
        lines += ['', f'## {kind}', '', NOTES[kind], '']
        lines.append(f'| | {" | ".join(columns)} |')
        lines.append('|---' * (len(columns) + 1) + '|')
        for name, row in rows.items():
            cells = (str(rounded(row.get(key))) for key in columns)
            lines.append(f'| {name} | {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n'


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--out', default='gpu_report')
    parser.add_argument('--minutes', type=float, default=8)
    parser.add_argument('--device', default=get_device())
    parser.add_argument('--methods', nargs='*', default=ONLINE)
    parser.add_argument('--published', nargs='*', default=PUBLISHED)
    parser.add_argument('--train', nargs='*', default=TRAINED)
    parser.add_argument('--seeds', type=int, nargs='+', default=[0])
    parser.add_argument('--iterations', type=int, default=400)
    parser.add_argument(
        '--jobs', type=int, default=4, help='trainings side by side'
    )
    parser.add_argument(
        '--parts',
        nargs='+',
        choices=PARTS,
        default=PARTS,
        help='leave out others',
    )
    parser.add_argument('--small', action='store_true')
    args = parser.parse_args(argv)
    if args.small:
        args.train, args.published = [], args.published[:1]
    return args


def main(argv: list[str] | None = None) -> dict:
    """Measure what is missing, within the time."""
    args = parse_args(argv)
    init_default_scope('mmsemi')
    MMLogger.get_current_instance().setLevel('ERROR')
    report = Report(args)
    for method in args.methods:
        for precision in PRECISIONS:
            report.part(
                f'step {method} {precision}',
                lambda m=method, p=precision: report.step(m, p),
            )
        report.part(f'amp {method}', lambda m=method: report.amp(m))
    for name in ('ema', 'losses', 'loader'):
        report.part(name, getattr(report, name))
    for config in args.published:
        for precision in ('float32', 'bfloat16'):
            report.part(
                f'published {config} {precision}',
                lambda c=config, p=precision: report.published(c, p),
            )
    for name in NETWORKS:
        if name != 'compiled' or not args.small:
            report.part(f'network {name}', lambda n=name: report.network(n))
    if args.train and 'train' in args.parts and not report.time_is_up:
        report.facts['train'] = report.train()
    report.save()
    print(f'{report.folder}/report.md, {report.folder}/report.json')
    return report.facts


if __name__ == '__main__':
    main()
