# VOC 2012 with SBD's images, 21 classes: labeled = VOC's own train (1464),
# unlabeled = the other images of trainaug (9118). Masks of both, and of val,
# in SegmentationClassAug. Augmentation of DMT (the fixed random scale);
# evaluation on whole images at their own size.
data_root = 'data/VOCdevkit/VOC2012'
lists = f'{data_root}/ImageSets/Segmentation'
crop_size = (321, 321)
test_size = (505, 505)  # no image of VOC is larger than 500

load = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='LoadAnnotations'),
]
augment = [
    dict(type='RandomScale', ratio_range=(0.5, 1.5)),
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
# The labeling pass pads to the test size and stores labels of the image.
pseudo_pipeline = (
    [
        dict(type='LoadImageFromFile', to_float32=True),
        dict(type='LoadPseudoLabel'),
    ]
    + augment
    + [dict(type='MultiBranch', branch_field=branches, pseudo=pack)]
)
label_pipeline = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='PadSegFields', size=test_size),
] + pack
# Annotations behind the padding: predictions lose it, labels never have it.
test_pipeline = label_pipeline[:-1] + [dict(type='LoadAnnotations')] + pack
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
    type='PascalVOCDataset',
    ann_file=f'{lists}/train.txt',
    data_prefix=dict(
        img_path=f'{data_root}/JPEGImages',
        seg_map_path=f'{data_root}/SegmentationClassAug',
    ),
)
unlabeled = dict(labeled, ann_file=f'{lists}/aug.txt')
val = dict(labeled, ann_file=f'{lists}/val.txt', pipeline=test_pipeline)

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
