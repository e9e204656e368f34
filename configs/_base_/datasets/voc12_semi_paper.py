# VOC 2012 with the transforms of DST-CBC as published: sides resized
# independently (the "random scale bug", so no real scale augmentation) and
# labeling at 321x321 without the aspect ratio.
_base_ = './voc12_semi.py'
crop_size = (321, 321)

load = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='LoadAnnotations'),
]
augment = [
    # Both sides drawn independently, (width, height).
    dict(
        type='RandomResize',
        scale=[(321, 321), (505, 505)],
        resize_type='TorchResize',
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
]
pack = _base_.pack
branches = _base_.branches
train_pipeline = load + augment + pack
sup_pipeline = (
    load
    + augment
    + [dict(type='MultiBranch', branch_field=branches, sup=pack)]
)
# Labels are stored at the crop size, whatever the size of the image.
pseudo_pipeline = (
    [
        dict(type='LoadImageFromFile', to_float32=True),
        dict(type='LoadPseudoLabel', match_image=False),
    ]
    + augment
    + [dict(type='MultiBranch', branch_field=branches, pseudo=pack)]
)
label_pipeline = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='TorchResize', scale=crop_size[::-1]),
] + pack

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
semi_dataloader = dict(
    dataset=dict(
        labeled=dict(pipeline=sup_pipeline),
        unlabeled=dict(dataset=dict(pipeline=pseudo_pipeline)),
    )
)
label_dataloader = dict(dataset=dict(dataset=dict(pipeline=label_pipeline)))
