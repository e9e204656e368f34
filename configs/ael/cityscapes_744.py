# AEL on Cityscapes, 744 labeled and 2231 unlabeled images.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-deep-stem_u2pl.py',
    '../_base_/datasets/cityscapes.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/online_runtime.py',
]
# Eight processes, each with two labeled images, two to be pasted into them,
# one unlabeled image and a partner for it, as published.
data = dict(
    batch=dict(labeled=16, paste=16, unlabeled=8),
    partners=True,
    paste=[
        dict(
            type='RandomChoice',
            transforms=[
                [dict(type='RandomScale', ratio_range=(0.1, 1.0))],
                [dict(type='RandomScale', ratio_range=(1.0, 2.0))],
            ],
        ),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
)
# 100000 pixels in each of 8 processes with two labeled images, as published.
ohem = dict(
    type='OHEMCrossEntropyLoss', thresh=0.7, min_kept=100000, per_device=8
)
student = _base_.model
student.backbone.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/resnet101_deep-stem_mmseg.pth'
)
student.decode_head.loss_decode = ohem
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
# Overlapping windows add up probabilities, as published.
student.type = 'FlexibleEncoderDecoder'
student.test_cfg = dict(
    mode='slide',
    crop_size=(769, 769),
    stride=(513, 513),
    added='probabilities',
)
model = dict(
    _delete_=True,
    type='AEL',
    student=student,
    pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.0),
    unsup_loss=dict(per_device=8),
    mixing=dict(type='AdaptiveCutMix'),
    copy_paste=dict(type='AdaptiveCopyPaste'),
    semi_test_cfg=dict(predict_on='teacher'),
)
# What the published rate of 0.01, weight decay of 1e-4 and heads of ten times
# that amount to: its code divides losses by the number of processes, eight,
# once more than gradients are averaged. For SGD with momentum a gradient of an
# eighth is a rate of an eighth with eight times the weight decay.
optim_wrapper = dict(
    optimizer=dict(lr=0.01 / 8, weight_decay=8 * 1e-4),
    paramwise_cfg=dict(
        custom_keys={
            'decode_head': dict(lr_mult=10.0),
            'auxiliary_head': dict(lr_mult=10.0),
        }
    ),
)
train_cfg = dict(max_iters='200 epochs', val_interval=2000)
hooks = dict(
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.01,
        schedule='inverse',
        buffers='ema',
    ),
    partners=dict(type='CutMixPartnerHook'),
)
