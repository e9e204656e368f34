# UniMatch V2 on Cityscapes, 744 labeled and 2231 unlabeled images, as
# published with DINOv2-B: four processes of 2 + 2 images there, one batch of
# 8 + 8 here. The lists are U2PL's; --split FOLDER takes UniMatch's own.
_base_ = [
    '../_base_/models/dinov2-base_dpt.py',
    '../_base_/datasets/cityscapes.py',
    '../_base_/schedules/dinov2_adamw.py',
    '../_base_/online_runtime.py',
    '../_base_/strong_colors.py',
]
data = dict(
    crop_size=(798, 798),
    augment=[
        dict(type='RandomScale', ratio_range=(0.5, 2.0)),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    strong=_base_.strong,
    views=2,
    batch=dict(alone=8, labeled=8, unlabeled=8),
    epoch=dict(processes=4),
)
student = _base_.model
# 200000 pixels in each of 4 processes with two labeled images, as published.
student.decode_head.loss_decode = dict(
    type='OHEMCrossEntropyLoss', thresh=0.7, min_kept=200000, per_device=4
)
student.test_cfg = dict(
    mode='slide',
    crop_size=(798, 798),
    stride=(532, 532),
    added='probabilities',
)
model = dict(
    _delete_=True,
    type='UniMatchV2',
    student=student,
    semi_test_cfg=dict(predict_on='teacher'),
)
train_cfg = dict(max_iters='180 epochs', val_interval=2000)
hooks = dict(
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.004,
        schedule='inverse',
        buffers='ema',
    )
)
