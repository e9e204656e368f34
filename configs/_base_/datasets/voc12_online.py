# VOC 2012 with SBD's images for methods that see unlabeled images in every
# iteration: 16 labeled and 16 unlabeled images a batch, crops of 513, scales
# of 0.5 to 2, as in U2PL (half of the images are shrunk), whose lists are
# used. The two views of an unlabeled image share their geometry: the
# teacher's and the student's, which are equal (unsup_pipeline) or the latter
# in other colors (strong_pipeline).
_base_ = ['./voc12_semi.py']
split = 'data/splits/voc12/u2pl/1464'
crop_size = (513, 513)
augment = [
    dict(
        type='RandomChoice',
        transforms=[
            [dict(type='RandomScale', ratio_range=(0.5, 1.0))],
            [dict(type='RandomScale', ratio_range=(1.0, 2.0))],
        ],
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='PadSegFields', size=crop_size),
    dict(type='RandomFlip', prob=0.5),
]
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
    + augment
    + [dict(type='MultiBranch', branch_field=branches, sup=_base_.pack)]
)
# Of what AEL pastes into labeled images.
paste_pipeline = _base_.load + [
    dict(
        type='RandomChoice',
        transforms=[
            [dict(type='RandomScale', ratio_range=(0.1, 1.0))],
            [dict(type='RandomScale', ratio_range=(1.0, 2.0))],
        ],
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='PadSegFields', size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='MultiBranch', branch_field=branches, paste=_base_.pack),
]
unsup = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='InitValidMap'),
] + augment
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
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='SourceRatioSampler', samples_per_source=(16, 16)),
    dataset=dict(
        type='SemiDataset',
        labeled=dict(
            _base_.labeled,
            ann_file=f'{split}/labeled.txt',
            pipeline=sup_pipeline,
        ),
        unlabeled=dict(
            type='UnlabeledDataset',
            dataset=dict(
                _base_.unlabeled,
                ann_file=f'{split}/unlabeled.txt',
                pipeline=unsup_pipeline,
            ),
        ),
    ),
)
# Whole images as they are.
test_pipeline = _base_.load + _base_.pack
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
