"""The methods compared with each other, around a tiny student."""

import torch

from mmsemi.models.segmentors import (
    CPS,
    AugSeg,
    CorrMatch,
    UniMatch,
    UniMatchV2,
)
from tests.models.segmentors.test_mean_teacher import data_of
from tests.models.tiny import tiny_student

BRANCHES = {
    UniMatch: dict(sup=2, unsup_teacher=3, unsup_student=3, unsup_student_2=3),
    UniMatchV2: dict(
        sup=2, unsup_teacher=3, unsup_student=3, unsup_student_2=3
    ),
    CPS: dict(sup=2, unsup_teacher=3),
    AugSeg: dict(sup=2, unsup_teacher=3, unsup_student=3),
    CorrMatch: dict(sup=2, unsup_teacher=3, unsup_student=3),
}
CPS_CUTMIX = dict(
    type='CutMix',
    box='cutmix_seg',
    box_cfg=dict(count=3, share=(0.25, 0.5)),
    prob=1.0,
)


def build(cls, threshold=0.0, num_classes=4, auxiliary=False, **changes):
    """A method as published, but for the threshold."""
    torch.manual_seed(0)
    student = tiny_student(num_classes, auxiliary)
    for head in ('decode_head', 'auxiliary_head'):
        if head in student:
            student[head]['loss_decode']['avg_non_ignore'] = True
    labeler = dict(type='ConfidencePseudoLabeler', threshold=threshold)
    if cls is CorrMatch:
        labeler = dict(type='DynamicThresholdPseudoLabeler', start=threshold)
    changes = dict(dict(pseudo_labeler=labeler), **changes)
    model = cls(student, **changes).train()
    # Distinct outputs for distinct inputs: the heads start near zero.
    for name in model.sub_models:
        head = getattr(model, name).decode_head
        torch.nn.init.normal_(head.conv_seg.weight, std=9.0)
    if 'teacher' in model.sub_models:
        model.sync_copy('teacher')
        model.teacher_follows = True
    return model


def unimatch(cls=UniMatch, threshold=0.0, **changes):
    """UniMatch V1."""
    return build(cls, threshold, **changes)


def unimatch_v2(cls=UniMatchV2, threshold=0.0, **changes):
    """UniMatch V2."""
    return build(cls, threshold, **changes)


def corrmatch(cls=CorrMatch, threshold=0.0, **changes):
    """CorrMatch."""
    return build(cls, threshold, **changes)


def cps(cls=CPS, weight=1.5, **changes):
    """CPS with the weight of the VOC experiments."""
    return build(cls, semi_train_cfg=dict(unsup_weight=weight), **changes)


def losses_of(model, branches=None, **kwargs):
    """Losses of a random batch."""
    branches = branches or BRANCHES[type(model)]
    data = model.data_preprocessor(data_of(branches, **kwargs), True)
    return model(**data, mode='loss')


def total(losses):
    """What is trained on."""
    return sum(v for k, v in losses.items() if 'loss' in k)
