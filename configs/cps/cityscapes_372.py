# CPS on Cityscapes as published, with the lists of its authors: 372 labeled
# and 2603 unlabeled images (--split cps_1-16, cps_1-4 and cps_1-2: 186, 744
# and 1488), crops of 800, eight processes of 1 + 1 images there, one batch of
# 8 + 8 here. Both students are validated.
_base_ = [
    '../_base_/models/deeplabv3plus_r50-d8.py',
    '../_base_/datasets/cityscapes.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/online_runtime.py',
]
epochs = {2: 240, 4: 160, 8: 137, 16: 128}
numbers = {2: 1488, 4: 744, 8: 372, 16: 186}
data = dict(
    split='cps_1-8',
    splits={
        f'cps_1-{k}': dict(
            labeled=n,
            unlabeled=2975 - n,
            epochs=epochs[k],
            lists=f'data/splits/cityscapes/unimatch/1_{k}',
        )
        for k, n in numbers.items()
    },
    crop_size=(800, 800),
    augment=[
        dict(
            type='RandomChoice',
            transforms=[
                [dict(type='Resize', scale_factor=factor, keep_ratio=True)]
                for factor in (0.5, 0.75, 1.0, 1.5, 1.75, 2.0)
            ],
        ),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    views=0,
    batch=dict(alone=8, labeled=8, unlabeled=8),
    epoch=dict(processes=1),  # whole batches of the set
)
student = _base_.model
student.pop('auxiliary_head')
student.backbone.update(
    dilations=(1, 1, 1, 2),
    strides=(1, 2, 2, 1),
    multi_grid=(2, 4, 8),
    init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnet50_v1c'),
)
# 50000 pixels in each of 8 processes with one labeled image, as published.
student.decode_head.update(
    dilations=(1, 6, 12, 18),
    loss_decode=dict(
        type='OHEMCrossEntropyLoss', thresh=0.7, min_kept=50000, per_device=8
    ),
)
student.test_cfg = dict(mode='slide', crop_size=(800, 800), stride=(534, 534))
model = dict(
    _delete_=True,
    type='CPS',
    student=student,
    semi_train_cfg=dict(unsup_weight=6.0),
)
optim_wrapper = dict(
    optimizer=dict(lr=0.02, weight_decay=1e-4),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
train_cfg = dict(max_iters='{epochs} epochs', val_interval=2000)
val_cfg = dict(type='AllNetworksValLoop')
