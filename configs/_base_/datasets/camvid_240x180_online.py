# CamVid at 240x180 for methods that see unlabeled images in every iteration.
# Two views of each share their geometry: the teacher's and the student's,
# which are equal (unsup_pipeline) or the latter in other colors
# (strong_pipeline).
_base_ = ['./camvid_240x180.py']
branches = ['sup', 'paste', 'unsup_teacher', 'unsup_student']
strong = [
    dict(type='ColorJitter'),
    dict(
        type='RandomGrayscale',
        prob=0.2,
        keep_channels=True,
        channel_weights=(0.114, 0.587, 0.299),
    ),
    dict(type='RandomGaussianBlur'),
]
sup_pipeline = (
    _base_.load
    + _base_.augment
    + [dict(type='MultiBranch', branch_field=branches, sup=_base_.pack)]
)
# Of what AEL pastes into labeled images.
paste_pipeline = _base_.load + [
    dict(type='RandomScale', ratio_range=(0.5, 2.0)),
    dict(type='RandomCrop', crop_size=_base_.crop_size),
    dict(type='PadSegFields', size=_base_.crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='MultiBranch', branch_field=branches, paste=_base_.pack),
]
unsup = [
    dict(type='LoadImageFromFile'),
    dict(type='InitValidMap'),
    dict(type='Resize', scale=_base_.scale),
] + _base_.augment
unsup_pipeline = unsup + [
    dict(
        type='MultiBranch',
        branch_field=branches,
        unsup_teacher=_base_.pack,
        unsup_student=_base_.pack,
    )
]
strong_pipeline = unsup + [
    dict(
        type='MultiBranch',
        branch_field=branches,
        unsup_teacher=_base_.pack,
        unsup_student=strong + _base_.pack,
    )
]
train_dataloader = dict(
    _delete_=True,
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='SourceRatioSampler', samples_per_source=(4, 4)),
    dataset=dict(
        type='SemiDataset',
        labeled=dict(_base_.labeled, pipeline=sup_pipeline),
        unlabeled=dict(
            type='UnlabeledDataset',
            dataset=dict(_base_.unlabeled, pipeline=unsup_pipeline),
        ),
    ),
)
