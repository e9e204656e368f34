# Labeled only with network, losses and schedule of
# ../u2pl/cityscapes_744.py, and as many iterations and labeled images in
# each. Published are 9400, with half the min_kept for as many images.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-deep-stem_u2pl.py',
    '../_base_/datasets/cityscapes_online.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/supervised_runtime.py',
]
ohem = dict(type='OHEMCrossEntropyLoss', thresh=0.7, min_kept=800000)
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='data/weights/resnet101_deep-stem_mmseg.pth',
        )
    ),
    decode_head=dict(num_classes=19, loss_decode=dict(ohem, _delete_=True)),
    auxiliary_head=dict(
        type='FCNHead',
        in_channels=1024,
        in_index=2,
        channels=256,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.1,
        num_classes=19,
        norm_cfg=_base_.norm_cfg,
        align_corners=True,
        loss_decode=dict(ohem, loss_weight=0.4),
    ),
    test_cfg=dict(
        _delete_=True, mode='slide', crop_size=(769, 769), stride=(513, 513)
    ),
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
optim_wrapper = dict(optimizer=dict(lr=0.01))
max_iters = 27800
train_cfg = dict(max_iters=max_iters, val_interval=2000)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1
