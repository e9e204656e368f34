# Mean Teacher with CutMix from day to dusk; --split day_to_dusk_4 adds labels
# of 4 dusk frames. The recipe of camvid_1-16.py as it is.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2.py',
    '../_base_/datasets/camvid_day_to_dusk.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/online_runtime.py',
]
criterion = dict(
    type='ClassBalancedCrossEntropyLoss',
    mode='sqrt_inverse',
    class_frequency='labeled',
)
student = _base_.model
student.backbone.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/mobilenet_v2_in1k_mmseg.pth'
)
student.decode_head.loss_decode = criterion
model = dict(
    _delete_=True,
    type='MeanTeacher',
    student=student,
    pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.7),
    unsup_loss=dict(type='PseudoLabelCrossEntropyLoss', criterion=criterion),
    mixing=dict(type='CutMix', box='cutmix_seg', prob=1.0),
    semi_test_cfg=dict(predict_on='teacher'),
)
train_cfg = dict(max_iters=600, val_interval=600)
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
    audit=dict(type='PseudoLabelAuditHook'),
)
