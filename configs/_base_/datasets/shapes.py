# The procedural set: 384 training images of 64x64, 12 of them labeled, and
# 96 for validation. Drawn below data_root on first use.
data_root = 'data/shapes'
split = 'splits/1_32/seed0'
crop_size = (64, 64)

branches = ['sup', 'pseudo']
pack = [dict(type='PackSemiInputs')]
load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
augment = [
    dict(type='RandomScale', ratio_range=(0.75, 1.5)),
    dict(type='PadSegFields', size=crop_size),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='PhotoMetricDistortion',
        brightness_delta=16,
        contrast_range=(0.8, 1.2),
        saturation_range=(0.8, 1.2),
        hue_delta=4,
    ),
]
train_pipeline = load + augment + pack
sup_pipeline = (
    load
    + augment
    + [dict(type='MultiBranch', branch_field=branches, sup=pack)]
)
pseudo_pipeline = (
    [dict(type='LoadImageFromFile'), dict(type='LoadPseudoLabel')]
    + augment
    + [dict(type='MultiBranch', branch_field=branches, pseudo=pack)]
)
label_pipeline = [dict(type='LoadImageFromFile')] + pack
test_pipeline = load + pack
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='Resize', scale_factor=f) for f in (1.0, 1.5)],
            [dict(type='RandomFlip', prob=p) for p in (0.0, 1.0)],
            [dict(type='LoadAnnotations')],
            pack,
        ],
    ),
]

labeled = dict(
    type='ShapesDataset',
    data_root=data_root,
    ann_file=f'{split}/labeled.txt',
    data_prefix=dict(
        img_path='images/train', seg_map_path='annotations/train'
    ),
)
unlabeled = dict(labeled, ann_file=f'{split}/unlabeled.txt')

# One worker: with the training process it fills two cores.
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(labeled, pipeline=train_pipeline),
)
semi_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='SourceRatioSampler', samples_per_source=(8, 8)),
    dataset=dict(
        type='SemiDataset',
        labeled=dict(labeled, pipeline=sup_pipeline),
        unlabeled=dict(
            type='PseudoLabelDataset',
            dataset=dict(unlabeled, pipeline=pseudo_pipeline),
        ),
    ),
)
label_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type='BatchShardSampler', batch_size=32),
    dataset=dict(
        type='UnlabeledDataset',
        dataset=dict(unlabeled, pipeline=label_pipeline),
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ShapesDataset',
        data_root=data_root,
        data_prefix=dict(
            img_path='images/val', seg_map_path='annotations/val'
        ),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
tta_model = dict(type='SegTTAModel')
