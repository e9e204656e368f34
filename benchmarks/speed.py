"""The parts of mmsemi beside their plain forms: one table, one command.

    python benchmarks/speed.py

writes ``docs/speed.json`` and ``docs/speed.md``. A plain form is what the
description of a method says, in a few lines of PyTorch or NumPy. Both sides
take turns in one process with one thread, and medians of CPU time are
compared, so that a loaded machine meets both alike. Their results must agree.
``--rows`` measures some rows anew and keeps the others.
"""

import argparse
import datetime
import json
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmcv.transforms import RandomGrayscale
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmseg.models.losses import accuracy as mmseg_accuracy
from PIL import Image

from mmsemi.cli.process import keep_memory
from mmsemi.io.files import write_bytes, write_png
from mmsemi.models.losses import (
    DynamicMutualLoss,
    DynamicSelfTrainingLoss,
    OHEMCrossEntropyLoss,
)
from mmsemi.models.pseudo_labelers import (
    CBSTPseudoLabeler,
    EntropyPercentilePseudoLabeler,
    LRENTPseudoLabeler,
)
from mmsemi.models.pseudo_labelers.entropy_percentile import pixel_entropy
from mmsemi.models.segmentors.frozen_copy import frozen_copy
from mmsemi.models.targets import Targets
from mmsemi.ops.maps import accuracy, max_over_classes
from mmsemi.pseudo_labels.statistics import ConfidenceHistogram
from mmsemi.registry import MODELS, TRANSFORMS
from mmsemi.report.facts import machine_facts, version_facts

DOCS = Path(__file__).resolve().parents[1] / 'docs'


class Row(NamedTuple):
    """Two functions without arguments, and how far results may differ."""

    ours: Callable
    plain: Callable
    tolerance: float | None = 1e-4


def scores(*shape: int, softmax: bool = True) -> torch.Tensor:
    """Maps as networks give them, smooth but for a little noise."""
    generator = torch.Generator().manual_seed(0)
    n, classes, height, width = shape
    small = 4 * torch.randn(n, classes, 9, 9, generator=generator)
    maps = F.interpolate(small, (height, width), mode='bilinear')
    maps += 0.1 * torch.randn(maps.shape, generator=generator)
    return maps.softmax(1) if softmax else maps


def truth(logits: torch.Tensor) -> torch.Tensor:
    """Labels that mostly agree, a tenth of them unknown."""
    labels = logits.argmax(1).roll(7, 2)
    labels[torch.rand(labels.shape) < 0.1] = 255
    return labels


def with_backward(form: Callable, logits: torch.Tensor) -> Callable:
    """Forward and backward of a loss; gives the loss."""
    logits = logits.clone().requires_grad_()

    def run() -> torch.Tensor:
        logits.grad = None
        loss = form(logits)
        loss.backward()
        return loss.detach()

    return run


def ohem() -> Row:
    logits = scores(2, 19, 769, 769, softmax=False)
    labels = truth(logits)
    ours = OHEMCrossEntropyLoss(thresh=0.7, min_kept=100_000)

    def plain(x: torch.Tensor) -> torch.Tensor:
        valid = labels != 255
        with torch.no_grad():
            own = labels.where(valid, 0)[:, None]
            prob = x.softmax(1).gather(1, own)[:, 0].masked_fill(~valid, 1)
            kth = prob.flatten().sort().values[100_000 - 1]
            kept = valid & (prob <= kth.clamp(min=0.7))
        return F.cross_entropy(x, labels.where(kept, 255), ignore_index=255)

    return Row(
        with_backward(lambda x: ours(x, labels), logits),
        with_backward(plain, logits),
    )


