# UniMatch V2 on VOC 2012, 1464 labeled and 9118 unlabeled images, as published
# with DINOv2-B: four processes of 4 + 4 images there, one batch of 16 + 16
# here. Of the images' own size half to twice.
_base_ = [
    '../_base_/models/dinov2-base_dpt.py',
    '../_base_/datasets/voc12_u2pl.py',
    '../_base_/schedules/dinov2_adamw.py',
    '../_base_/online_runtime.py',
    '../_base_/strong_colors.py',
]
data = dict(
    crop_size=(518, 518),
    augment=[
        dict(type='RandomScale', ratio_range=(0.5, 2.0)),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    strong=_base_.strong,
    views=2,
)
model = dict(
    _delete_=True,
    type='UniMatchV2',
    student=_base_.model,
    semi_test_cfg=dict(predict_on='teacher'),
)
train_cfg = dict(max_iters='60 epochs', val_interval=2000)
hooks = dict(
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.004,
        schedule='inverse',
        buffers='ema',
    )
)
