# AugSeg with ResNet-101, in whatever data set.
_base_ = [
    '../models/deeplabv3plus_r101-deep-stem_d16.py',
    '../schedules/sgd_poly.py',
    '../online_runtime.py',
]
student = _base_.model
student.backbone.update(
    multi_grid=(2, 4, 8),
    init_cfg=dict(
        type='Pretrained',
        checkpoint='data/weights/resnet101_deep-stem_mmseg.pth',
    ),
)
model = dict(
    _delete_=True,
    type='AugSeg',
    student=student,
    semi_test_cfg=dict(predict_on='teacher'),
)
train_cfg = dict(val_interval=2000)
hooks = dict(
    teacher=dict(
        type='MeanTeacherHook',
        schedule='inverse',
        # The student itself labels in the first pass.
        copy_until='1 epochs',
        buffers='ema',
    )
)
