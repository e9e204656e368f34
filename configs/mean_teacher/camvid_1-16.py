# Mean Teacher with CutMix on CamVid, 23 labeled and 344 unlabeled images,
# for a CPU. The recipe is ours: with plain cross entropy and a threshold of
# 0.8 thin and rare classes are lost to the threshold, so classes are weighted
# and it is 0.7.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2.py',
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
train_cfg = dict(max_iters=1000, val_interval=500)
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
