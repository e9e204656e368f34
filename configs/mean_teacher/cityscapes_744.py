# Mean Teacher with CutMix on Cityscapes, 744 labeled and 2231 unlabeled
# images: masks, loss and teacher of CutMix-Seg, schedule and lists of U2PL.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-d8.py',
    '../_base_/datasets/cityscapes_online.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/supervised_runtime.py',
]
# 100000 pixels in each of 8 processes with two labeled images, as published.
ohem = dict(type='OHEMCrossEntropyLoss', thresh=0.7, min_kept=800000)
student = _base_.model
student.data_preprocessor.size = _base_.crop_size
student.backbone.init_cfg = dict(
    type='Pretrained', checkpoint='open-mmlab://resnet101_v1c'
)
student.decode_head.num_classes = student.auxiliary_head.num_classes = 19
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
max_iters = 27800  # 200 epochs of 139
train_cfg = dict(max_iters=max_iters, val_interval=2000)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1
custom_hooks = [dict(type='MeanTeacherHook', momentum=0.01, buffers='ema')]
