# UniMatch on VOC 2012, 1464 labeled and 9118 unlabeled images, as published:
# crops of 321, four processes of 2 + 2 images there, one batch of 8 + 8 here.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-deep-stem_d16.py',
    '../_base_/datasets/voc12_u2pl.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/online_runtime.py',
    '../_base_/strong_colors.py',
]
data = dict(
    crop_size=(321, 321),
    augment=[
        dict(type='RandomScale', ratio_range=(0.5, 2.0)),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    strong=_base_.strong,
    views=2,
    batch=dict(alone=8, labeled=8, unlabeled=8),
)
student = _base_.model
student.backbone.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/resnet101_deep-stem_mmseg.pth'
)
model = dict(_delete_=True, type='UniMatch', student=student)
optim_wrapper = dict(
    optimizer=dict(lr=0.001, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'decode_head': dict(lr_mult=10.0)}),
)
train_cfg = dict(max_iters='80 epochs', val_interval=2000)
