# Mean Teacher with CutMix and the small network for CPUs, in whatever data
# set.
_base_ = [
    '../models/lateral-sum_mobilenetv2.py',
    '../schedules/camvid_adamw.py',
    '../online_runtime.py',
]
student = _base_.model
student.backbone.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/mobilenet_v2_in1k_mmseg.pth'
)
model = dict(
    _delete_=True,
    type='MeanTeacher',
    student=student,
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
