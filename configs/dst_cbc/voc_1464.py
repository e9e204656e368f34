# DST-CBC on VOC 2012: 1464 images of VOC's own train are labeled, the 9118
# others of trainaug are not. Round 0 is part of the run. With the fixed
# augmentation and labeling rule; for this split gamma, rounds and learning
# rate are our choice, taken from the published ones of 1/106 and 1/20
# (--split 106_0, 50_0, 20_0, 8_0, 4_0).
_base_ = [
    '../_base_/models/deeplabv2_r101-d8.py',
    '../_base_/datasets/voc12.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/default_runtime.py',
]
student = _base_.model
student.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/deeplabv2_r101_coco.pth'
)
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=student,
    objective=dict(type='DynamicSelfTrainingLoss', gamma=9),
)
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters='{epochs} labeled epochs',
    portions=(0.2, 0.4, 0.6, 0.8, 1.0),
    iters_per_round='6 epochs',
)
hooks = dict(
    labeling=dict(
        type='PseudoLabelHook',
        labeler=dict(
            type='ClassBalancedPseudoLabeler', rule='argmax', stride=1
        ),
    )
)
