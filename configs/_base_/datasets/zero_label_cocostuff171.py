# COCO-Stuff 164k as in the papers since 2022 (ZegFormer, ZegCLIP): the 171
# classes that masks hold, 156 seen and 15 unseen, evaluated on images of their
# own size.
_base_ = './zero_label_cocostuff182.py'
absent_classes = (
    'street sign',
    'hat',
    'shoe',
    'eye glasses',
    'plate',
    'mirror',
    'window',
    'desk',
    'door',
    'blender',
    'hair brush',
)
classes = tuple(name for name in _base_.classes if name not in absent_classes)
num_seen = 156
labels = dict(
    type='MapZeroLabels',
    file_classes=_base_.file_classes,
    classes=classes,
    num_seen=num_seen,
)
truth = dict(labels, evaluate=True)
train_pipeline = _base_.load + _base_.augment + [labels] + _base_.pack
test_pipeline = _base_.load[:-1] + [truth] + _base_.pack
native_pipeline = test_pipeline
tta_pipeline = _base_.load[:-1] + [
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
    )
]
metainfo = dict(classes=classes, num_seen=num_seen)
train = dict(metainfo=metainfo, pipeline=train_pipeline)
train_dataloader = dict(dataset=train)
semi_dataloader = dict(dataset=train)
val_dataloader = dict(dataset=dict(metainfo=metainfo, pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(prefix='native')
test_evaluator = val_evaluator
