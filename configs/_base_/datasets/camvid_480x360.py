# CamVid, 11 classes: images and labels at their own 480x360, for GPUs.
# Splits of `splits/<fraction>/seed<k>` (367 training images in all); the field
# reports mIoU on the 233 test images, of the last checkpoint.
data_root = 'data/camvid'
split = f'{data_root}/splits/1_16/seed0'
crop_size = (288, 352)  # height, width

load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
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
            [
                dict(type='Resize', scale_factor=factor, keep_ratio=True)
                for factor in (0.75, 1.0, 1.25)
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
    batch_size=8,
    num_workers=4,
    persistent_workers=False,
    sampler=dict(type='BatchShardSampler', batch_size=8),
    dataset=dict(
        type='UnlabeledDataset',
        dataset=dict(unlabeled, pipeline=label_pipeline),
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
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
