# SPNet on CamVid with three unseen classes, for a CPU. The recipe is ours: one
# scale, loss at the size of the labels, as long as round 0 of
# configs/strict/camvid.py.
_base_ = [
    '../_base_/models/semantic-embedding_mobilenetv2.py',
    '../_base_/datasets/zero_label_camvid.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/supervised_runtime.py',
]
model = dict(
    _delete_=True,
    type='SPNet',
    student=_base_.model,
    semi_train_cfg=dict(scales=()),
)
train_cfg = dict(max_iters=600, val_interval=600)
hooks = dict(channels_last=dict(type='ChannelsLastHook'))
