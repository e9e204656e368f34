# CBST as published, with ResNet-38 in six rounds.
_base_ = [
    './cbst.py',
    '../models/resnet38-d8.py',
    '../schedules/sgd_constant_biases.py',
]
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=_base_.model,
    objective=dict(type='ConfidenceRegularizedLoss'),
)
optim_wrapper = dict(optimizer=dict(lr=1e-4))
train_cfg = dict(
    portions=dict(rounds=6), lr_scale=[2 ** (-0.5 * k) for k in range(6)]
)
hooks = dict(labeling=dict(scales=(1850 / 2048,)))  # long side 1850
