# ST on Cityscapes, 744 labeled and 2231 unlabeled images, as published but for
# the network (ResNet-101) and the lists, which are U2PL's.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-deep-stem_d16.py',
    '../_base_/datasets/cityscapes.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/stages_runtime.py',
    '../_base_/strong_colors.py',
]
augment = [
    dict(type='RandomScale', ratio_range=(0.5, 2.0)),
    dict(type='RandomCrop'),
    dict(type='PadSegFields'),
    dict(type='RandomFlip', prob=0.5),
]
data = dict(
    splits={
        str(n): dict(epochs=480 if n < 200 else 240)
        for n in (186, 372, 744, 1488)
    },
    epoch=None,
    crop_size=(721, 721),
    augment=augment,
    round_augment=[*augment, *_base_.strong, dict(type='NoiseCutOut')],
    batch=dict(alone=16, labeled=8, unlabeled=8, label=1),
)
student = _base_.model
student.backbone.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/resnet101_deep-stem_mmseg.pth'
)
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=student,
    objective=dict(type='DynamicSelfTrainingLoss', gamma=0),
)
optim_wrapper = dict(
    optimizer=dict(lr=0.004, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'decode_head': dict(lr_mult=10.0)}),
)
train_cfg = dict(
    supervised_iters='{epochs} labeled epochs', iters_per_round='240 epochs'
)
