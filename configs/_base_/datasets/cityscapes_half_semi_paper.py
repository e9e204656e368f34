# Cityscapes at half resolution with the transforms of DST-CBC as published:
# sides resized independently, labeling at 257x513, evaluation at 513x1025.
_base_ = './cityscapes_half_semi.py'
crop_size = (257, 513)
half_size = [dict(type='TorchResize', scale=(1025, 513))]  # width, height

load = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='LoadAnnotations'),
]
augment = [
    # Both sides drawn independently, (width, height).
    dict(
        type='RandomResize',
        scale=[(513, 257), (1025, 513)],
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
test_pipeline = load + half_size + [dict(type='SetOriShape')] + pack
tta_pipeline = (
    load + half_size + [dict(type='SetOriShape')] + _base_.tta_pipeline[-1:]
)

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
semi_dataloader = dict(
    dataset=dict(
        labeled=dict(pipeline=sup_pipeline),
        unlabeled=dict(dataset=dict(pipeline=pseudo_pipeline)),
    )
)
label_dataloader = dict(dataset=dict(dataset=dict(pipeline=label_pipeline)))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
