# Labeled-only on nuclei, 15 images, for a CPU; --split 1_64, 1_16, 1_8 have 7,
# 29 and 58.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2_in1k.py',
    '../_base_/datasets/nuclei.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/supervised_runtime.py',
]
train_cfg = dict(max_iters=1000, val_interval=1000)
hooks = dict(channels_last=dict(type='ChannelsLastHook'))
