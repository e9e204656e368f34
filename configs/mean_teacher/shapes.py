# Mean Teacher with CutMix on the procedural set, 12 labeled and 372 unlabeled
# images: something to build on and to try a method of one's own with, on a
# CPU. The settings are ours.
_base_ = [
    '../_base_/models/unet_small.py',
    '../_base_/datasets/shapes.py',
    '../_base_/online_runtime.py',
]
criterion = dict(
    type='ClassBalancedCrossEntropyLoss',
    mode='sqrt_inverse',
    class_frequency='labeled',
)
model = dict(
    _delete_=True,
    type='MeanTeacher',
    student=_base_.model,
    pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.7),
    unsup_loss=dict(type='PseudoLabelCrossEntropyLoss', criterion=criterion),
    mixing=dict(type='CutMix', box='cutmix_seg', prob=1.0),
    semi_test_cfg=dict(predict_on='teacher'),
)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=8e-3, weight_decay=0.01),
)
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=False)]
train_cfg = dict(max_iters=1600, val_interval=800)
hooks = dict(
    channels_last=dict(type='ChannelsLastHook'),
    class_frequency=dict(type='ClassFrequencyHook'),
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.01,
        schedule='inverse',
        buffers='ema',
    ),
    pictures=dict(type='TrainingPictureHook'),
)
