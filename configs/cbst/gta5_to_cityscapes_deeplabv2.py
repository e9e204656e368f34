# CBST on GTA5 -> Cityscapes with DeepLab-v2 as in CRST, three rounds.
_base_ = [
    '../_base_/models/deeplabv2_r101-d8_crst.py',
    '../_base_/datasets/gta5_to_cityscapes.py',
    '../_base_/schedules/sgd_constant.py',
    '../_base_/default_runtime.py',
]
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=_base_.model,
    objective=dict(type='ConfidenceRegularizedLoss'),
)
# Last checkpoint of configs/source_only/gta5_deeplabv2_r101.py.
load_from = 'data/weights/source_only_gta5_deeplabv2_r101.pth'
optim_wrapper = dict(
    optimizer=dict(lr=5e-5),
    paramwise_cfg=dict(custom_keys={'decode_head': dict(lr_mult=10.0)}),
)
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters=0,
    portions=dict(start=0.2, step=0.05, stop=0.5, rounds=3),
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