def dynamic_loss() -> Row:
    logits = scores(4, 21, 321, 321, softmax=False)
    labels, sure = truth(logits), torch.rand(4, 321, 321)
    pseudo = torch.arange(4) >= 2
    objective = DynamicSelfTrainingLoss(gamma=9)

    def ours(x: torch.Tensor) -> torch.Tensor:
        return objective(x, Targets(labels, sure, pseudo=pseudo))['loss_seg']

    def plain(x: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(x, labels, ignore_index=255)

    # A method against the loss it is made of: another result.
    return Row(with_backward(ours, logits), with_backward(plain, logits), None)


def mutual_loss() -> Row:
    logits = scores(4, 21, 321, 321, softmax=False)
    labels, sure = truth(logits), torch.rand(4, 321, 321)
    pseudo = torch.arange(4) >= 2
    objective = DynamicMutualLoss(gamma1=5, gamma2=5)

    def ours(x: torch.Tensor) -> torch.Tensor:
        return objective(x, Targets(labels, sure, pseudo=pseudo))['loss_seg']

    def plain(x: torch.Tensor) -> torch.Tensor:
        valid = labels != 255
        with torch.no_grad():
            prob = x.softmax(1)
            best, found = prob.max(1)
            own = labels.where(valid, 0)[:, None]
            weight = prob.gather(1, own)[:, 0].pow(5)
            weight[(found != labels) & (best > sure)] = 0
            weight[~pseudo] = 1
        loss = F.cross_entropy(x, labels, reduction='none', ignore_index=255)
        return (loss * weight).sum() / valid.sum()

    return Row(with_backward(ours, logits), with_backward(plain, logits))


def u2pl_labels() -> Row:
    probabilities = scores(4, 21, 321, 321)
    labels = probabilities.argmax(1)
    labeler = EntropyPercentilePseudoLabeler()

    def ours() -> torch.Tensor:
        found = labeler.split(pixel_entropy(probabilities), labels, 0.3)
        return torch.stack([p.float().mean() for p in found])

    def plain() -> torch.Tensor:
        entropy = -(probabilities * (probabilities + 1e-10).log()).sum(1)
        values = entropy[labels != 255].numpy().flatten()
        drop, low, high = (
            float(np.percentile(values, percent)) for percent in (86, 14, 86)
        )
        kept = labels.masked_fill(entropy >= drop, 255)
        parts = kept, entropy <= low, entropy >= high
        return torch.stack([p.float().mean() for p in parts])

    return Row(ours, plain, 1e-2)


def cbst_thresholds() -> Row:
    maps = scores(6, 19, 256, 512)
    labeler = CBSTPseudoLabeler(19, ds_rate=4)

    def ours() -> torch.Tensor:
        histogram = ConfidenceHistogram(19)
        for one in maps:
            labeler.collect(histogram, one[None])
        return labeler.fit(histogram, 0.2)

    def plain() -> torch.Tensor:
        pools = defaultdict(list)
        for one in maps.numpy():
            labels, confidence = one.argmax(0), one.max(0)
            for c in range(19):
                pools[c].extend(confidence[labels == c][::4])
        found = []
        for c in range(19):
            pool = sorted(pools[c], reverse=True)
            rank = int(len(pool) * 0.2)
            found.append(float(pool[rank - 1]) if rank else 1.0)
        return torch.tensor(found)

    return Row(ours, plain, 1e-2)


def cbst_labels() -> Row:
    probabilities = scores(1, 19, 1024, 2048)
    labeler = CBSTPseudoLabeler(19)
    labeler.thresholds = torch.linspace(0.2, 0.9, 19)

    def plain() -> torch.Tensor:
        weighed = probabilities / labeler.thresholds.view(1, -1, 1, 1)
        best, labels = weighed.max(1)
        return labels.masked_fill(best <= 1, 255)

    def ours() -> torch.Tensor:
        found = labeler(probabilities)
        return found.labels.masked_fill(found.weights == 0, 255)

    return Row(ours, plain, 0)


def lrent_labels() -> Row:
    probabilities = scores(1, 19, 1024, 2048)
    labeler = LRENTPseudoLabeler(19)
    labeler.thresholds = torch.linspace(0.2, 0.9, 19)

    def plain() -> torch.Tensor:
        thresholds = labeler.thresholds.view(1, -1, 1, 1)
        powers = (probabilities / thresholds).pow(1 / labeler.alpha)
        soft = powers / powers.sum(1, keepdim=True)
        cost = soft * (
            -torch.log(probabilities + 1e-32)
            + labeler.alpha * torch.log(soft + 1e-32)
        )
        kept = cost.sum(1) < -(soft * thresholds.log()).sum(1)
        soft.argmax(1).masked_fill_(~kept, 255)
        return soft

    return Row(lambda: labeler(probabilities).soft, plain)


def maximum() -> Row:
    probabilities = scores(4, 21, 321, 321)
    return Row(
        lambda: max_over_classes(probabilities)[1],
        lambda: probabilities.max(1)[1],
        0,
    )


def logged_accuracy() -> Row:
    logits = scores(4, 21, 321, 321)
    labels = truth(logits)
    return Row(
        lambda: accuracy(logits, labels, ignore_index=255),
        lambda: mmseg_accuracy(logits, labels, ignore_index=255),
    )


def u2pl_contrast() -> Row:
    import contrast

    args = argparse.Namespace(
        images=[2, 2],
        grid=[129, 129],
        classes=21,
        channels=256,
        queue=30000,
        device='cpu',
    )
    forms, data = contrast.both(args), contrast.batch(args)

    def run(name: str) -> torch.Tensor:
        data['rep'].grad = None
        loss = forms[name](*data.values(), 2)
        loss.backward()
        return loss.detach()

    # Anchors and negatives are drawn at random.
    return Row(lambda: run('ours'), lambda: run('plain'), 5e-2)


def moving_average() -> Row:
    import ema

    from mmsemi.engine.hooks.mean_teacher_hook import move_teacher

    student = ema.build(None)
    ours, plain = frozen_copy(student), frozen_copy(student)
    for parameter in student.parameters():
        torch.nn.init.normal_(parameter)

    def run(move: Callable, teacher: torch.nn.Module) -> torch.Tensor:
        move(teacher, student, 0.01, 'copy')
        return next(teacher.buffers()).clone()

    return Row(
        lambda: run(move_teacher, ours), lambda: run(ema.loop, plain), 1e-3
    )


def picture() -> np.ndarray:
    """A photograph's worth of smooth noise, uint8 BGR."""
    noise = np.random.default_rng(0).normal(size=(24, 32, 3))
    image = cv2.resize(noise, (500, 375), interpolation=cv2.INTER_CUBIC)
    return cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def write_picture(folder: Path) -> None:
    """Write :func:`picture` as ``a.jpg``."""
    content = cv2.imencode('.jpg', picture())[1].tobytes()
    write_bytes(folder, 'a.jpg', content, sync=False)


def color_jitter() -> Row:
    image = picture()
    jitter = TRANSFORMS.build(dict(type='ColorJitter', prob=1.0))
    gray = np.array([0.114, 0.587, 0.299], np.float32)

    def steps(img: np.ndarray, k: int, value: float) -> np.ndarray:
        if k == 3:
            hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV)
            hsv[..., 0] = (hsv[..., 0] + 360 * value) % 360
            return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
        other = (0, (img @ gray).mean(), (img @ gray)[..., None])[k]
        return np.clip(img * value + (1 - value) * other, 0, 1)

    def ours() -> torch.Tensor:
        np.random.seed(0)
        return torch.from_numpy(jitter(dict(img=image))['img'])

    def plain() -> torch.Tensor:
        np.random.seed(0)
        _, order, values = jitter._draw()
        img = image.astype(np.float32) / 255
        for k in order:
            img = steps(img, k, np.float32(values[k]))
        return torch.from_numpy((img * 255).round().astype(np.uint8))

    return Row(ours, plain, 1)


