# Mean Teacher with CutMix and the small network for CPUs, in whatever data
# set.
_base_ = [
    '../models/lateral-sum_mobilenetv2_in1k.py',
    '../schedules/camvid_adamw.py',
    '../online_runtime.py',
]
model = dict(
    _delete_=True,
    type='MeanTeacher',
    student=_base_.model,
    pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.7),
    unsup_loss=dict(type='PseudoLabelCrossEntropyLoss'),
    mixing=dict(type='CutMix', box='cutmix_seg', prob=1.0),
    semi_test_cfg=dict(predict_on='teacher'),
)
hooks = dict(
    channels_last=dict(type='ChannelsLastHook'),
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.01,
        schedule='inverse',
        buffers='ema',
    ),
    pictures=dict(type='TrainingPictureHook'),
    audit=dict(type='PseudoLabelAuditHook'),
)
