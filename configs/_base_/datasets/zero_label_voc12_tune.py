# VOC 2012 to choose settings such as gamma: 12 seen classes, the three
# validation classes are the unseen ones, and the five unseen classes of the
# test are ignored. The last 500 training images, in SPNet's order, are held
# out for it.
_base_ = './zero_label_voc12.py'
images = 'data/zero_label/voc12_train_list.txt'
classes = _base_.seen_classes + _base_.validation_classes
num_seen = 12
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
train = dict(
    metainfo=metainfo,
    ann_file=images,
    indices=10082,  # the first so many
    pipeline=train_pipeline,
)
train_dataloader = dict(dataset=train)
semi_dataloader = dict(dataset=train)
val_dataloader = dict(
    dataset=dict(
        metainfo=metainfo,
        ann_file=images,
        indices=-500,  # the last so many
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader
