# Labeled-only on CamVid, 23 images, for a CPU; as long as round 0 and the
# rounds of configs/dst_cbc/camvid_1-16.py together.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2.py',
    '../_base_/datasets/camvid_240x180.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/supervised_runtime.py',
]
model = dict(
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
train_cfg = dict(max_iters=1000, val_interval=1000)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = 1001
custom_hooks = [dict(type='ChannelsLastHook'), dict(type='ClassFrequencyHook')]
