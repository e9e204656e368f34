# CamVid, 11 classes: images and labels at 240x180, for CPUs.
# Splits of `splits/<fraction>/seed<k>` (367 training images in all); the field
# reports mIoU on the 233 test images, of the last checkpoint.
data_root = 'data/camvid'
split = f'{data_root}/splits/1_16/seed0'
scale = (240, 180)  # width, height
crop_size = (144, 176)  # height, width

load = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', scale=scale),
]
augment = [
    dict(type='RandomCrop', crop_size=crop_size),
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
# Pseudo-labels are stored at the size of the labeling pass.
pseudo_pipeline = (
    [
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale=scale),
        dict(type='LoadPseudoLabel'),
    ]
    + augment
    + [dict(type='MultiBranch', branch_field=branches, pseudo=pack)]
)
label_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=scale),
] + pack
# Labels are resized too: the metric compares at 240x180.
test_pipeline = load + [dict(type='SetOriShape')] + pack
tta_pipeline = load + [
    dict(type='SetOriShape'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='RandomFlip', prob=0.0, direction='horizontal'),
                dict(type='RandomFlip', prob=1.0, direction='horizontal'),
            ],
            pack,
        ],
    ),
]

labeled = dict(
    type='CamVidDataset',
    ann_file=f'{split}/labeled.txt',
    data_prefix=dict(
        img_path=f'{data_root}/images/train',
        seg_map_path=f'{data_root}/annotations/train',
    ),
)
unlabeled = dict(labeled, ann_file=f'{split}/unlabeled.txt')

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(labeled, pipeline=train_pipeline),
)
semi_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
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
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='BatchShardSampler', batch_size=8),
    dataset=dict(
        type='UnlabeledDataset',
        dataset=dict(unlabeled, pipeline=label_pipeline),
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CamVidDataset',
        data_prefix=dict(
            img_path=f'{data_root}/images/test',
            seg_map_path=f'{data_root}/annotations/test',
        ),
        pipeline=test_pipeline,
    ),
)  # all images of the folder
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
tta_model = dict(type='SegTTAModel')
