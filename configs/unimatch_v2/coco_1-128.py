# UniMatch V2 on COCO, 924 labeled and 117363 unlabeled images, as published
# with DINOv2-B: four processes of 4 + 4 images there, one batch of 16 + 16
# here.
_base_ = [
    '../_base_/models/dinov2-base_dpt.py',
    '../_base_/datasets/coco_things.py',
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
train_cfg = dict(max_iters='20 epochs', val_interval=2000)
hooks = dict(
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.004,
        schedule='inverse',
        buffers='ema',
    )
)