def random_gray() -> Row:
    image = picture()
    ours = TRANSFORMS.build(dict(type='RandomGray', prob=1.0))
    plain = RandomGrayscale(1.0, True, (0.114, 0.587, 0.299))
    return Row(
        lambda: torch.from_numpy(ours(dict(img=image))['img']),
        lambda: torch.from_numpy(plain(dict(img=image))['img']),
        1,
    )


def equal_views() -> Row:
    with tempfile.NamedTemporaryFile(suffix='.jpg', delete=False) as file:
        file.write(cv2.imencode('.jpg', picture())[1].tobytes())
    pack = [dict(type='PackSemiInputs')]
    before = [
        dict(type='LoadImageFromFile', to_float32=True),
        dict(type='RandomScale', ratio_range=(1.0, 1.0)),
        dict(type='RandomCrop', crop_size=(321, 321)),
    ]
    load = [TRANSFORMS.build(step) for step in before]
    views = TRANSFORMS.build(
        dict(type='MultiBranch', unsup_teacher=pack, unsup_student=pack)
    )
    packer = TRANSFORMS.build(pack[0])

    def item() -> dict:
        np.random.seed(0)
        results = dict(img_path=file.name, seg_fields=[])
        for step in load:
            results = step(results)
        return results

    def ours() -> torch.Tensor:
        return views(item())['inputs']['unsup_student'].float()

    def plain() -> torch.Tensor:
        packer(item())
        return packer(item())['inputs'].float()

    return Row(ours, plain, 0)


