# Mean Teacher with CutMix on Cityscapes, 744 labeled and 2231 unlabeled
# images: masks, loss and teacher of CutMix-Seg, schedule and lists of U2PL.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-d8.py',
    '../_base_/datasets/cityscapes.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/online_runtime.py',
]
# 100000 pixels in each of 8 processes with two labeled images, as published.
ohem = dict(
    type='OHEMCrossEntropyLoss', thresh=0.7, min_kept=100000, per_device=8
)
student = _base_.model
student.backbone.init_cfg = dict(
    type='Pretrained', checkpoint='open-mmlab://resnet101_v1c'
)
student.decode_head.loss_decode = ohem
student.auxiliary_head.loss_decode = dict(ohem, loss_weight=0.4)
student.test_cfg = dict(mode='slide', crop_size=(769, 769), stride=(513, 513))
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
optim_wrapper = dict(optimizer=dict(lr=0.01))
train_cfg = dict(max_iters='200 epochs', val_interval=2000)
hooks = dict(
    teacher=dict(type='MeanTeacherHook', momentum=0.01, buffers='ema')
)
