# VOC 2012 with background as a seen class, 16/5: in training labels unseen
# objects are background.
_base_ = './zero_label_voc12.py'
classes = ('background',) + _base_.classes
num_seen = 16
labels = dict(
    type='MapZeroLabels',
    file_classes=_base_.file_classes,
    classes=classes,
    num_seen=num_seen,
)
truth = dict(labels, evaluate=True)
train_pipeline = _base_.load + _base_.augment + [labels] + _base_.pack
test_pipeline = _base_.load + [dict(type='SetOriShape'), truth] + _base_.pack
native_pipeline = _base_.load[:-1] + [truth] + _base_.pack
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
train = dict(metainfo=metainfo, pipeline=train_pipeline)
train_dataloader = dict(dataset=train)
semi_dataloader = dict(dataset=train)
val_dataloader = dict(dataset=dict(metainfo=metainfo, pipeline=test_pipeline))
test_dataloader = val_dataloader
