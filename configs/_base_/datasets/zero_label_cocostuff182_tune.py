# COCO-Stuff 164k to choose settings such as gamma: 155 seen classes, the 12
# validation classes are the unseen ones, the 15 unseen classes of the test are
# ignored. SPNet holds out its last 2000 training images; their order is not
# published, here they are the last by name.
_base_ = './zero_label_cocostuff182.py'
classes = _base_.seen_classes + _base_.validation_classes
num_seen = 155
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
metainfo = dict(classes=classes, num_seen=num_seen)
train = dict(metainfo=metainfo, indices=116287, pipeline=train_pipeline)
train_dataloader = dict(dataset=train)
semi_dataloader = dict(dataset=train)
val_dataloader = dict(
    dataset=dict(
        metainfo=metainfo,
        data_prefix=_base_.train.data_prefix,
        indices=-2000,
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader
