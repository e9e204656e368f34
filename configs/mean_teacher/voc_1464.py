# Mean Teacher with CutMix on VOC 2012, 1464 labeled and 9118 unlabeled
# images: masks, loss and teacher of CutMix-Seg, schedule and lists of U2PL.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-d8.py',
    '../_base_/datasets/voc12_online.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/supervised_runtime.py',
]
student = _base_.model
student.data_preprocessor.size = _base_.crop_size
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
max_iters = 45600  # 80 epochs of 570
train_cfg = dict(max_iters=max_iters, val_interval=2000)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1
custom_hooks = [dict(type='MeanTeacherHook', momentum=0.01, buffers='ema')]
