"""Config files that state their data as facts, on a few small images."""

import pprint
from pathlib import Path

from tests.tiny import CLASSES, COLORS, make_tiny_set, tiny_model

CRITERION = dict(
    type='ClassBalancedCrossEntropyLoss',
    mode='sqrt_inverse',
    class_frequency='labeled',
)


def write_configs(folder: Path) -> Path:
    """A set of images, and configs of three methods; returns the folder."""
    root = make_tiny_set(folder / 'data')
    lists = folder / 'splits/tiny'
    lists.mkdir(parents=True)
    for name in ('labeled', 'unlabeled'):
        text = (root / f'{name}.txt').read_text()
        (lists / f'{name}.txt').write_text(text)
    for method in (mean_teacher, rounds, plain):
        text = ''.join(
            f'{key} = {pprint.pformat(value)}\n'
            for key, value in {**base(root, folder), **method()}.items()
        )
        path = folder / method.__name__ / 'tiny.py'
        path.parent.mkdir()
        path.write_text(text)
    return folder


def base(root: Path, folder: Path) -> dict:
    """What all configs share."""
    return dict(
        default_scope='mmsemi',
        randomness=dict(seed=0),
        env_cfg=dict(dist_cfg=dict(backend='gloo')),
        log_processor=dict(by_epoch=False),
        log_level='ERROR',
        default_hooks=dict(
            checkpoint=dict(type='SafeCheckpointHook', interval=4),
            summary=dict(type='RunSummaryHook'),
        ),
        data=dict(
            labeled=dict(
                type='BaseSegDataset',
                metainfo=dict(classes=CLASSES, palette=COLORS.tolist()),
                img_suffix='.png',
                data_prefix=dict(
                    img_path=str(root / 'images'),
                    seg_map_path=str(root / 'masks'),
                ),
            ),
            val=dict(ann_file=str(root / 'val.txt')),
            lists=str(folder / 'splits/{split}'),
            split='tiny',
            splits=dict(tiny=dict(labeled=6, unlabeled=9)),
            augment=[dict(type='RandomFlip', prob=0.5)],
            batch=dict(alone=4, labeled=2, unlabeled=4, label=2, rounds=4),
            num_workers=0,
        ),
        optim_wrapper=dict(
            type='OptimWrapper',
            optimizer=dict(type='SGD', lr=0.1, momentum=0.9),
        ),
        param_scheduler=[
            dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=False)
        ],
        val_cfg=dict(type='ValLoop'),
        test_cfg=dict(type='TestLoop'),
    )


def student() -> dict:
    network = tiny_model()['student']
    network['decode_head']['loss_decode'] = CRITERION
    return network


def mean_teacher() -> dict:
    return dict(
        regime='online',
        model=dict(
            type='MeanTeacher',
            student=student(),
            pseudo_labeler=dict(
                type='ConfidencePseudoLabeler', threshold=0.35
            ),
            unsup_loss=dict(type='PseudoLabelCrossEntropyLoss'),
            semi_train_cfg=dict(warmup_iters=2),
            semi_test_cfg=dict(predict_on='teacher'),
        ),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=8, val_interval=4),
        hooks=dict(
            class_frequency=dict(type='ClassFrequencyHook'),
            teacher=dict(type='MeanTeacherHook', momentum=0.1),
        ),
    )


def rounds() -> dict:
    model = dict(tiny_model(criterion=CRITERION))
    return dict(
        regime='rounds',
        model=model,
        train_cfg=dict(
            type='SelfTrainingLoop',
            supervised_iters=4,
            portions=(0.5, 1.0),
            iters_per_round=2,
        ),
        hooks=dict(
            class_frequency=dict(type='ClassFrequencyHook'),
            labeling=dict(
                type='PseudoLabelHook',
                labeler=dict(type='ClassBalancedPseudoLabeler'),
            ),
        ),
    )


def plain() -> dict:
    return dict(
        regime='supervised',
        model=student(),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=8, val_interval=8),
        hooks=dict(class_frequency=dict(type='ClassFrequencyHook')),
    )
