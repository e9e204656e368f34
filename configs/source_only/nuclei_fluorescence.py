# Source-only on nuclei: 379 labeled fluorescence images, tested on stained
# ones, for a CPU.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2.py',
    '../_base_/datasets/nuclei_to_stained.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/source_runtime.py',
]
model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='data/weights/mobilenet_v2_in1k_mmseg.pth',
        )
    )
)
train_cfg = dict(max_iters=600, val_interval=600)
hooks = dict(channels_last=dict(type='ChannelsLastHook'))
