# DST-CBC on the procedural set: 12 labeled and 372 unlabeled images, a few
# minutes on a CPU. The settings are ours; the method is the published one.
_base_ = [
    '../_base_/models/unet_small.py',
    '../_base_/datasets/shapes.py',
    '../_base_/default_runtime.py',
]
criterion = dict(
    type='ClassBalancedCrossEntropyLoss',
    mode='sqrt_inverse',
    class_frequency='labeled',
)
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=_base_.model,
    objective=dict(
        type='DynamicSelfTrainingLoss', gamma=9, criterion=criterion
    ),
)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=8e-3, weight_decay=0.01),
)
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=False)]
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters=600,
    portions=(0.2, 0.4, 0.6, 0.8, 1.0),
    iters_per_round=200,
)
default_hooks = dict(logger=dict(interval=100))
hooks = dict(
    channels_last=dict(type='ChannelsLastHook'),
    class_frequency=dict(type='ClassFrequencyHook'),
    # Trained with class weights, the network overrates rare classes; labels
    # are given without them, or most of boats and lamps would be wrong.
    labeling=dict(
        type='PseudoLabelHook',
        labeler=dict(type='ClassBalancedPseudoLabeler', rule='argmax'),
        flip=True,
        undo_class_weights=True,
    ),
)
