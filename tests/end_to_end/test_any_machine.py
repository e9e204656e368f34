"""A step gives the same weights however a machine shares it out.

One process, two, one that takes each step in two parts, and two that do:
after five steps on the same images, normalization frozen and nothing drawn
at random, the weights are equal. Averages are those of a part, as published
for a device, so every part has equally many pixels that count. U2PL's
contrast compares means over a part, and so it is given the same images in
every part.
"""

import copy
from unittest.mock import patch

import pytest
import torch
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope

from mmsemi.engine.accumulation import part_of, step_in_parts
from mmsemi.engine.hooks.mean_teacher_hook import move_teacher
from mmsemi.engine.machine import divide, whole_counts
from mmsemi.models.losses import ClassConfidenceBank, unreliable_contrast_loss
from mmsemi.models.losses.class_prototypes import ClassPrototypes
from mmsemi.registry import MODELS
from tests.models.segmentors import test_zero_label
from tests.models.tiny import batch, tiny_student
from tests.processes import in_two

STEPS, IMAGES = 5, 4
CAPACITY = 20_000  # of the memory bank; more rows than a class gets
MACHINES = [(1, 2), (2, 1), (2, 2)]  # besides one process without parts
ONLINE = dict(sup=IMAGES, unsup_teacher=IMAGES, unsup_student=IMAGES)


U2PL = dict(
    type='U2PL',
    pseudo_labeler=dict(
        type='EntropyPercentilePseudoLabeler', per_device=IMAGES
    ),
    unsup_loss=dict(type='EntropyFilteredCrossEntropyLoss', per_device=IMAGES),
)


def network(model) -> dict:
    """A small one at full resolution, whose pixels all differ."""
    model['backbone'] = dict(
        type='UNet',
        base_channels=8,
        num_stages=2,
        strides=(1, 1),
        enc_num_convs=(1, 1),
        dec_num_convs=(1,),
        downsamples=(True,),
        enc_dilations=(1, 1),
        dec_dilations=(1,),
        norm_cfg=dict(type='BN', requires_grad=True),
    )
    head = model['decode_head']
    head.get('head', head).update(in_channels=8, in_index=1)
    return model


def with_features(model) -> dict:
    """The same network with a head that has a representation."""
    model['decode_head'] = dict(
        type='LateralSumRepresentationHead',
        in_channels=[8, 16],
        in_index=[1, 0],
        channels=8,
        num_classes=4,
        align_corners=False,
        representation_head=dict(
            channels=8, out_channels=6, num_convs=1, dropout_ratio=0
        ),
        loss_decode=dict(type='CrossEntropyLoss'),
    )
    return model


METHODS = dict(
    mean_teacher=dict(
        type='MeanTeacher',
        student=network(tiny_student()),
        pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.26),
        unsup_loss=dict(type='PseudoLabelCrossEntropyLoss'),
    ),
    u2pl=dict(U2PL, student=network(tiny_student())),
    u2pl_contrast=dict(
        U2PL,
        student=with_features(network(tiny_student())),
        contrast=dict(
            num_anchors=12,
            num_negatives=4,
            capacity=CAPACITY,
            prototype_momentum=0.9,
            loss_weight=1.0,
        ),
    ),
    ael=dict(
        type='AEL',
        student=network(tiny_student()),
        pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.0),
        unsup_loss=dict(
            per_device=IMAGES, sample=False, bank=dict(momentum=0.1)
        ),
        semi_train_cfg=dict(teacher_mode='train'),
    ),
    dst_cbc=dict(
        type='SelfTrainingSegmentor',
        student=network(tiny_student()),
        objective=dict(type='DynamicSelfTrainingLoss', gamma=1),
    ),
    strict=dict(
        type='ZeroLabelSegmentor',
        student=network(test_zero_label.student()),
        semi_train_cfg=dict(background=0),
    ),
)


class FrozenNorm(torch.nn.BatchNorm2d):
    """Its statistics stay, whatever mode it is put into."""

    def forward(self, x):
        return torch.nn.functional.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias
        )


def build(name, processes, parts):
    """The model of a process, as commands make it of a config."""
    init_default_scope('mmsemi')
    torch.set_num_threads(1)
    torch.manual_seed(0)
    cfg = Config(dict(model=copy.deepcopy(METHODS[name])))
    whole_counts(cfg)
    divide(cfg, processes, parts)
    model = MODELS.build(cfg.model)
    head = getattr(model.student.decode_head, 'head', None)
    head = head or model.student.decode_head
    torch.nn.init.normal_(head.conv_seg.weight, std=1.0)
    smoothen(model)
    test_zero_label.settle(model)
    model.mixing = None  # boxes are drawn at random
    if hasattr(model, 'refresh_generator'):
        model.refresh_generator()
    if hasattr(model, 'teacher'):
        model.sync_copy('teacher')
        model.teacher_follows = True
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.__class__ = FrozenNorm
    return model.train()


def smoothen(model) -> None:
    """Neither kinks nor maxima, where rounding would decide the gradient."""
    for module in model.modules():
        if isinstance(module, torch.nn.ReLU):
            module.__class__ = torch.nn.SiLU
        elif isinstance(module, torch.nn.MaxPool2d):
            module.__class__ = torch.nn.AvgPool2d
            module.count_include_pad = True
            module.divisor_override = None


