# SYNTHIA -> Cityscapes as in CBST: images at their own 1280x760, crops of
# 504x504, rare classes searched for in source and target, the source images
# of a round added to those before.
_base_ = ['./synthia_to_cityscapes.py']
crop_size = (504, 504)

load, pack, branches = _base_.load, _base_.pack, _base_.branches
scale = dict(type='RandomScale', ratio_range=(0.7, 1.3))
rare_crop = dict(
    type='RareClassCrop',
    crop_size=crop_size,
    prob=0.8,
    inside=True,
    use_rarest=True,
)
pad_and_flip = [
    dict(type='PadSegFields', size=crop_size),
    dict(type='RandomFlip', prob=0.5),
]
train_pipeline = [
    *load,
    scale,
    dict(type='RandomCrop', crop_size=crop_size),
    *pad_and_flip,
    *pack,
]
sup_pipeline = [
    *load,
    scale,
    rare_crop,
    *pad_and_flip,
    dict(type='MultiBranch', branch_field=branches, sup=pack),
]
pseudo_pipeline = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='LoadPseudoLabel'),
    scale,
    rare_crop,
    *pad_and_flip,
    dict(type='MultiBranch', branch_field=branches, pseudo=pack),
]
# The scales of CBST's paper.
tta_scales = [0.5, 0.75, 1.0]
tta_pipeline = _base_.tta_pipeline
tta_pipeline[1].transforms[0] = [
    dict(type='Resize', scale_factor=ratio, keep_ratio=True)
    for ratio in tta_scales
]

train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))
semi_dataloader = dict(
    sampler=dict(portions=dict(rounds=6), policy='cumulative', subset_seed=0),
    dataset=dict(
        labeled=dict(pipeline=sup_pipeline),
        unlabeled=dict(dataset=dict(pipeline=pseudo_pipeline)),
    ),
)
