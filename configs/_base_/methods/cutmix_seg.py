# Mean Teacher with the masks, loss and teacher of CutMix-Seg, DeepLabV3+ and
# ResNet-101 from ImageNet weights, in whatever data set.
_base_ = [
    '../models/deeplabv3plus_r101-d8.py',
    '../schedules/sgd_poly.py',
    '../online_runtime.py',
]
student = _base_.model
student.backbone.init_cfg = dict(
    type='Pretrained', checkpoint='open-mmlab://resnet101_v1c'
)
model = dict(
    _delete_=True,
    type='MeanTeacher',
    student=student,
    pseudo_labeler=dict(
        type='ConfidencePseudoLabeler', threshold=0.97, per_pixel=False
    ),
    unsup_loss=dict(type='SoftmaxMSELoss'),
    mixing=dict(type='CutMix', box='cutmix_seg', prob=1.0),
    semi_test_cfg=dict(predict_on='teacher'),
)
train_cfg = dict(val_interval=2000)
hooks = dict(
    teacher=dict(type='MeanTeacherHook', momentum=0.01, buffers='ema')
)
