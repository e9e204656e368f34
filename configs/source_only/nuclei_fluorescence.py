# Source-only on nuclei: 379 labeled fluorescence images, tested on stained
# ones, for a CPU.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2_in1k.py',
    '../_base_/datasets/nuclei_to_stained.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/source_runtime.py',
]
train_cfg = dict(max_iters=600, val_interval=600)
hooks = dict(channels_last=dict(type='ChannelsLastHook'))
