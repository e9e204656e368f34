# CPS on VOC 2012 as published, with the lists of its authors: 662 labeled and
# 9920 unlabeled images (--split cps_1-8 and cps_1-4: 1323 and 2646), crops of
# 512, four processes of 2 + 2 images there, one batch of 8 + 8 here. Both
# students are validated.
_base_ = [
    '../_base_/models/deeplabv3plus_r50-d8.py',
    '../_base_/datasets/voc12_u2pl.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/online_runtime.py',
]
data = dict(
    split='cps_1-16',
    splits={
        'cps_1-16': dict(epochs=32),
        'cps_1-8': dict(epochs=34),
        'cps_1-4': dict(epochs=40),
    },
    crop_size=(512, 512),
    augment=[
        dict(
            type='RandomChoice',
            transforms=[
                [dict(type='Resize', scale_factor=0.5, keep_ratio=True)],
                [dict(type='Resize', scale_factor=0.75, keep_ratio=True)],
                [dict(type='Resize', scale_factor=1.0, keep_ratio=True)],
                [dict(type='Resize', scale_factor=1.5, keep_ratio=True)],
                [dict(type='Resize', scale_factor=1.75, keep_ratio=True)],
                [dict(type='Resize', scale_factor=2.0, keep_ratio=True)],
            ],
        ),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    views=0,
    batch=dict(alone=8, labeled=8, unlabeled=8),
)
student = _base_.model
student.pop('auxiliary_head')
student.backbone.update(
    dilations=(1, 1, 1, 2),
    strides=(1, 2, 2, 1),
    multi_grid=(2, 4, 8),
    init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnet50_v1c'),
)
student.decode_head.dilations = (1, 6, 12, 18)
student.test_cfg = dict(mode='slide', crop_size=(512, 512), stride=(342, 342))
model = dict(
    _delete_=True,
    type='CPS',
    student=student,
    semi_train_cfg=dict(unsup_weight=1.5),
)
optim_wrapper = dict(
    optimizer=dict(lr=0.01, weight_decay=1e-4),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
train_cfg = dict(max_iters='{epochs} epochs', val_interval=2000)
val_cfg = dict(type='AllNetworksValLoop')
