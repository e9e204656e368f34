# STRICT on CamVid with three unseen classes, for a CPU: SPNet, then two rounds
# with six views. The recipe is ours: one scale in round 0, agreement at the
# size of the labels.
_base_ = [
    '../_base_/models/semantic-embedding_mobilenetv2.py',
    '../_base_/datasets/zero_label_camvid.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/default_runtime.py',
]
model = dict(
    _delete_=True,
    type='ZeroLabelSegmentor',
    student=_base_.model,
    views=dict(mirror=True, scales='up'),
    semi_train_cfg=dict(scales=()),
)
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters=600,
    portions=(1.0, 1.0),  # two rounds; labels are made online
    iters_per_round=60,
)
hooks = dict(
    channels_last=dict(type='ChannelsLastHook'),
    generator=dict(type='GeneratorRefreshHook'),
    views=dict(type='ViewPictureHook'),
)
