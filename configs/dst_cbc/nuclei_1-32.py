# DST-CBC on nuclei, 15 labeled and 450 unlabeled images, for a CPU: rounds,
# lengths and views of camvid_1-16.py on the network and optimizer of
# ../supervised/nuclei_1-32.py, without class weights.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2_in1k.py',
    '../_base_/datasets/nuclei.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/default_runtime.py',
]
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=_base_.model,
    objective=dict(type='DynamicSelfTrainingLoss', gamma=1),
)
data = dict(
    round_augment=[*_base_.data.augment, dict(type='PhotoMetricDistortion')]
)
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters=600,
    portions=(0.5, 0.8),
    iters_per_round=200,
)
hooks = dict(
    channels_last=dict(type='ChannelsLastHook'),
    labeling=dict(
        type='PseudoLabelHook',
        labeler=dict(
            type='ClassBalancedPseudoLabeler', rule='argmax', stride=1
        ),
        flip=True,
        scales=(1.0, 1.5),
    ),
)
