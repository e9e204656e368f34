# Mean Teacher with CutMix on nuclei, 15 labeled and 450 unlabeled images, for
# a CPU. The recipe is ours: that of camvid_1-16.py without class weights,
# which two classes, 14 % of the pixels nuclei, do not need.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2.py',
    '../_base_/datasets/nuclei.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/online_runtime.py',
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
train_cfg = dict(max_iters=1000, val_interval=500)
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
