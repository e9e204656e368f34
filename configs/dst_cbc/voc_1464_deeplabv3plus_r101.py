# DST-CBC with DeepLabV3+ from ImageNet weights on the split of voc_1464.py.
# Network and learning rates are our choice.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-d8.py',
    '../_base_/datasets/voc12.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/default_runtime.py',
]
student = _base_.model
student.backbone.init_cfg = dict(
    type='Pretrained', checkpoint='open-mmlab://resnet101_v1c'
)
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=student,
    objective=dict(type='DynamicSelfTrainingLoss', gamma=9),
)
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            'decode_head': dict(lr_mult=10.0),
            'auxiliary_head': dict(lr_mult=10.0),
        }
    )
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
