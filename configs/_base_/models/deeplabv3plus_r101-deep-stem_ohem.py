# The network of U2PL from its ImageNet weights, with OHEM in its head and in
# an auxiliary one: U2PL's on Cityscapes, AEL's on both data sets.
_base_ = ['deeplabv3plus_r101-deep-stem_u2pl.py']
# 100000 pixels in each of 8 processes with two labeled images, as published.
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
)
