"""A data set of a few small images and a config that trains on it at once."""

import copy
from pathlib import Path

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmsemi.engine.runner import build_runner
from mmsemi.registry import HOOKS

CLASSES = ('ground', 'disc', 'bar')
COLORS = np.array([[60, 60, 60], [40, 40, 220], [220, 160, 40]])
SIZE = (32, 48)  # height, width


def make_tiny_set(
    root: Path, labeled: int = 6, unlabeled: int = 9, val: int = 3
) -> Path:
    """Write images, masks and lists below ``root`` and return it."""
    rng = np.random.default_rng(0)
    for folder in ('images', 'masks'):
        (root / folder).mkdir(parents=True)
    stems = [f'{k:02d}' for k in range(labeled + unlabeled + val)]
    for stem in stems:
        mask = np.zeros(SIZE, np.uint8)
        center = tuple(int(v) for v in rng.integers(8, 24, 2))
        cv2.circle(mask, center, 7, 1, -1)
        left = int(rng.integers(28, 40))
        mask[:, left : left + 6] = 2
        image = COLORS[mask] + rng.normal(0, 12, (*SIZE, 3))
        mask[0] = 255
        cv2.imwrite(str(root / f'images/{stem}.png'), image.clip(0, 255))
        cv2.imwrite(str(root / f'masks/{stem}.png'), mask)
    parts = dict(
        labeled=stems[:labeled],
        unlabeled=stems[labeled : labeled + unlabeled],
        val=stems[labeled + unlabeled :],
    )
    for name, part in parts.items():
        (root / f'{name}.txt').write_text('\n'.join(part) + '\n')
    return root


def tiny_model(**objective) -> dict:
    """A self-training segmentor of a few thousand parameters."""
    norm_cfg = dict(type='BN', requires_grad=True)
    student = dict(
        type='EncoderDecoder',
        data_preprocessor=dict(
            type='SegDataPreProcessor',
            mean=[128.0] * 3,
            std=[64.0] * 3,
            size=SIZE,
            pad_val=0,
            seg_pad_val=255,
        ),
        backbone=dict(
            type='ResNetV1c',
            depth=18,
            num_stages=2,
            out_indices=(1,),
            strides=(1, 2),
            dilations=(1, 1),
            base_channels=8,
            stem_channels=8,
            norm_cfg=norm_cfg,
        ),
        decode_head=dict(
            type='FCNHead',
            in_channels=16,
            channels=8,
            num_convs=1,
            num_classes=len(CLASSES),
            norm_cfg=norm_cfg,
            dropout_ratio=0,
            align_corners=False,
            loss_decode=dict(type='ClassBalancedCrossEntropyLoss'),
        ),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    )
    objective = dict(
        dict(type='DynamicSelfTrainingLoss', gamma=2), **objective
    )
    return dict(
        type='SelfTrainingSegmentor', student=student, objective=objective
    )


def loader(batch_size: int, sampler: dict, data: dict) -> dict:
    return dict(
        batch_size=batch_size,
        num_workers=0,
        persistent_workers=False,
        sampler=sampler,
        dataset=data,
    )


