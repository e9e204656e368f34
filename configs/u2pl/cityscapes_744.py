# U2PL on Cityscapes, 744 labeled and 2231 unlabeled images, as published:
# eight processes of 2 + 2 images there, one batch of 16 + 16 here.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-deep-stem_u2pl.py',
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
    type='Pretrained', checkpoint='data/weights/resnet101_deep-stem_mmseg.pth'
)
student.decode_head.loss_decode = ohem
student.decode_head.representation_head = dict(type='RepresentationHead')
student.auxiliary_head = dict(
    type='FCNHead',
    in_channels=1024,
    in_index=2,
    channels=256,
    num_convs=1,
    concat_input=False,
    dropout_ratio=0.1,
    norm_cfg=dict(type='BN', requires_grad=True),
    align_corners=True,
    loss_decode=dict(ohem, loss_weight=0.4),
    init_cfg=dict(type='TorchDefault'),
)
student.test_cfg = dict(mode='slide', crop_size=(769, 769), stride=(513, 513))
model = dict(
    _delete_=True,
    type='U2PL',
    student=student,
    pseudo_labeler=dict(type='EntropyPercentilePseudoLabeler', per_device=8),
    unsup_loss=dict(type='EntropyFilteredCrossEntropyLoss', per_device=8),
    contrast=dict(loss_weight=0.1, num_anchors=256, per_device=8),
    mixing=dict(type='CutMix', box='u2pl', prob=0.5),
    semi_train_cfg=dict(iters_per_epoch='1 epoch'),
    semi_test_cfg=dict(predict_on='teacher'),
)
optim_wrapper = dict(optimizer=dict(lr=0.01))
train_cfg = dict(max_iters='200 epochs', val_interval=2000)
hooks = dict(
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.01,
        schedule='inverse',
        copy_until='1 epoch',
        buffers='own',
    )
)
