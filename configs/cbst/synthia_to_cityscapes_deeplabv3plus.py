# CBST on SYNTHIA -> Cityscapes with DeepLabV3+. Network and learning rate are
# our choice, the rest as with DeepLab-v2.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-d8.py',
    '../_base_/datasets/synthia_to_cityscapes.py',
    '../_base_/schedules/sgd_constant.py',
    '../_base_/default_runtime.py',
]
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=_base_.model,
    objective=dict(type='ConfidenceRegularizedLoss'),
)
# Last checkpoint of configs/source_only/synthia_deeplabv3plus_r101.py.
load_from = 'data/weights/source_only_synthia_deeplabv3plus_r101.pth'
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters=0,
    portions=dict(start=0.2, step=0.05, stop=0.5, rounds=4),
    epochs_per_round=2,
)
hooks = dict(
    labeling=dict(
        type='PseudoLabelHook',
        labeler=dict(type='CBSTPseudoLabeler', ds_rate=4),
        flip=True,
        scales=(0.9,),
        rare_share=1e-3,
    )
)
