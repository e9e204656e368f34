# CBST with DeepLabV3+. Network and learning rate are our choice, the rest as
# with DeepLab-v2.
_base_ = [
    './cbst.py',
    '../models/deeplabv3plus_r101-d8.py',
    '../schedules/sgd_constant.py',
]
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=_base_.model,
    objective=dict(type='ConfidenceRegularizedLoss'),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
