# UniMatch V2 on ADE20K, 1263 labeled and 18947 unlabeled images, as published
# with DINOv2-B: four processes of 2 + 2 images there, one batch of 8 + 8 here.
# The encoder learns, as in the published logs; the released file freezes it.
_base_ = [
    '../_base_/models/dinov2-base_dpt.py',
    '../_base_/datasets/ade20k.py',
    '../_base_/schedules/dinov2_adamw.py',
    '../_base_/online_runtime.py',
    '../_base_/strong_colors.py',
]
data = dict(crop_size=(518, 518), strong=_base_.strong, views=2)
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
