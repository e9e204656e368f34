# AugSeg on VOC 2012, 1464 labeled and 9118 unlabeled images, as published: two
# processes of 8 + 8 images there, one batch of 16 + 16 here.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-deep-stem_d16.py',
    '../_base_/datasets/voc12_u2pl.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/online_runtime.py',
]
data = dict(
    augment=[
        # The longer side is 250 to 1000.
        dict(
            type='RandomResize',
            scale=(500, 500),
            ratio_range=(0.5, 2.0),
            resize_type='TorchResize',
            keep_ratio=True,
        ),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    strong=[dict(type='RandomIntensityAug')],
    epoch=dict(processes=2),
)
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
optim_wrapper = dict(
    optimizer=dict(lr=0.001, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'decode_head': dict(lr_mult=10.0)}),
)
train_cfg = dict(max_iters='80 epochs', val_interval=2000)
hooks = dict(
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.001,
        schedule='inverse',
        # The student itself labels in the first pass.
        copy_until='1 epochs',
        buffers='ema',
    )
)
