# CamVid to choose settings such as gamma: tree and car are the unseen classes
# (common, and near road and sky in words), those of the test are ignored;
# evaluated on the 101 images of val.
_base_ = './zero_label_camvid.py'
classes = _base_.seen_classes + _base_.validation_classes
num_seen = 5
labels = dict(
    type='MapZeroLabels',
    file_classes=_base_.file_classes,
    classes=classes,
    num_seen=num_seen,
)
truth = dict(labels, evaluate=True)
train_pipeline = _base_.load + _base_.augment + [labels] + _base_.pack
test_pipeline = _base_.load + [dict(type='SetOriShape'), truth] + _base_.pack
tta_pipeline = _base_.load + [
    dict(type='SetOriShape'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='RandomFlip', prob=0.0, direction='horizontal'),
                dict(type='RandomFlip', prob=1.0, direction='horizontal'),
            ],
            [truth],
            _base_.pack,
        ],
    ),
]
metainfo = dict(
    classes=classes,
    num_seen=num_seen,
    palette=[_base_.colors[name] for name in classes],
)
train = dict(metainfo=metainfo, pipeline=train_pipeline)
train_dataloader = dict(dataset=train)
semi_dataloader = dict(dataset=train)
val_dataloader = dict(
    dataset=dict(
        metainfo=metainfo,
        data_prefix=dict(
            img_path=f'{_base_.data_root}/images/val',
            seg_map_path=f'{_base_.data_root}/annotations/val',
        ),
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader
