# Cityscapes, 19 classes, images and labels at half resolution, in training and
# in evaluation, as in DMT (DST-CBC: sizes one larger). Such figures do not
# compare with mIoU at full resolution.
data_root = 'data/cityscapes'
split = 'data/splits/cityscapes/dst_cbc/30_0'
crop_size = (256, 512)
half_size = [dict(type='TorchResize', scale=(1024, 512))]  # width, height

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
train_pipeline = load + half_size + augment + pack
sup_pipeline = (
    load
    + half_size
    + augment
    + [dict(type='MultiBranch', branch_field=branches, sup=pack)]
)
# Pseudo-labels are stored at half resolution.
pseudo_pipeline = (
    [
        dict(type='LoadImageFromFile', to_float32=True),
        *half_size,
        dict(type='LoadPseudoLabel'),
    ]
    + augment
    + [dict(type='MultiBranch', branch_field=branches, pseudo=pack)]
)
label_pipeline = [
    dict(type='LoadImageFromFile', to_float32=True),
    *half_size,
] + pack
test_pipeline = load + half_size + [dict(type='SetOriShape')] + pack
# Labels, too, come from the first view, so it has the size compared at.
img_ratios = [1.0, 0.5, 0.75, 1.25, 1.5, 1.75]
tta_pipeline = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='LoadAnnotations'),
    *half_size,
    dict(type='SetOriShape'),
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
