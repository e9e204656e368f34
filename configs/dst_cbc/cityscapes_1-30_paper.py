# DST-CBC with the published transforms and rule (arXiv 2004.08514 v1), 1/30 of
# Cityscapes. The settings of the rounds are not published for Cityscapes:
# gamma is that of VOC, learning rate and epochs are the program's defaults,
# the interval of validation is our choice.
_base_ = [
    '../_base_/models/deeplabv2_r101-d8.py',
    '../_base_/datasets/cityscapes_half.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/default_runtime.py',
]
data = dict(variant='paper')
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=_base_.model,
    objective=dict(type='DynamicSelfTrainingLoss', gamma=9),
)
# Best snapshot of configs/supervised/cityscapes_1-30_paper.py on this split.
load_from = 'data/weights/supervised_cityscapes_{split}_paper.pth'
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters=0,
    portions=(0.2, 0.4, 0.6, 0.8, 1.0),
    iters_per_round='6 epochs',
    start_from='best',
    val_interval=500,
)
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
hooks = dict(
    labeling=dict(
        type='PseudoLabelHook',
        labeler=dict(
            type='ClassBalancedPseudoLabeler', rule='scaled', stride=16
        ),
    )
)
