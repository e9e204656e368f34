# ST with the network of U2PL's lists, in whatever data set.
_base_ = [
    '../models/deeplabv3plus_r101-deep-stem_d16.py',
    '../schedules/sgd_poly.py',
    '../stages_runtime.py',
    '../strong_colors.py',
]
student = _base_.model
student.backbone.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/resnet101_deep-stem_mmseg.pth'
)
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=student,
    # Cross entropy of all pixels with a label.
    objective=dict(type='DynamicSelfTrainingLoss', gamma=0),
)
optim_wrapper = dict(
    optimizer=dict(weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'decode_head': dict(lr_mult=10.0)}),
)
train_cfg = dict(supervised_iters='{epochs} labeled epochs')
