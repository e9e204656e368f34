# CamVid at its own 480x360, in mixed precision, for a GPU. The recipe is that
# of camvid_1-16.py, which says why; not trained by us.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2.py',
    '../_base_/datasets/camvid_480x360_online.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/supervised_runtime.py',
]
criterion = dict(
    type='ClassBalancedCrossEntropyLoss',
    mode='sqrt_inverse',
    class_frequency='labeled',
)
student = _base_.model
student.data_preprocessor.size = _base_.crop_size
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
optim_wrapper = dict(type='AmpOptimWrapper')
train_cfg = dict(max_iters=1000, val_interval=500)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = 1001
custom_hooks = [
    dict(type='ClassFrequencyHook'),
    dict(
        type='MeanTeacherHook',
        momentum=0.01,
        schedule='inverse',
        buffers='ema',
    ),
    dict(type='TrainingPictureHook'),
    dict(type='PseudoLabelAuditHook'),  # if the model audits
]
