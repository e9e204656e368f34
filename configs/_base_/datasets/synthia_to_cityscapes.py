# SYNTHIA-RAND-CITYSCAPES (source, labeled) -> Cityscapes train (target, no
# labels), 16 classes; means over 16 and 13 of them. Size of the source, crop
# and scales of CRST (its issues 14 and 18).
_base_ = ['./gta5_to_cityscapes.py']
source_root = 'data/synthia'  # from tools/dataset_converters/synthia.py
crop_size = (600, 900)

load, pack, branches = _base_.load, _base_.pack, _base_.branches
# Nothing happens to images that were converted to this size.
source_size = dict(type='TorchResize', scale=(2048, 1024))  # width, height
source_scale = dict(type='RandomScale', ratio_range=(0.8, 1.2))
target_scale = dict(type='RandomScale', ratio_range=(0.6, 1.5))
pad_and_flip = [
    dict(type='PadSegFields', size=crop_size),
    dict(type='RandomFlip', prob=0.5),
]
augment = [
    source_size,
    source_scale,
    dict(type='RandomCrop', crop_size=crop_size),
    *pad_and_flip,
]
train_pipeline = load + augment + pack
sup_pipeline = (
    load
    + augment
    + [dict(type='MultiBranch', branch_field=branches, sup=pack)]
)
pseudo_pipeline = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='LoadPseudoLabel'),
    target_scale,
    dict(type='RareClassCrop', crop_size=crop_size, prob=0.8),
    *pad_and_flip,
    dict(type='MultiBranch', branch_field=branches, pseudo=pack),
]

source = dict(
    type='SYNTHIADataset',
    data_prefix=dict(
        img_path=f'{source_root}/RGB', seg_map_path=f'{source_root}/GT/LABELS'
    ),
)
# Masks of Cityscapes are mapped to the 16 ids when they are read.
target = dict(metainfo=dict(classes=_base_.classes16))

train_dataloader = dict(dataset=dict(source, pipeline=train_pipeline))
semi_dataloader = dict(
    sampler=dict(portions=dict(start=0.02, rounds=4), subset_seed=0),
    dataset=dict(
        labeled=dict(source, pipeline=sup_pipeline),
        unlabeled=dict(dataset=dict(target, pipeline=pseudo_pipeline)),
    ),
)
label_dataloader = dict(dataset=dict(dataset=target))
val_dataloader = dict(dataset=target)
test_dataloader = dict(dataset=target)
val_evaluator = dict(subsets=dict(_delete_=True, mIoU13=_base_.classes13))
test_evaluator = val_evaluator
