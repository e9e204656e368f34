# Rounds of CBST after a finished source model, in whatever network and data
# set.
_base_ = ['../default_runtime.py']
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters=0,
    portions=dict(start=0.2, step=0.05, stop=0.5),
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
