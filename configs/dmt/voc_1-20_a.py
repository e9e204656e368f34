# DMT on 1/20 of VOC trainaug, split 1, model A: from COCO weights
# (dmt-voc-20-1.sh). Train it with voc_1-20_b.py by tools/train_mutual.py;
# rounds are the phases of that command.
_base_ = [
    '../_base_/models/deeplabv2_r101-d8.py',
    '../_base_/datasets/voc12.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/default_runtime.py',
]
data = dict(split='20_1', batch=dict(labeled=1, unlabeled=7))
student = _base_.model
student.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/deeplabv2_r101_coco.pth'
)
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=student,
    objective=dict(type='DynamicMutualLoss', gamma1=5, gamma2=5),
)
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters='{epochs} labeled epochs',
    portions=(0.2, 0.4, 0.6, 0.8, 1.0),
    iters_per_round='4 epochs',
    lr_scale=0.5,
    start_from='best',
    val_interval=500,
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
