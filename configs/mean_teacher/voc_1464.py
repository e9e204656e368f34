# Mean Teacher with CutMix on VOC 2012, 1464 labeled and 9118 unlabeled
# images: masks, loss and teacher of CutMix-Seg, schedule and lists of U2PL.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-d8.py',
    '../_base_/datasets/voc12_u2pl.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/online_runtime.py',
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
optim_wrapper = dict(
    optimizer=dict(lr=0.001, weight_decay=1e-4),
    paramwise_cfg=dict(
        custom_keys={
            'decode_head': dict(lr_mult=10.0),
            'auxiliary_head': dict(lr_mult=10.0),
        }
    ),
)
train_cfg = dict(max_iters='80 epochs', val_interval=2000)
hooks = dict(
    teacher=dict(type='MeanTeacherHook', momentum=0.01, buffers='ema')
)
