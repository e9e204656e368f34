# CBST with DeepLab-v2 as in CRST.
_base_ = [
    './cbst.py',
    '../models/deeplabv2_r101-d8_crst.py',
    '../schedules/sgd_constant.py',
]
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=_base_.model,
    objective=dict(type='ConfidenceRegularizedLoss'),
)
optim_wrapper = dict(
    optimizer=dict(lr=5e-5),
    paramwise_cfg=dict(custom_keys={'decode_head': dict(lr_mult=10.0)}),
)
