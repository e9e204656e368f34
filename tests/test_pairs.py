"""Parts of one method in the step of another, by config alone.

One step each, from image files to moved weights.
"""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope

from mmsemi.engine.build import resolve
from mmsemi.models.losses import ClassBalancedCrossEntropyLoss
from mmsemi.registry import DATASETS, MODELS
from tests.tiny import CLASSES, COLORS, make_tiny_set, tiny_model

CROP = (24, 32)
WEIGHTS = dict(
    type='ClassBalancedCrossEntropyLoss', class_weight=[1.0, 3.0, 2.0]
)
CPS_CUTMIX = dict(type='CutMix', box='cutmix_seg', prob=1.0)
# Strong views, and what the model has besides a student.
EVERY = dict(type='ConfidencePseudoLabeler', threshold=0.0)
METHODS = dict(
    mean_teacher=(
        1,
        dict(
            type='MeanTeacher',
            pseudo_labeler=EVERY,
            unsup_loss=dict(type='PseudoLabelCrossEntropyLoss'),
        ),
    ),
    unimatch=(2, dict(type='UniMatch', pseudo_labeler=EVERY)),
    unimatch_v2=(2, dict(type='UniMatchV2', pseudo_labeler=EVERY)),
    cps=(0, dict(type='CPS')),
    cps_cutmix=(0, dict(type='CPS', mixing=CPS_CUTMIX)),
    augseg=(1, dict(type='AugSeg', pseudo_labeler=EVERY)),
    corrmatch=(
        1,
        dict(
            type='CorrMatch',
            pseudo_labeler=dict(
                type='DynamicThresholdPseudoLabeler', start=0.0, momentum=0.0
            ),
        ),
    ),
)
LABELERS = dict(
    class_balanced=dict(
        type='OnlineClassBalancedPseudoLabeler',
        labeler=dict(type='ClassBalancedPseudoLabeler'),
        num_classes=3,
    ),
    cbst=dict(
        type='OnlineClassBalancedPseudoLabeler',
        labeler=dict(type='CBSTPseudoLabeler'),
        num_classes=3,
    ),
    u2pl=dict(type='EntropyPercentilePseudoLabeler'),
    of_each_class=dict(
        type='ConfidencePseudoLabeler', threshold=[0.2, 0.1, 0.3]
    ),
)
MIXINGS = dict(
    ael=dict(type='AdaptiveCutMix', num_classes=3),
    class_mix=dict(type='ClassMix', prob=1.0),
    cut_out=dict(type='CutOut', prob=1.0),
    second_stream=dict(CPS_CUTMIX, partner='same'),
)
WEIGHTED = dict(type='PseudoLabelCrossEntropyLoss', criterion=WEIGHTS)
# CorrMatch has labels of its own kind, AugSeg a mixing of its own kind.
PAIRS = [
    *(
        (name, 'pseudo_labeler', LABELERS['class_balanced'])
        for name in METHODS
    ),
    *((name, 'pseudo_labeler', LABELERS['u2pl']) for name in METHODS),
    *(('unimatch', 'pseudo_labeler', part) for part in LABELERS.values()),
    *((name, 'mixing', MIXINGS['ael']) for name in METHODS),
    *(('unimatch', 'mixing', part) for part in MIXINGS.values()),
    ('corrmatch', 'mixing', MIXINGS['second_stream']),
    *((name, 'unsup_loss', WEIGHTED) for name in METHODS),
]
ONES_OWN = dict(corrmatch='pseudo_labeler', augseg='mixing')
PAIRS = [
    pair
    for k, pair in enumerate(PAIRS)
    if ONES_OWN.get(pair[0]) != pair[1] and pair not in PAIRS[:k]
]


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('set'))


def resolved(root, method, part, **data) -> Config:
    """A config as a person writes it, with the loaders it means."""
    init_default_scope('mmsemi')
    views, model = METHODS[method]
    student = tiny_model()['student']
    student['data_preprocessor']['size'] = CROP
    student['decode_head']['loss_decode'] = copy.deepcopy(WEIGHTS)
    return resolve(
        Config(
            dict(
                regime='online',
                model=dict(copy.deepcopy(model), student=student, **part),
                data=dict(
                    labeled=dict(
                        type='BaseSegDataset',
                        metainfo=dict(
                            classes=CLASSES, palette=COLORS.tolist()
                        ),
                        img_suffix='.png',
                        data_prefix=dict(
                            img_path=str(root / 'images'),
                            seg_map_path=str(root / 'masks'),
                        ),
                    ),
                    val=dict(ann_file=str(root / 'val.txt')),
                    splits=dict(
                        tiny=dict(
                            lists=(
                                str(root / 'labeled.txt'),
                                str(root / 'unlabeled.txt'),
                            )
                        )
                    ),
                    split='tiny',
                    crop_size=CROP,
                    augment=[dict(type='RandomCrop')],
                    # Rare classes are looked for in labeled images.
                    sup_augment=[
                        dict(type='RareClassCrop', prob=1.0, classes=(1,))
                    ],
                    strong=[dict(type='ColorJitter')],
                    views=views,
                    batch=dict(labeled=2, unlabeled=2),
                    num_workers=0,
                    **data,
                ),
            )
        )
    )


@pytest.mark.parametrize('method, kind, part', PAIRS)
def test_one_step(root, method, kind, part) -> None:
    second = part.get('partner') == 'same'
    data = dict(second_stream=True) if second else {}
    cfg = resolved(root, method, {kind: part}, **data)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    model.teacher_follows = True
    model.set_progress(3, 10)
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    before = [p.detach().clone() for p in model.parameters()]
    first = len(dataset.labeled)
    batch = pseudo_collate([dataset[i] for i in (0, 1, first, first + 1)])
    if second:  # of the same photographs, other crops
        own, other = (
            batch['data_samples'][f'{name}_teacher'][2]
            for name in ('unsup', 'partner')
        )
        assert own.img_path == other.img_path
    for sample in batch['data_samples']['sup'][:2]:
        assert (sample.gt_sem_seg.data == 1).any()
    logs = model.train_step(batch, optim)
    assert all(v.isfinite() for v in logs.values())
    assert logs['loss_unsup'] > 0
    moved = [not torch.equal(a, b) for a, b in zip(before, model.parameters())]
    assert sum(moved) > 0.9 * len(moved)
    balanced = [
        loss.class_weight
        for loss in model.modules()
        if isinstance(loss, ClassBalancedCrossEntropyLoss)
        and loss.class_weight is not None
    ]
    assert len(balanced) >= (2 if kind == 'unsup_loss' else 1)
