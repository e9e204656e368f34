# Plain supervised training in iterations; set max_iters and val_interval.
_base_ = ['./default_runtime.py']
train_cfg = dict(type='IterBasedTrainLoop')
default_hooks = dict(
    checkpoint=dict(
        _delete_=True,
        type='CheckpointHook',
        by_epoch=False,
        interval=500,
        max_keep_ckpts=1,
    )
)
