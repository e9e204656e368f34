# ST on nuclei, 15 labeled and 450 unlabeled images, for a CPU. Network and
# optimizer are those of ../supervised/nuclei_1-32.py, lengths those of
# camvid_1-16.py.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2_in1k.py',
    '../_base_/datasets/nuclei.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/stages_runtime.py',
    '../_base_/strong_colors.py',
]
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=_base_.model,
    objective=dict(type='DynamicSelfTrainingLoss', gamma=0),
)
data = dict(
    round_augment=[
        *_base_.data.augment,
        *_base_.strong,
        dict(type='NoiseCutOut'),
    ]
)
train_cfg = dict(supervised_iters=600, iters_per_round=1000)
hooks = dict(
    channels_last=dict(type='ChannelsLastHook'),
    labeling=dict(scales=(1.0, 1.5)),
)