def tiny_config(root: Path, work_dir: Path, **changes) -> Config:
    """Two rounds of four iterations after a round 0 of four.

    There is no augmentation, so a run is the same whatever the state of the
    random generators: an interrupted and resumed run must end with exactly
    the weights of one that was not.
    """
    load = [dict(type='LoadImageFromFile')]
    pack = [dict(type='PackSemiInputs')]

    def dataset(name, pipeline):
        return dict(
            type='BaseSegDataset',
            metainfo=dict(classes=CLASSES, palette=COLORS.tolist()),
            ann_file=str(root / f'{name}.txt'),
            img_suffix='.png',
            data_prefix=dict(
                img_path=str(root / 'images'), seg_map_path=str(root / 'masks')
            ),
            pipeline=pipeline,
        )

    labels = [dict(type='LoadAnnotations')]
    cfg = Config(
        dict(
            default_scope='mmsemi',
            work_dir=str(work_dir),
            experiment_name=f'tiny_{abs(hash(str(work_dir)))}',
            randomness=dict(seed=3),
            env_cfg=dict(dist_cfg=dict(backend='gloo')),
            log_processor=dict(by_epoch=False),
            log_level='ERROR',
            default_hooks=dict(
                checkpoint=dict(type='SafeCheckpointHook', interval=1)
            ),
            model=tiny_model(),
            optim_wrapper=dict(
                type='OptimWrapper',
                optimizer=dict(type='SGD', lr=0.1, momentum=0.9),
            ),
            param_scheduler=[
                dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=False)
            ],
            train_cfg=dict(
                type='SelfTrainingLoop',
                supervised_iters=4,
                portions=(0.5, 1.0),
                iters_per_round=4,
                val_interval=2,
            ),
            train_dataloader=loader(
                4,
                dict(type='InfiniteSampler', shuffle=True),
                dataset(
                    'labeled',
                    load + labels + [dict(type='MultiBranch', sup=pack)],
                ),
            ),
            semi_dataloader=loader(
                4,
                dict(type='SourceRatioSampler', samples_per_source=(2, 2)),
                dict(
                    type='SemiDataset',
                    labeled=dataset(
                        'labeled',
                        load + labels + [dict(type='MultiBranch', sup=pack)],
                    ),
                    unlabeled=dict(
                        type='PseudoLabelDataset',
                        dataset=dataset(
                            'unlabeled',
                            load
                            + [
                                dict(type='LoadPseudoLabel'),
                                dict(type='MultiBranch', pseudo=pack),
                            ],
                        ),
                    ),
                ),
            ),
            label_dataloader=loader(
                2,
                dict(type='BatchShardSampler', batch_size=2),
                dict(
                    type='UnlabeledDataset',
                    dataset=dataset('unlabeled', load + pack),
                ),
            ),
            val_dataloader=loader(
                1,
                dict(type='DefaultSampler', shuffle=False),
                dataset('val', load + labels + pack),
            ),
            val_cfg=dict(type='ValLoop'),
            val_evaluator=dict(type='IoUMetric', iou_metrics=['mIoU']),
            custom_hooks=[
                dict(type='RecordHook'),
                dict(
                    type='PseudoLabelHook',
                    labeler=dict(type='ClassBalancedPseudoLabeler'),
                ),
            ],
        )
    )
    cfg.merge_from_dict(copy.deepcopy(changes))
    return cfg


@HOOKS.register_module(force=True)
class RecordHook(Hook):
    """Write down what every iteration trained on, and at which rate."""

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        samples = data_batch['data_samples']
        branches = samples.values() if isinstance(samples, dict) else [samples]
        paths = [
            Path(sample.img_path).stem
            for branch in branches
            for sample in branch
            if sample is not None
        ]
        rate = runner.optim_wrapper.get_lr()['lr'][0]
        with open(Path(runner.work_dir) / 'record.txt', 'a') as file:
            print(
                batch_idx,
                runner.train_loop.round,
                f'{rate:.6f}',
                *paths,
                file=file,
            )


def train(cfg: Config, resume: bool = False) -> Runner:
    """Train a copy of the config and return its runner."""
    cfg = copy.deepcopy(cfg)
    cfg.resume = resume
    runner = build_runner(cfg)
    runner.train()
    return runner


def record(cfg: Config) -> dict:
    """``{iteration: what it trained on}``, as last written."""
    lines = (Path(cfg.work_dir) / 'record.txt').read_text().splitlines()
    return {int(line.split()[0]): line for line in lines}


class Killed(BaseException):
    """Stands for SIGKILL: nothing below catches it."""


@HOOKS.register_module(force=True)
class KillHook(Hook):
    """Die before the given iteration."""

    priority = 'HIGHEST'

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        if batch_idx == self.iteration:
            raise Killed