def images_of(name, step) -> dict:
    """The images of a whole step, in the order of the sampler."""
    if name == 'strict':
        data = [test_zero_label.data(seed=10 * step + k) for k in (0, 1)]
        return {
            key: dict(sup=data[0][key]['sup'] + data[1][key]['sup'])
            for key in data[0]
        }
    branches = ONLINE if name != 'dst_cbc' else dict(sup=IMAGES, pseudo=IMAGES)
    data = batch(branches, seed=step)
    for branch in set(branches) & {'unsup_teacher', 'unsup_student'}:
        for sample in data['data_samples'][branch]:
            sample.gt_sem_seg.data[:, :24] = 0
            sample.gt_sem_seg.data[:, 24:] = 255
    if name == 'u2pl_contrast':
        for branches in data.values():
            for branch, items in branches.items():
                branches[branch] = items[:1] * IMAGES
    return data


def first_three(shape, counts):
    """In place of random draws: the first, second and third in turn.

    What is drawn from is sorted by images, and so these are the same however
    many more images there are.
    """
    assert (counts >= 3).all()
    return (torch.arange(shape[1]) % 3).expand(shape)


@patch.object(unreliable_contrast_loss, 'draw', first_three)
def train(name, rank=0, processes=1, parts=1) -> dict:
    """State after the last step, rows of the bank in the order of numbers."""
    model = inner = build(name, processes, parts)
    if processes > 1:
        model = MMDistributedDataParallel(
            inner, device_ids=None, broadcast_buffers=False
        )
    if parts > 1:
        step_in_parts(model, parts)
    optim = OptimWrapper(
        torch.optim.SGD(inner.parameters(), lr=0.002, momentum=0.9)
    )
    for step in range(STEPS):
        if hasattr(inner, 'set_progress'):
            inner.set_progress(step, 2 * STEPS)
        data = part_of(images_of(name, step), rank, processes)
        model.train_step(data, optim)
        if hasattr(inner, 'teacher'):
            move_teacher(inner.teacher, inner.student, 0.1)
    state = {k: v.detach().clone() for k, v in inner.state_dict().items()}
    if 'contrast.bank.rows' in state:
        assert (inner.contrast.bank.counts < CAPACITY).all()
        assert inner.contrast.prototypes.steps == STEPS
        for key in ('contrast.bank.rows', 'contrast.bank.scales'):
            rows = state[key].view(4, CAPACITY, -1).sort(1)[0]
            state[key] = rows.view_as(state[key])
    return state


def worker(rank: int, folder: str) -> None:
    states = {
        (name, parts): train(name, rank, 2, parts)
        for name in METHODS
        for parts in (1, 2)
    }
    torch.save(states, f'{folder}/{rank}.pth')


@pytest.fixture(scope='module')
def states(tmp_path_factory):
    """``{(name, processes, parts): the state on each process}``."""
    folder = tmp_path_factory.mktemp('machines')
    in_two(worker, folder)
    ranks = [torch.load(folder / f'{rank}.pth') for rank in (0, 1)]
    found = {
        (name, 2, parts): [rank[name, parts] for rank in ranks]
        for name, parts in ranks[0]
    }
    for name in METHODS:
        found[name, 1, 2] = [train(name, parts=2)]
    return found


@pytest.mark.parametrize('name', METHODS)
def test_weights_are_equal_on_any_machine(states, name) -> None:
    begun = build(name, 1, 1).state_dict()
    wanted = train(name)
    moved = [
        key
        for key in wanted
        if wanted[key].is_floating_point()
        and (wanted[key] - begun[key]).abs().max() > 1e-3
    ]
    assert len(moved) > 10 and any('decode_head' in key for key in moved)
    if name == 'u2pl_contrast':
        assert 'contrast.prototypes.means' in moved
    if name == 'ael':
        assert 'unsup_loss.bank.confidence' in moved
    for processes, parts in MACHINES:
        for state in states[name, processes, parts]:
            assert set(state) == set(wanted)
            for key, value in wanted.items():
                where = f'{processes} processes, {parts} parts, {key}'
                assert (state[key] - value).abs().max() <= 1e-5, where


def test_prototypes_move_once_in_a_step() -> None:
    """Towards the mean of all its parts, of which one may lack a class."""
    generator = torch.Generator().manual_seed(0)
    whole, other = (ClassPrototypes(3, 2, 0.9) for _ in range(2))
    several = torch.tensor(True)
    for step in range(3):
        sums = torch.randn(2, 3, 2, generator=generator)
        counts = torch.randint(1, 9, (2, 3), generator=generator)
        counts[1, 2], sums[1, 2] = 0, 0
        places = torch.arange(3)
        whole.update(sums.sum(0), counts.sum(0), places, several)
        for part, classes in enumerate([places, places[:2]]):
            before = other.means.clone()
            other.set_part(part, 2)
            own = sums[part][classes], counts[part][classes]
            found = other.update(*own, classes, several)
            keep = 1 - 1 / (step + 1)
            moved = keep * before[classes] + (1 - keep) * (
                own[0] / own[1][:, None]
            )
            torch.testing.assert_close(found, moved)
            assert torch.equal(before, other.means) == (part == 0)
    torch.testing.assert_close(other.means, whole.means)
    assert other.steps == whole.steps == 3


def test_averages_move_once_in_a_step() -> None:
    """Not once in a part, whose classes may be others."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 3, 8, 8, generator=generator)
    labels = torch.randint(0, 3, (4, 8, 8), generator=generator)
    labels[:2] = labels[:2].clamp(max=1)
    whole, other = ClassConfidenceBank(3, 0.1), ClassConfidenceBank(3, 0.1)
    whole.update(logits, labels)
    for part in (0, 1):
        other.set_part(part, 2)
        assert (other.confidence == 0.5).all()
        images = slice(2 * part, 2 * part + 2)
        other.update(logits[images], labels[images])
    assert torch.allclose(other.confidence, whole.confidence)
