# Labeled-only on CamVid, 23 images, for a CPU; --split 1_8 has 46, all 367,
# the upper bound of few labels. As long as round 0 and the
# rounds of configs/dst_cbc/camvid_1-16.py together.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2_in1k.py',
    '../_base_/datasets/camvid.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/supervised_runtime.py',
]
model = dict(
    decode_head=dict(
        loss_decode=dict(mode='sqrt_inverse', class_frequency='labeled')
    )
)
train_cfg = dict(max_iters=1000, val_interval=1000)
hooks = dict(
    channels_last=dict(type='ChannelsLastHook'),
    class_frequency=dict(type='ClassFrequencyHook'),
)
