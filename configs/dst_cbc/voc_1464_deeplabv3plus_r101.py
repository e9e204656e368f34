# DST-CBC with DeepLabV3+ from ImageNet weights on the split of voc_1464.py.
# Network and learning rates are our choice.
_base_ = [
    '../_base_/methods/dst_cbc.py',
    '../_base_/models/deeplabv3plus_r101-d8.py',
    '../_base_/datasets/voc12.py',
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
