# U2PL on CamVid, 23 labeled and 344 unlabeled images, for a CPU. The recipe
# is ours: short features, a small bank, and classes weighted by the inverse
# root of their frequency. A network trained so paints rare classes too large,
# and its labels would make them grow: half of these are dropped at first, not
# a fifth as published.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2_in1k.py',
    '../_base_/datasets/camvid.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/online_runtime.py',
]
criterion = dict(
    type='ClassBalancedCrossEntropyLoss',
    mode='sqrt_inverse',
    class_frequency='labeled',
)
student = _base_.model
student.decode_head.type = 'LateralSumRepresentationHead'
student.decode_head.representation_head = dict(channels=96, out_channels=64)
student.decode_head.loss_decode = criterion
model = dict(
    _delete_=True,
    type='U2PL',
    student=student,
    contrast=dict(num_anchors=128, capacity=3000, loss_weight=0.1),
    pseudo_labeler=dict(
        type='EntropyPercentilePseudoLabeler', drop_percent=50.0
    ),
    unsup_loss=dict(
        type='EntropyFilteredCrossEntropyLoss', criterion=criterion
    ),
    mixing=dict(type='CutMix', box='u2pl', prob=0.5),
    semi_train_cfg=dict(warmup_iters=200),
    semi_test_cfg=dict(predict_on='teacher'),
)
train_cfg = dict(max_iters=1000, val_interval=500)
hooks = dict(
    channels_last=dict(type='ChannelsLastHook'),
    class_frequency=dict(type='ClassFrequencyHook'),
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.01,
        schedule='inverse',
        buffers='own',
    ),
    pictures=dict(type='TrainingPictureHook'),
    audit=dict(type='PseudoLabelAuditHook'),
)
