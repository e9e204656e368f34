"""A config of zero-label segmentation on the set of ``tests/tiny.py``."""

import copy
from pathlib import Path

from mmengine.config import Config

from tests.tiny import CLASSES, COLORS, loader, tiny_model

# The bar has a name only.
NUM_SEEN = 2
METAINFO = dict(
    classes=list(CLASSES), palette=COLORS.tolist(), num_seen=NUM_SEEN
)
VECTORS = [[1.0, 0.0, 0.0, 0.0], [0.0, 0.6, 0.8, 0.0], [0.0, 0.0, 0.8, 0.6]]


def tiny_zero_label_model(kind: str = 'SPNet', **kwargs) -> dict:
    """SPNet or a zero-label segmentor of a few thousand parameters."""
    student = tiny_model()['student']
    head = student['decode_head']
    # The classifier brings its classes and its loss itself.
    del head['num_classes'], head['loss_decode']
    student['decode_head'] = dict(
        type='SemanticEmbeddingHead',
        embeddings=VECTORS,
        num_seen=NUM_SEEN,
        classes=list(CLASSES),
        head=head,
    )
    return dict(type=kind, student=student, **kwargs)


def tiny_zero_label_config(root: Path, work_dir: Path, **changes) -> Config:
    """STRICT in two rounds of two iterations behind a round 0 of two."""
    load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
    pack = [dict(type='PackSemiInputs')]

    def dataset(name, evaluate):
        names = dict(
            type='MapZeroLabels',
            file_classes=list(CLASSES),
            classes=list(CLASSES),
            num_seen=NUM_SEEN,
            evaluate=evaluate,
        )
        return dict(
            type='BaseSegDataset',
            metainfo=copy.deepcopy(METAINFO),
            ann_file=str(root / f'{name}.txt'),
            img_suffix='.png',
            data_prefix=dict(
                img_path=str(root / 'images'), seg_map_path=str(root / 'masks')
            ),
            pipeline=load + [names] + pack,
        )

    train = loader(
        2,
        dict(type='InfiniteSampler', shuffle=True),
        dataset('labeled', False),
    )
    val = loader(
        1, dict(type='DefaultSampler', shuffle=False), dataset('val', True)
    )
    metric = dict(type='GeneralizedZeroLabelMetric', prefix='native')
    cfg = Config(
        dict(
            default_scope='mmsemi',
            work_dir=str(work_dir),
            experiment_name=f'tiny_{abs(hash(str(work_dir)))}',
            env_cfg=dict(dist_cfg=dict(backend='gloo')),
            log_processor=dict(by_epoch=False),
            log_level='ERROR',
            randomness=dict(seed=3),
            model=tiny_zero_label_model('ZeroLabelSegmentor'),
            default_hooks=dict(
                checkpoint=dict(type='SafeCheckpointHook', interval=100)
            ),
            custom_hooks=[dict(type='GeneratorRefreshHook')],
            optim_wrapper=dict(
                type='OptimWrapper',
                optimizer=dict(type='SGD', lr=0.02, momentum=0.9),
            ),
            param_scheduler=[
                dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=False)
            ],
            train_cfg=dict(
                type='SelfTrainingLoop',
                supervised_iters=2,
                portions=(1.0, 1.0),
                iters_per_round=2,
            ),
            train_dataloader=train,
            semi_dataloader=copy.deepcopy(train),
            val_dataloader=val,
            val_cfg=dict(type='ValLoop'),
            val_evaluator=metric,
            test_dataloader=copy.deepcopy(val),
            test_cfg=dict(type='TestLoop'),
            test_evaluator=dict(metric),
        )
    )
    cfg.merge_from_dict(copy.deepcopy(changes))
    return cfg