def u2pl_item() -> Row:
    """Two equal views, normalized, beside the item as U2PL makes it.

    It normalizes the whole image first, enlarges it and its mask with
    PyTorch, and takes the same image as both views.
    """
    folder = Path(tempfile.mkdtemp())
    write_picture(folder)
    Image.fromarray((picture()[..., 0] // 13).astype(np.uint8)).save(
        folder / 'a.png'
    )
    mean = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)
    std = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)
    pack = [dict(type='PackSemiInputs')]
    steps = [
        dict(type='LoadImageFromFile', to_float32=True),
        dict(type='InitValidMap'),
        dict(type='RandomScale', ratio_range=(1.3, 1.3)),
        dict(type='RandomCrop', crop_size=(513, 513)),
        dict(type='PadSegFields', size=(513, 513)),
        dict(type='RandomFlip', prob=1.0),
        dict(type='MultiBranch', unsup_teacher=pack, unsup_student=pack),
    ]
    load = [TRANSFORMS.build(step) for step in steps]
    normalize = MODELS.build(
        dict(
            type='MultiBranchDataPreprocessor',
            data_preprocessor=dict(
                type='SegDataPreProcessor',
                mean=mean.flatten().tolist(),
                std=std.flatten().tolist(),
                bgr_to_rgb=True,
                size=(513, 513),
            ),
        )
    )

    def ours() -> torch.Tensor:
        np.random.seed(0)
        item = dict(img_path=str(folder / 'a.jpg'), seg_fields=[])
        for step in load:
            item = step(item)
        batch = {
            key: {name: [view] for name, view in views.items()}
            for key, views in item.items()
        }
        return normalize(batch, True)['inputs']['unsup_student']

    def plain() -> torch.Tensor:
        image = np.array(Image.open(folder / 'a.jpg').convert('RGB'))
        labels = np.array(Image.open(folder / 'a.png').convert('L'))
        image = torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32))
        image = ((image - mean) / std)[None]
        labels = torch.from_numpy(labels)[None, None].float()
        size = (int(1.3 * image.shape[2]), int(1.3 * image.shape[3]))
        image = F.interpolate(image, size, mode='bilinear')
        labels = F.interpolate(labels, size, mode='nearest')
        image, labels = (part.flip(3) for part in (image, labels))
        below = (0, 0, 0, 513 - size[0])
        image, labels = (
            F.pad(part, below)[..., 60:573] for part in (image, labels)
        )
        labels[0, 0].long()
        return image.contiguous()

    # Another crop: only the times compare.
    return Row(ours, plain, None)


def labeled_item() -> Row:
    """Decoded, scaled, cropped, flipped and normalized, beside Pillow."""
    folder = Path(tempfile.mkdtemp())
    mask = (picture()[..., 0] // 13).astype(np.uint8)
    write_picture(folder)
    write_png(folder, 'a.png', mask)
    mean, std = torch.rand(3, 1, 1) * 255, torch.full((3, 1, 1), 58.0)
    steps = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadMask'),
        dict(type='RandomScale', ratio_range=(1.3, 1.3)),
        dict(type='RandomCrop', crop_size=(321, 321)),
        dict(type='RandomFlip', prob=1.0),
        dict(type='PackSemiInputs'),
    ]
    load = [TRANSFORMS.build(step) for step in steps]

    def ours() -> torch.Tensor:
        np.random.seed(0)
        results = dict(
            img_path=str(folder / 'a.jpg'),
            seg_map_path=str(folder / 'a.png'),
            reduce_zero_label=False,
            label_map=None,
            seg_fields=[],
        )
        for step in load:
            results = step(results)
        return (results['inputs'].float() - mean) / std

    def plain() -> torch.Tensor:
        image = Image.open(folder / 'a.jpg').convert('RGB')
        labels = Image.fromarray(np.array(Image.open(folder / 'a.png')))
        size = (int(1.3 * image.width + 0.5), int(1.3 * image.height + 0.5))
        image = image.resize(size, Image.BILINEAR)
        labels = labels.resize(size, Image.NEAREST)
        box = (100, 50, 421, 371)
        image, labels = (
            part.crop(box).transpose(Image.FLIP_LEFT_RIGHT)
            for part in (image, labels)
        )
        torch.from_numpy(np.array(labels)).long()
        found = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        return (found.contiguous().float() / 255 - mean) / std

    # Another way to resize, and another crop: only the times compare.
    return Row(ours, plain, None)


def unimatch_losses(repeats: int) -> dict[str, float]:
    import unimatch_loss

    shape, device = (2, 21, 321, 321), torch.device('cpu')
    times = unimatch_loss.measure(shape, device, repeats)
    return dict(ours=times['UniMatch'], plain=times['plain'])


def u2pl_step(repeats: int) -> dict[str, float]:
    import profile_step

    from mmsemi.apis.config import load_config

    cfg = load_config(str(DOCS.parent / 'configs/u2pl/camvid_1-16.py'))
    cfg.model.student.backbone.pop('init_cfg')
    step = profile_step.Step(cfg, [4, 4], [160, 160])
    times = profile_step.profile(step, repeats)
    return dict(ours=1000 * times['whole'], plain=1000 * times['alone'])


