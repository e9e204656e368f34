# ResNet-38 of CBST: 124 M parameters, BatchNorm at its running statistics in
# training while its weights learn. Input as in the MXNet code: RGB, divided by
# 255, ImageNet's mean and standard deviation.
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size=(504, 504),
    ),  # the crop, height first
    backbone=dict(type='ResNet38'),
    decode_head=dict(
        type='DilatedFCNHead',
        in_channels=4096,
        in_index=0,
        channels=512,
        num_classes=19,
        loss_decode=dict(type='ClassBalancedCrossEntropyLoss'),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
