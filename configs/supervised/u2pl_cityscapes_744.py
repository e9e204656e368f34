# Labeled only with network, losses and schedule of
# ../u2pl/cityscapes_744.py, and as many iterations and labeled images in
# each. Published are 9400, with half the min_kept for as many images; 2400 of
# 186, 4800 of 372, 18600 of 1488 images.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-deep-stem_u2pl.py',
    '../_base_/datasets/cityscapes.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/supervised_runtime.py',
]
ohem = dict(
    type='OHEMCrossEntropyLoss', thresh=0.7, min_kept=100000, per_device=8
)
model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='data/weights/resnet101_deep-stem_mmseg.pth',
        )
    ),
    decode_head=dict(loss_decode=dict(ohem, _delete_=True)),
    auxiliary_head=dict(
        type='FCNHead',
        in_channels=1024,
        in_index=2,
        channels=256,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.1,
        norm_cfg=_base_.norm_cfg,
        align_corners=True,
        loss_decode=dict(ohem, loss_weight=0.4),
        init_cfg=dict(type='TorchDefault'),
    ),
    test_cfg=dict(
        _delete_=True, mode='slide', crop_size=(769, 769), stride=(513, 513)
    ),
)
optim_wrapper = dict(optimizer=dict(lr=0.01))
train_cfg = dict(max_iters='200 epochs', val_interval=2000)
