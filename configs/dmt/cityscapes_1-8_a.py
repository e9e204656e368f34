# DMT on 1/8 of Cityscapes at half resolution, split 1, model A: from COCO
# weights (dmt-city-8-1.sh).
_base_ = [
    '../_base_/models/deeplabv2_r101-d8.py',
    '../_base_/datasets/cityscapes_half.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/default_runtime.py',
]
data = dict(split='8_1', batch=dict(labeled=2, unlabeled=6))
student = _base_.model
student.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/deeplabv2_r101_coco_c19.pth'
)
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=student,
    objective=dict(type='DynamicMutualLoss', gamma1=3, gamma2=3),
)
optim_wrapper = dict(optimizer=dict(lr=0.004))
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters='{epochs} labeled epochs',
    portions=(0.2, 0.4, 0.6, 0.8, 1.0),
    iters_per_round='10 epochs',
    start_from='best',
    val_interval=300,
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
