# Labeled only with network, loss and schedule of ../u2pl/voc_1464.py, and as
# many iterations and labeled images in each. Published are 7360.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-deep-stem_u2pl.py',
    '../_base_/datasets/voc12_online.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/supervised_runtime.py',
]
model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='data/weights/resnet101_deep-stem_mmseg.pth',
        )
    )
)
train_dataloader = dict(
    _delete_=True,
    batch_size=16,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        _base_.labeled,
        ann_file=f'{_base_.split}/labeled.txt',
        pipeline=_base_.load + _base_.augment + _base_.pack,
    ),
)
optim_wrapper = dict(
    optimizer=dict(lr=0.001, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'decode_head': dict(lr_mult=10.0)}),
)
max_iters = 45600
train_cfg = dict(max_iters=max_iters, val_interval=2000)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1
