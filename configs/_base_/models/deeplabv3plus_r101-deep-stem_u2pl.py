# The network of U2PL and AEL: ResNet-101 with a deep stem of 64, 64 and 128
# channels, a first pooling that rounds up, output stride 8 and multi-grid
# (2, 2, 4), and DeepLabV3+ with ordinary convolutions. mmseg's multi_grid
# values are dilations themselves.
#
# Weights: convert the authors' ImageNet file by `mmsemi convert` and set
# backbone.init_cfg = dict(type='Pretrained', checkpoint=...). mmseg's
# open-mmlab://resnet101_v1c has a stem of 32, 32 and 64 channels and needs
# stem_channels=64.
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size=(513, 513),
    ),  # the crop, height first
    backbone=dict(
        type='DeepLabResNet',
        deep_stem=True,
        depth=101,
        stem_channels=128,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        dilations=(1, 1, 2, 4),
        strides=(1, 2, 1, 1),
        multi_grid=(4, 8, 16),
        contract_dilation=True,
        norm_cfg=norm_cfg,
        norm_eval=False,
        style='pytorch',
    ),
    decode_head=dict(
        type='DeepLabV3PlusHead',
        in_channels=2048,
        in_index=3,
        channels=256,
        c1_in_channels=256,
        c1_channels=256,
        dilations=(1, 12, 24, 36),
        dropout_ratio=0.1,
        num_classes=21,
        norm_cfg=norm_cfg,
        align_corners=True,
        loss_decode=dict(type='ClassBalancedCrossEntropyLoss'),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
