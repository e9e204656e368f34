# Model A of DMT with DeepLab-v2, in whatever data set.
_base_ = [
    '../models/deeplabv2_r101-d8.py',
    '../schedules/sgd_poly.py',
    '../default_runtime.py',
]
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=_base_.model,
    objective=dict(type='DynamicMutualLoss'),
)
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters='{epochs} labeled epochs',
    portions=(0.2, 0.4, 0.6, 0.8, 1.0),
    start_from='best',
)
baseline_cfg = dict(train_cfg=dict(val_interval='{val_interval}'))
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
hooks = dict(
    labeling=dict(
        type='PseudoLabelHook',
        labeler=dict(
            type='ClassBalancedPseudoLabeler', rule='argmax', stride=16
        ),
        keep_confidence=True,
    )
)
randomness = dict(seed=1)
