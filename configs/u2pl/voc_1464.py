# U2PL on VOC 2012, 1464 labeled and 9118 unlabeled images, as published:
# four processes of 4 + 4 images there, one batch of 16 + 16 here.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-deep-stem_u2pl.py',
    '../_base_/datasets/voc12_u2pl.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/online_runtime.py',
]
student = _base_.model
student.backbone.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/resnet101_deep-stem_mmseg.pth'
)
student.decode_head.representation_head = dict(type='RepresentationHead')
model = dict(
    _delete_=True,
    type='U2PL',
    student=student,
    pseudo_labeler=dict(type='EntropyPercentilePseudoLabeler', per_device=4),
    unsup_loss=dict(type='EntropyFilteredCrossEntropyLoss', per_device=4),
    contrast=dict(loss_weight=0.1, num_anchors=256, per_device=4),
    mixing=dict(type='CutMix', box='u2pl', prob=0.5),
    semi_train_cfg=dict(warmup_iters='1 epoch', iters_per_epoch='1 epoch'),
    semi_test_cfg=dict(predict_on='teacher'),
)
optim_wrapper = dict(
    optimizer=dict(lr=0.001, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'decode_head': dict(lr_mult=10.0)}),
)
train_cfg = dict(max_iters='80 epochs', val_interval=2000)
hooks = dict(
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.01,
        schedule='inverse',
        start_iter='1 epoch',
        copy_until='2 epochs',
        buffers='own',
    )
)
