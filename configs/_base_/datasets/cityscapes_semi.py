# Cityscapes, 19 classes, trained and evaluated at full resolution. Crop and
# range of scales are our choice: the papers of this family use half resolution
# (cityscapes_half_semi.py).
data_root = 'data/cityscapes'
split = 'data/splits/cityscapes/dst_cbc/30_0'
crop_size = (512, 1024)

load = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='LoadAnnotations'),
]
augment = [
    dict(type='RandomScale', ratio_range=(0.5, 2.0)),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='PadSegFields', size=crop_size),
    dict(type='RandomFlip', prob=0.5),
]
pack = [dict(type='PackSemiInputs')]
branches = ['sup', 'pseudo']
train_pipeline = load + augment + pack
sup_pipeline = (
    load
    + augment
    + [dict(type='MultiBranch', branch_field=branches, sup=pack)]
)
pseudo_pipeline = (
    [
        dict(type='LoadImageFromFile', to_float32=True),
        dict(type='LoadPseudoLabel'),
    ]
    + augment
    + [dict(type='MultiBranch', branch_field=branches, pseudo=pack)]
)
label_pipeline = [dict(type='LoadImageFromFile', to_float32=True)] + pack
test_pipeline = load + pack
img_ratios = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]
tta_pipeline = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='Resize', scale_factor=ratio, keep_ratio=True)
                for ratio in img_ratios
            ],
            [
                dict(type='RandomFlip', prob=0.0, direction='horizontal'),
                dict(type='RandomFlip', prob=1.0, direction='horizontal'),
            ],
            [dict(type='LoadAnnotations')],
            pack,
        ],
    ),
]

labeled = dict(
    type='CityscapesDataset',
    ann_file=f'{split}/labeled.txt',
    data_prefix=dict(
        img_path=f'{data_root}/leftImg8bit/train',
        seg_map_path=f'{data_root}/gtFine/train',
    ),
)
unlabeled = dict(labeled, ann_file=f'{split}/unlabeled.txt')
val = dict(
    type='CityscapesDataset',  # all 500 images of the folder
    data_prefix=dict(
        img_path=f'{data_root}/leftImg8bit/val',
        seg_map_path=f'{data_root}/gtFine/val',
    ),
    pipeline=test_pipeline,
)

train_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(labeled, pipeline=train_pipeline),
)
semi_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='SourceRatioSampler', samples_per_source=(4, 4)),
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
    batch_size=2,
    num_workers=4,
    persistent_workers=False,
    sampler=dict(type='BatchShardSampler', batch_size=2),
    dataset=dict(
        type='UnlabeledDataset',
        dataset=dict(unlabeled, pipeline=label_pipeline),
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=val,
)
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
tta_model = dict(type='SegTTAModel')
