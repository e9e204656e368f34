# UniMatch V2 with DINOv2-B, in whatever data set.
_base_ = [
    '../models/dinov2-base_dpt.py',
    '../schedules/dinov2_adamw.py',
    '../online_runtime.py',
    '../unimatch_data.py',
]
model = dict(
    _delete_=True,
    type='UniMatchV2',
    student=_base_.model,
    semi_test_cfg=dict(predict_on='teacher'),
)
train_cfg = dict(val_interval=2000)
hooks = dict(
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.004,
        schedule='inverse',
        buffers='ema',
    )
)
