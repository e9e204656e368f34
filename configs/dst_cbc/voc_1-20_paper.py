# DST-CBC as published (arXiv 2004.08514 v1), 1/20 of VOC trainaug: distorted
# resize, scaled rule, each round from the best model so far, chosen on val.
_base_ = [
    '../_base_/models/deeplabv2_r101-d8.py',
    '../_base_/datasets/voc12_semi_paper.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/default_runtime.py',
]
split = 'data/splits/voc12/dst_cbc/20_0'
labeled = dict(ann_file=f'{split}/labeled.txt')
unlabeled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labeled)
semi_dataloader = dict(
    dataset=dict(labeled=labeled, unlabeled=dict(dataset=unlabeled))
)
label_dataloader = dict(dataset=dict(dataset=unlabeled))
student = _base_.model
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=student,
    objective=dict(type='DynamicSelfTrainingLoss', gamma=9),
)
# Best snapshot of configs/supervised/voc_1-20_paper.py.
load_from = 'data/weights/supervised_voc_1-20_paper.pth'
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters=0,
    portions=(0.2, 0.4, 0.6, 0.8, 1.0),
    epochs_per_round=6,
    start_from='best',
    val_interval=1000,
)
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
custom_hooks = [
    dict(
        type='PseudoLabelHook',
        labeler=dict(
            type='ClassBalancedPseudoLabeler', rule='scaled', stride=16
        ),
    )
]
