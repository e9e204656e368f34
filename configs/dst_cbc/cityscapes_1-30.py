# DST-CBC on Cityscapes at half resolution, 100 labeled and 2875 unlabeled
# images, with the fixed augmentation and labeling rule. Round 0 is part of
# the run, at the published learning rate of the fixed augmentation; no
# setting of the rounds is published for Cityscapes: gamma is that of VOC, the
# learning rate and the number of epochs are the program's defaults
# (--split 8_0, 4_0).
_base_ = [
    '../_base_/models/deeplabv2_r101-d8.py',
    '../_base_/datasets/cityscapes_half.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/default_runtime.py',
]
student = _base_.model
student.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/deeplabv2_r101_coco_c19.pth'
)
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=student,
    objective=dict(type='DynamicSelfTrainingLoss', gamma=9),
)
optim_wrapper = dict(optimizer=dict(lr=0.004))
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters='{epochs} labeled epochs',
    portions=(0.2, 0.4, 0.6, 0.8, 1.0),
    iters_per_round='6 epochs',
    lr_scale=0.5,
)
hooks = dict(
    labeling=dict(
        type='PseudoLabelHook',
        labeler=dict(
            type='ClassBalancedPseudoLabeler', rule='argmax', stride=1
        ),
    )
)
