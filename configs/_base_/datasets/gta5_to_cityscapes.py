# GTA5 (source, labeled) -> Cityscapes train (target, no labels), 19 classes,
# evaluated on Cityscapes val at full resolution. Crop, scales and rare-class
# crops of CRST. Lists are empty for all images of the folders; `--split
# data/splits/gta5_to_cityscapes/crst/505` takes the published ones.
source_root = 'data/gta5'  # from tools/dataset_converters/gta5.py
data_root = 'data/cityscapes'
crop_size = (512, 1024)

load = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='LoadAnnotations'),
]
scale = dict(type='RandomScale', ratio_range=(0.5, 1.5))
pad_and_flip = [
    dict(type='PadSegFields', size=crop_size),
    dict(type='RandomFlip', prob=0.5),
]
pack = [dict(type='PackSemiInputs')]
branches = ['sup', 'pseudo']
augment = [scale, dict(type='RandomCrop', crop_size=crop_size), *pad_and_flip]
train_pipeline = load + augment + pack
sup_pipeline = (
    load
    + augment
    + [dict(type='MultiBranch', branch_field=branches, sup=pack)]
)
# Only the target is searched for rare classes, in its pseudo-labels.
pseudo_pipeline = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='LoadPseudoLabel'),
    scale,
    dict(type='RareClassCrop', crop_size=crop_size, prob=0.8),
    *pad_and_flip,
    dict(type='MultiBranch', branch_field=branches, pseudo=pack),
]
label_pipeline = [dict(type='LoadImageFromFile', to_float32=True)] + pack
test_pipeline = load + pack
# CRST's script; CBST's paper has 0.5, 0.75, 1.0.
tta_scales = [0.9, 1.0, 1.2]
tta_pipeline = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='Resize', scale_factor=ratio, keep_ratio=True)
                for ratio in tta_scales
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

source = dict(
    type='GTA5Dataset',
    ann_file='',
    data_prefix=dict(
        img_path=f'{source_root}/images', seg_map_path=f'{source_root}/labels'
    ),
)
# The masks are for reports on the pseudo-labels, where they exist.
target = dict(
    type='CityscapesDataset',
    ann_file='',
    data_prefix=dict(
        img_path=f'{data_root}/leftImg8bit/train',
        seg_map_path=f'{data_root}/gtFine/train',
    ),
)
val = dict(
    type='CityscapesDataset',
    data_prefix=dict(
        img_path=f'{data_root}/leftImg8bit/val',
        seg_map_path=f'{data_root}/gtFine/val',
    ),
    pipeline=test_pipeline,
)

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(source, pipeline=train_pipeline),
)
semi_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(
        type='SourceSubsetSampler',
        portions=dict(start=0.03, step=0.0025, stop=0.06, rounds=3),
        policy='resample',
        subset_seed=3,
    ),
    dataset=dict(
        type='SemiDataset',
        labeled=dict(source, pipeline=sup_pipeline),
        unlabeled=dict(
            type='PseudoLabelDataset',
            dataset=dict(target, pipeline=pseudo_pipeline),
        ),
    ),
)
label_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=False,
    sampler=dict(type='BatchShardSampler', batch_size=1),
    dataset=dict(
        type='UnlabeledDataset', dataset=dict(target, pipeline=label_pipeline)
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
# The classes of SYNTHIA, all and without wall, fence and pole.
classes13 = [
    'road',
    'sidewalk',
    'building',
    'traffic light',
    'traffic sign',
    'vegetation',
    'sky',
    'person',
    'rider',
    'car',
    'bus',
    'motorcycle',
    'bicycle',
]
classes16 = classes13[:3] + ['wall', 'fence', 'pole'] + classes13[3:]
val_evaluator = dict(
    type='SubsetIoUMetric', subsets=dict(mIoU16=classes16, mIoU13=classes13)
)
test_evaluator = val_evaluator
tta_model = dict(type='SegTTAModel')
