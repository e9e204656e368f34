# DST-CBC as published (arXiv 2004.08514 v1), 1/20 of VOC trainaug: distorted
# resize, scaled rule, each round from the best model so far, chosen on val.
# Settings of the rounds are published for 1/106 and 1/20 (--split 106_0); for
# 50_0, 8_0 and 4_0 they are those of 1/20.
_base_ = [
    '../_base_/models/deeplabv2_r101-d8.py',
    '../_base_/datasets/voc12.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/default_runtime.py',
]
data = dict(variant='paper', split='20_0')
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=_base_.model,
    objective=dict(type='DynamicSelfTrainingLoss', gamma=9),
)
# Best snapshot of configs/supervised/voc_1-20_paper.py on this split.
load_from = 'data/weights/supervised_voc_{split}_paper.pth'
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters=0,
    portions=(0.2, 0.4, 0.6, 0.8, 1.0),
    iters_per_round='6 epochs',
    start_from='best',
    val_interval=1000,
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
