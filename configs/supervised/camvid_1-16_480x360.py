# Labeled-only on CamVid at its own 480x360, in mixed precision, for a GPU;
# otherwise as camvid_1-16.py. Not trained by us.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2.py',
    '../_base_/datasets/camvid_480x360.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/supervised_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='data/weights/mobilenet_v2_in1k_mmseg.pth',
        )
    ),
    decode_head=dict(
        loss_decode=dict(mode='sqrt_inverse', class_frequency='labeled')
    ),
)
optim_wrapper = dict(type='AmpOptimWrapper')
train_cfg = dict(max_iters=1000, val_interval=1000)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = 1001
custom_hooks = [dict(type='ClassFrequencyHook')]
