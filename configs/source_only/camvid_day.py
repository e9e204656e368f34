# Source-only on CamVid: 305 labeled day frames, tested on dusk, for a CPU.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2_in1k.py',
    '../_base_/datasets/camvid_day_to_dusk.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/source_runtime.py',
]
model = dict(
    decode_head=dict(
        loss_decode=dict(mode='sqrt_inverse', class_frequency='labeled')
    )
)
train_cfg = dict(max_iters=600, val_interval=600)
hooks = dict(
    channels_last=dict(type='ChannelsLastHook'),
    class_frequency=dict(type='ClassFrequencyHook'),
)
