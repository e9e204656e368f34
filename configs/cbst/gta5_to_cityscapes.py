# CBST on GTA5 -> Cityscapes, ResNet-38, six rounds. Portions are those of the
# released commands, 15 to 40 %; the paper has train_cfg.portions.start=0.2.
_base_ = [
    '../_base_/models/resnet38-d8.py',
    '../_base_/datasets/gta5_to_cityscapes.py',
    '../_base_/schedules/sgd_constant.py',
    '../_base_/default_runtime.py',
]
data = dict(variant='cbst')
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=_base_.model,
    objective=dict(type='ConfidenceRegularizedLoss'),
)
# Last checkpoint of configs/source_only/gta5_resnet38.py.
load_from = 'data/weights/source_only_gta5_resnet38.pth'
# All biases are those of BatchNorm and of the head.
optim_wrapper = dict(
    optimizer=dict(lr=1e-4),
    paramwise_cfg=dict(
        custom_keys={'.bias': dict(lr_mult=2.0, decay_mult=0.0)}
    ),
)
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters=0,
    portions=dict(start=0.15, step=0.05, stop=0.5, rounds=6),
    epochs_per_round=2,
    lr_scale=[2 ** (-0.5 * k) for k in range(6)],
)
hooks = dict(
    labeling=dict(
        type='PseudoLabelHook',
        labeler=dict(type='CBSTPseudoLabeler', ds_rate=4),
        flip=True,
        scales=(1850 / 2048,),  # long side 1850
        rare_share=1e-3,
    )
)