# These take their turns themselves.
WHOLE = {
    "UniMatch's losses, 2x21x321x321": unimatch_losses,
    'step of U2PL against the passes of its networks, 4 + 4 of 160x160': (
        u2pl_step
    ),
}
ROWS = {
    "U2PL's contrastive objective, 2 + 2 of 513x513": u2pl_contrast,
    'OHEM, 2x19x769x769': ohem,
    "U2PL's parts by entropy, 4x21x321x321": u2pl_labels,
    'dynamic loss against cross entropy, 4x21x321x321': dynamic_loss,
    'mutual loss of DMT, 4x21x321x321': mutual_loss,
    'CBST thresholds, 6 maps of 19x256x512': cbst_thresholds,
    'CBST labels, 19x1024x2048': cbst_labels,
    'LRENT labels, 19x1024x2048': lrent_labels,
    'moving average of DeepLabV3+ with ResNet-101': moving_average,
    'maximum over classes, 4x21x321x321': maximum,
    "accuracy that a head logs, against mmseg's": logged_accuracy,
    'color jitter, 500x375': color_jitter,
    "gray image, against mmcv's, 500x375": random_gray,
    'labeled item, 500x375 to a crop of 321x321, against Pillow': labeled_item,
    'unlabeled item with two equal views': equal_views,
    "the same, normalized, to a crop of 513x513, against U2PL's steps": (
        u2pl_item
    ),
}


def compare(row: Row, repeats: int) -> dict[str, float]:
    """Median milliseconds of CPU time of both sides.

    Raises:
        RuntimeError: if results differ by more than the row says.
    """
    times: dict[str, list[float]] = dict(ours=[], plain=[])
    for turn in range(repeats + 1):
        found = {}
        for name in times:
            start = time.process_time()
            found[name] = getattr(row, name)()
            if turn:  # the first is warm-up
                times[name].append(time.process_time() - start)
        ours, plain = (found[name].double() for name in times)
        gap = float((ours - plain).abs().max())
        if row.tolerance is not None and not gap <= row.tolerance:
            raise RuntimeError(f'both sides differ by {gap}')
    return {k: 1000 * statistics.median(v) for k, v in times.items()}


def page(facts: dict) -> str:
    """The table as Markdown."""
    lines = [
        '# Speed',
        '',
        '<!-- Written by benchmarks/speed.py. -->',
        'Parts of mmsemi beside their plain forms, `python '
        'benchmarks/speed.py`: medians of CPU time, one thread, both sides '
        'in turns. Below 1 ours is faster.',
        '',
        '| part | ours, ms | plain, ms | ours / plain | measured |',
        '|---|---|---|---|---|',
    ]
    for name, row in facts.items():
        machine = f'{row["date"]}, {row["cpu"]}, PyTorch {row["torch"]}'
        lines.append(
            f'| {name} | {row["ours_ms"]:.2f} | {row["plain_ms"]:.2f} | '
            f'{row["ratio"]:.2f} | {machine} |'
        )
    return '\n'.join(lines) + '\n'


def main(argv: list[str] | None = None) -> dict:
    """Measure, check, write."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--rows', nargs='+', default=[''], help='parts of names of rows'
    )
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--out', type=Path, default=DOCS, help='folder')
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    keep_memory(os.environ)  # as every command does
    MMLogger.get_current_instance().setLevel('ERROR')
    init_default_scope('mmsemi')
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / 'speed.json'
    facts = json.loads(path.read_text()) if path.exists() else {}
    made = dict(
        date=str(datetime.date.today()),
        cpu=machine_facts()['cpu'],
        torch=version_facts()['torch'],
    )
    for name in (*ROWS, *WHOLE):
        if not any(part in name for part in args.rows):
            continue
        if name in WHOLE:
            times = WHOLE[name](args.repeats)
        else:
            times = compare(ROWS[name](), args.repeats)
        ours, plain = times['ours'], times['plain']
        facts[name] = dict(
            ours_ms=round(ours, 2),
            plain_ms=round(plain, 2),
            ratio=round(ours / plain, 3),
            **made,
        )
        print(f'{name}: {ours / plain:.2f}', flush=True)
    facts = {name: facts[name] for name in (*ROWS, *WHOLE) if name in facts}
    path.write_text(json.dumps(facts, indent=1) + '\n')
    (args.out / 'speed.md').write_text(page(facts))
    return facts


if __name__ == '__main__':
    main()
